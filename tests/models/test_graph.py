"""Graph models: the formula, blocks against the whole graph, folding in, noisy views, precision, options."""

from __future__ import annotations

from pathlib import Path

import dgl
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from dgl.dataloading import MultiLayerFullNeighborSampler, NeighborSampler
from small_graph import build, small_corpus

from playlistrec.corpus.corpus import Corpus
from playlistrec.errors import ConfigError
from playlistrec.models.base import Query
from playlistrec.models.embedding.trained import torch_seed
from playlistrec.models.factorization.mf import MF
from playlistrec.models.graph.gat import GAT
from playlistrec.models.graph.gcn import GCN
from playlistrec.models.graph.lightgcn import LightGCN
from playlistrec.models.graph.model import GraphModel
from playlistrec.models.graph.sage import SAGE

KINDS = [LightGCN, GAT, SAGE]


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return small_corpus()


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


def test_matrices_that_start_as_the_identity_add_the_mean_of_the_neighbours(corpus: Corpus) -> None:
    model = build(SAGE, corpus, layers=1, layer_weights="0,1", weight_init="identity", activation="none")
    shares = torch.from_numpy(corpus.matrix.toarray())
    shares /= shares.sum(1, keepdim=True).clamp(min=1)
    expected = model.tables["playlist"] + shares @ model.tables["track"]
    torch.testing.assert_close(model.embed()[0], expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("kind", [GAT, SAGE, GCN])
def test_an_activation_or_none_follows_each_layer(kind: type[GraphModel], corpus: Corpus) -> None:
    plain, elu, relu = (
        build(kind, corpus, layers=1, layer_weights="0,1", weight_init="identity", activation=name).embed()[0]
        for name in ("none", "elu", "relu")
    )
    assert (plain < 0).any()
    torch.testing.assert_close(elu, F.elu(plain))
    torch.testing.assert_close(relu, F.relu(plain))


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
    neighbour_sum = [(d_t[seeds, None] * tracks[seeds]).sum(0) / len(seeds) ** 0.5 for tracks in (e_t, s.T @ e_p)]
    layers = [e_p.mean(0), *neighbour_sum]
    folded = model.fold_in(Query.of([[2, 5, 5, 11], []]))
    torch.testing.assert_close(folded[0], sum(layers) / 3, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(folded[1], e_p.mean(0) / 3, rtol=1e-4, atol=1e-6)


def test_matrix_factorisation_folds_in_by_ridge(corpus: Corpus) -> None:
    model = MF.from_corpus(corpus, MF.config_class.from_options({"dim": 4}), seed=0)
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
    loaded = SAGE.from_state(corpus, model.config, model.state())
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


@pytest.mark.parametrize("kind", KINDS)
def test_views_without_noise_are_the_vectors_and_the_first_layer(kind: type[GraphModel], corpus: Corpus) -> None:
    model = build(kind, corpus, artists=True, layers=2)
    vectors, first = model.contrastive_views(0.0)
    torch.testing.assert_close(vectors, model.embed(), rtol=0, atol=0)
    degree_norms = {etype: (a, b) for etype, (a, b) in model.degree_norms.items()}
    after = model.layers[0](model.graph, dict(model.tables), degree_norms=degree_norms)
    states = {k: model.activate(h) for k, h in after.items()}
    torch.testing.assert_close(first, (states["playlist"], states["track"]))


def test_noise_has_its_length_and_the_sign_of_the_state(corpus: Corpus) -> None:
    model = build(LightGCN, corpus, layers=1, layer_weights="0,1")
    with torch_seed(0):
        (_, clean), (vectors, first) = model.contrastive_views(0.0), model.contrastive_views(0.3)
    torch.testing.assert_close(vectors, first)
    for before, after in zip(clean, first):
        reached = before.abs().sum(1) > 0  # all but the isolated playlist
        noise = (after - before)[reached]
        assert (torch.sign(noise) == torch.sign(before[reached])).all()
        torch.testing.assert_close(noise.norm(dim=1), torch.full((len(noise),), 0.3))
        assert len(torch.unique(noise.abs(), dim=0)) == len(noise), "each node has its own"
        assert (after[~reached] == 0).all()
    # Uniform in the positive orthant before it is brought to length: no component stands out.
    sizes = noise.detach().abs()
    assert float(sizes.mean(0).std()) < 0.3 * float(sizes.mean())


def test_noise_is_added_after_every_layer_and_passes_gradients(corpus: Corpus) -> None:
    model = build(LightGCN, corpus, layers=2, layer_weights="0,0,1")
    vectors, first = model.contrastive_views(0.3)
    a = torch.from_numpy(corpus.matrix.toarray())
    s = a.sum(1, keepdim=True).clamp(min=1).rsqrt() * a * a.sum(0, keepdim=True).clamp(min=1).rsqrt()
    for last, passed in ((vectors[0], s @ first[1]), (vectors[1], s.T @ first[0])):
        added = (last - passed)[passed.abs().sum(1) > 0]
        torch.testing.assert_close(added.norm(dim=1), torch.full((len(added),), 0.3))
    grad, clean = (torch.autograd.grad(v[0].sum(), model.tables["playlist"])[0] for v in (vectors, model.embed()))
    torch.testing.assert_close(grad, clean)  # noise is a constant


def test_layer_weights_may_be_numbers(corpus: Corpus) -> None:
    passed = [build(LightGCN, corpus, layers=2, layer_weights=w).embed() for w in ("1,0,0", "0,1,0", "0,0,1")]
    for text, weights in (("0,1,1", [0, 0.5, 0.5]), ("2, 1, 1", [0.5, 0.25, 0.25]), ("2,-1,1", [1, -0.5, 0.5])):
        model = build(LightGCN, corpus, layers=2, layer_weights=text)
        for side in (0, 1):
            wanted = sum(weight * layer[side] for weight, layer in zip(weights, passed))
            torch.testing.assert_close(model.embed()[side], wanted, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(passed[0], (model.tables["playlist"], model.tables["track"]))
    folded = build(LightGCN, corpus, layers=2, layer_weights="0,1,1").fold_in(Query.of([[]]))
    assert not folded.any(), "no seeds have no messages, and layer 0 is left out"


@pytest.mark.parametrize("weights", ["1,1", "1,1,1,1", "1,-1,0", "0,0,0", "most", "1;1;1", "", "1,,1"])
def test_layer_weights_that_cannot_be(weights: str, corpus: Corpus) -> None:
    with pytest.raises(ConfigError, match="layer_weights must be mean, learned, or 3 numbers that do not add up to 0"):
        build(LightGCN, corpus, layers=2, layer_weights=weights)


@pytest.mark.parametrize("kind", [*KINDS, MF])
def test_cosine_scores_vectors_of_length_one(kind: type[GraphModel] | type[MF], corpus: Corpus) -> None:
    options = {"dim": 8} | ({} if kind is MF else {"artists": False})
    dot, cosine = (
        kind.from_corpus(corpus, kind.config_class.from_options({**options, "similarity": s}), seed=1).eval()
        for s in ("dot", "cosine")
    )
    for plain, unit in zip(dot.embed(), cosine.embed()):
        torch.testing.assert_close(unit, F.normalize(plain))
        torch.testing.assert_close(unit.norm(dim=1), torch.ones(len(unit)))
    query = Query.of([[2, 5], [3]], [4, -1])
    folded = cosine.fold_in(query)
    torch.testing.assert_close(folded.norm(dim=1), torch.ones(2))
    if kind is not MF:
        torch.testing.assert_close(folded, F.normalize(dot.fold_in(query)))
    scores = cosine.score(query)
    assert float(scores.abs().max()) <= 1 + 1e-5
    wanted = torch.stack([cosine.vectors()[0][4], folded[1]]) @ cosine.vectors()[1].T
    torch.testing.assert_close(scores, wanted)
    loaded = kind.from_state(corpus, cosine.config, cosine.state())
    torch.testing.assert_close(loaded.score(query), scores, rtol=0, atol=0)
    assert not torch.allclose(kind.from_state(corpus, dot.config, cosine.state()).score(query), scores)


@pytest.mark.parametrize("kind", [*KINDS, MF])
@pytest.mark.parametrize("similarity", ["dot", "cosine"])
def test_popular_tracks_may_have_an_advance(kind: type[GraphModel] | type[MF], similarity: str, corpus: Corpus) -> None:
    """With ``popularity_prior`` every score grows by the logarithm of the track's playlists; vectors are as without."""
    options = {"dim": 8, "similarity": similarity} | ({} if kind is MF else {"artists": False})
    plain, favoured = (
        kind.from_corpus(corpus, kind.config_class.from_options({**options, **given}), seed=1).eval()
        for given in ({}, {"popularity_prior": 0.5})
    )
    for ours, theirs in zip(favoured.vectors(), plain.vectors()):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=0)
    query = Query.of([[2, 5], [3], [1, 2]], [4, 0, -1])
    held = np.array(
        [sum(track in corpus.playlist(p) for p in range(corpus.n_playlists)) for track in range(corpus.n_tracks)]
    )
    advance = torch.from_numpy(0.5 * np.log(np.maximum(held, 1))).float()
    scores = favoured.score(query)
    torch.testing.assert_close(scores, plain.score(query) + advance)
    playlists, tracks = favoured.score_vectors(query).padded()
    torch.testing.assert_close(playlists @ tracks.T, scores)
    loaded = kind.from_state(corpus, favoured.config, favoured.state())
    torch.testing.assert_close(loaded.score(query), scores, rtol=0, atol=0)
    with pytest.raises(ConfigError, match=r"popularity_prior must be at least 0 \(got -0.5\)"):
        kind.config_class.from_options({"popularity_prior": -0.5})


@pytest.mark.parametrize("kind", KINDS)
def test_half_the_bits_give_nearly_the_same(kind: type[GraphModel], corpus: Corpus) -> None:
    model = build(kind, corpus, artists=True, layers=2, layer_weights="learned").train()
    grads = {}
    for precision in (torch.float32, torch.bfloat16):
        model.precision = precision
        model.zero_grad()
        vectors = model.embed()
        assert {v.dtype for v in vectors} == {torch.float32}, "scores are float32 in any case"
        sum((v * torch.linspace(-1, 1, 8)).sum() for v in vectors).backward()
        grads[precision] = [vectors, {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}]
    (whole, grad), (half, half_grad) = grads.values()
    for one, other in zip(whole, half):
        assert (one - other).norm().item() < 0.02 * one.norm().item()
        assert not torch.equal(one, other), "it did run in fewer bits"
    assert all(parameter.dtype == torch.float32 for parameter in model.parameters())
    assert set(grad) == set(half_grad) > {"tables.playlist", "tables.track", "tables.artist"}
    for name in grad:
        assert half_grad[name].dtype == torch.float32
        assert float((grad[name] - half_grad[name]).norm()) < 0.15 * float(grad[name].norm()) + 1e-6, name
    torch.testing.assert_close(model.eval().vectors(), whole, rtol=0, atol=0, msg="ranking is in float32 again")


@pytest.mark.parametrize("kind", KINDS)
def test_training_in_half_the_bits_ends_in_float32(kind: type[GraphModel], corpus: Corpus) -> None:
    from playlistrec.train.fit import fit
    from playlistrec.train.options import TrainOptions

    histories = []
    for precision in ("float32", "bf16"):
        model = build(kind, corpus, layers=2)
        seen: list[float] = []

        def validate(model: GraphModel, seen: list[float] = seen) -> dict[str, float]:
            again = kind.from_state(corpus, model.config, model.state())
            torch.testing.assert_close(model.vectors(), again.vectors())
            seen.append(float(len(seen)))
            return {"ndcg@20": seen[-1]}

        options = TrainOptions(epochs=6, batch_size=64, lr=0.02, precision=precision, eval_every=2)
        histories.append([r["loss"] for r in fit(model, corpus, options, validate=validate).history])
        assert len(seen) == 3
        assert {p.dtype for p in model.parameters()} == {torch.float32}
        scores = model.score(Query.of([[1]], [0]))
        assert scores.dtype == torch.float32
        torch.testing.assert_close(
            kind.from_state(corpus, model.config, model.state()).score(Query.of([[1]], [0])), scores
        )
    assert histories[0] != histories[1]
    np.testing.assert_allclose(histories[1], histories[0], rtol=0.05)
    assert histories[1][-1] < histories[1][0]


@pytest.mark.parametrize("kind", KINDS)
def test_messages_pass_along_some_of_the_pairs(kind: type[GraphModel], corpus: Corpus) -> None:
    model = build(kind, corpus, artists=True, layers=2)
    whole = model.embed()
    mask = torch.rand(len(corpus.pairs[0]), generator=torch.Generator().manual_seed(0)) < 0.5
    kept = set(zip(*(ids[mask.numpy()].tolist() for ids in corpus.pairs)))
    fewer = corpus.where(
        np.array([pair in kept for pair in zip(corpus.entry_playlist.tolist(), corpus.tracks.tolist())])
    )
    twin = kind.from_corpus(fewer, model.config, seed=9)
    twin.load_state_dict(model.state_dict())
    with model.messages(mask):
        some = model.embed()
    torch.testing.assert_close(some, twin.embed(), rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(model.embed(), whole, rtol=0, atol=0)
    with pytest.raises(RuntimeError, match="in the middle"), model.messages(mask):
        raise RuntimeError("in the middle")
    torch.testing.assert_close(model.embed(), whole, rtol=0, atol=0)
    with model.messages(torch.zeros_like(mask)):
        assert all(v.isfinite().all() for v in model.embed()), "no message is no harm"


@pytest.mark.parametrize("kind", KINDS)
def test_models_start_from_singular_vectors_when_asked(kind: type[GraphModel], corpus: Corpus) -> None:
    model = build(kind, corpus, artists=True, init="svd")
    assert set(model.tables) == {"playlist", "track", "artist"}
    loaded = kind.from_state(corpus, model.config, model.state())
    assert loaded.config == model.config
    torch.testing.assert_close(loaded.vectors(), model.vectors(), rtol=0, atol=0)
    a = corpus.matrix.toarray()
    s = a / np.sqrt(np.maximum(a.sum(1, keepdims=True), 1) * np.maximum(a.sum(0, keepdims=True), 1))
    first = model.tables["track"].detach().numpy()[:, 0]
    top = np.linalg.svd(s)[2][0]
    assert abs(first @ top) / np.linalg.norm(first) > 0.999
