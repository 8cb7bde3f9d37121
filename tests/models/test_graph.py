"""Graph models: the formula, blocks against the whole graph, folding in, options."""

from __future__ import annotations

from pathlib import Path

import dgl
import numpy as np
import pytest
import torch
from dgl.dataloading import MultiLayerFullNeighborSampler, NeighborSampler

from playlistrec.corpus.corpus import Corpus
from playlistrec.errors import ConfigError
from playlistrec.models.base import Query
from playlistrec.models.graph import GAT, SAGE, GraphModel, LightGCN
from playlistrec.models.mf import MF

KINDS = [LightGCN, GAT, SAGE]


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    rng = np.random.default_rng(4)
    lists = [[f"t{t}" for t in rng.choice(25, size=rng.integers(2, 9), replace=False)] for _ in range(30)]
    lists.append([])  # an isolated playlist
    return Corpus.from_lists(lists, {f"t{t}": f"a{t % 6}" for t in range(20)})


def build(kind: type[GraphModel], corpus: Corpus, **options: object) -> GraphModel:
    return kind.from_corpus(corpus, kind.options.from_options({"dim": 8, "artists": False, **options}), seed=1).eval()


@pytest.mark.parametrize("layers", [1, 3])
def test_lightgcn_is_the_mean_of_powers_of_the_normalised_adjacency(corpus: Corpus, layers: int) -> None:
    model = build(LightGCN, corpus, layers=layers)
    a = torch.from_numpy(corpus.matrix.toarray())
    n, m = a.shape
    whole = torch.zeros(n + m, n + m)
    whole[:n, n:], whole[n:, :n] = a, a.T
    scale = whole.sum(1).clamp(min=1).rsqrt()
    whole = scale[:, None] * whole * scale[None, :]
    e = torch.cat([model.tables["playlist"], model.tables["track"]])
    expected = sum(torch.matrix_power(whole, power) @ e for power in range(layers + 1)) / (layers + 1)
    playlists, tracks = model.embed()
    torch.testing.assert_close(torch.cat([playlists, tracks]), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("artists", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_blocks_of_all_neighbours_equal_the_whole_graph(kind: type[GraphModel], artists: bool, corpus: Corpus) -> None:
    model = build(kind, corpus, artists=artists, layer_weights="learned")
    wanted = {"playlist": torch.tensor([3, 30, 0], dtype=torch.int32), "track": torch.tensor([7, 1], dtype=torch.int32)}
    sampler = MultiLayerFullNeighborSampler(len(model.layers))
    inputs, _, blocks = sampler.sample_blocks(model.graph, wanted)
    (playlists, tracks), (playlists0, tracks0) = model.embed_blocks(blocks, inputs)
    all_playlists, all_tracks = model.embed()
    torch.testing.assert_close(playlists, all_playlists[wanted["playlist"].long()], rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(tracks, all_tracks[wanted["track"].long()], rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(playlists0, model.tables["playlist"][wanted["playlist"].long()])
    torch.testing.assert_close(tracks0, model.tables["track"][wanted["track"].long()])


def test_sampled_sums_are_scaled_to_all_neighbours(corpus: Corpus) -> None:
    """One layer of LightGCN over 2 of the neighbours: on average what all of them give."""
    model = build(LightGCN, corpus, layers=1)
    wanted = {"playlist": torch.arange(30, dtype=torch.int32)}
    dgl.seed(0)
    total = torch.zeros(30, 8)
    for _ in range(600):
        inputs, _, blocks = NeighborSampler([2], fused=False).sample_blocks(model.graph, wanted)
        total += model.embed_blocks(blocks, inputs)[0][0].detach()
    expected = model.embed()[0][:30].detach()
    torch.testing.assert_close(total / 600, expected, rtol=0, atol=0.1 * float(expected.abs().max()))


def test_fold_in_follows_the_formula(corpus: Corpus) -> None:
    """Layer by layer what LightGCN's own sum gives a node with edges from its seeds only."""
    model = build(LightGCN, corpus, layers=2)
    a = torch.from_numpy(corpus.matrix.toarray())
    d_p, d_t = a.sum(1).clamp(min=1).rsqrt(), a.sum(0).clamp(min=1).rsqrt()
    s = d_p[:, None] * a * d_t[None, :]
    e_p, e_t = model.tables["playlist"], model.tables["track"]
    seeds = [2, 5, 11]
    heard = [(d_t[seeds, None] * tracks[seeds]).sum(0) / len(seeds) ** 0.5 for tracks in (e_t, s.T @ e_p)]
    layers = [e_p.mean(0), *heard]
    folded = model.fold_in(Query.of([[2, 5, 5, 11], []]))
    torch.testing.assert_close(folded[0], sum(layers) / 3, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(folded[1], e_p.mean(0) / 3, rtol=1e-4, atol=1e-6)


def test_matrix_factorisation_folds_in_by_ridge(corpus: Corpus) -> None:
    model = MF.from_corpus(corpus, MF.options.from_options({"dim": 4}), seed=0)
    v = model.tables["track"].detach()
    mean = model.tables["playlist"].detach().mean(0)
    z = model.fold_in(Query.of([[1, 6, 6]]))[0].requires_grad_()
    seeds = v[[1, 6]]
    loss = (1 - seeds @ z).square().sum() + model.unobserved_weight * (v @ z).square().sum()
    (loss + model.ridge * (z - mean).square().sum()).backward()
    assert z.grad is not None
    assert float(z.grad.abs().max()) < 1e-5, "the folded-in vector is where the objective is flat"


def test_artists_take_part_only_when_asked(corpus: Corpus) -> None:
    assert set(build(LightGCN, corpus).tables) == {"playlist", "track"}
    model = build(GAT, corpus, artists=True)
    assert set(model.tables) == {"playlist", "track", "artist"}
    model.embed()[0].sum().backward()
    assert model.tables["artist"].grad is not None
    assert float(model.tables["artist"].grad.abs().sum()) > 0


def test_features_are_the_initial_embeddings(corpus: Corpus, tmp_path: Path) -> None:
    given = np.random.default_rng(0).normal(size=(corpus.n_tracks, 8)).astype(np.float32)
    np.savez(tmp_path / "features.npz", track=given)
    model = build(SAGE, corpus, features=str(tmp_path / "features.npz"))
    np.testing.assert_array_equal(model.tables["track"].detach().numpy(), given)
    assert model.tables["track"].requires_grad
    (tmp_path / "features.npz").rename(tmp_path / "moved.npz")
    loaded = SAGE.from_arrays(corpus, model.config, model.arrays())
    assert loaded.config == model.config
    torch.testing.assert_close(loaded.vectors(), model.vectors())
    (tmp_path / "moved.npz").rename(tmp_path / "features.npz")
    with pytest.raises(ConfigError, match=r"features of 'track' must have shape \(25, 6\).*got \(25, 8\)"):
        build(SAGE, corpus, features=str(tmp_path / "features.npz"), dim=6)


def test_learned_layer_weights_learn(corpus: Corpus) -> None:
    model = build(LightGCN, corpus, layer_weights="learned")
    playlists, tracks = model.embed()
    (playlists @ tracks.T).sum().backward()
    assert model.combine.logits.grad is not None
    assert float(model.combine.logits.grad.abs().sum()) > 0


def test_vectors_are_kept_until_parameters_may_change(corpus: Corpus) -> None:
    model = build(LightGCN, corpus)
    first = model.vectors()
    assert model.vectors()[0] is first[0]
    model.train()
    with torch.no_grad():
        model.tables["track"].mul_(2)
    model.eval()
    assert not torch.equal(model.vectors()[1], first[1])
