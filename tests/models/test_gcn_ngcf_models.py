"""GCN and NGCF as recommenders: the papers' formulas over the whole graph, blocks, folding in, what is refused."""

from __future__ import annotations

import dgl
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from dgl.dataloading import MultiLayerFullNeighborSampler, NeighborSampler
from small_graph import build, small_corpus
from torch import Tensor

from playlistrec.corpus.corpus import Corpus
from playlistrec.errors import ConfigError
from playlistrec.models.base import Query
from playlistrec.models.graph.gcn import GCN
from playlistrec.models.graph.model import GraphModel
from playlistrec.models.graph.ngcf import NGCF
from playlistrec.train.fit import fit
from playlistrec.train.options import TrainOptions

KINDS = [GCN, NGCF]
NODES = ("playlist", "track", "artist")


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return small_corpus()


def relations(corpus: Corpus) -> tuple[Tensor, Tensor]:
    """Symmetric adjacency matrices of playlists, tracks and artists: of playlists and tracks, of artists and tracks."""
    n, m, k = corpus.n_playlists, corpus.n_tracks, corpus.n_artists
    held, made = torch.zeros(n + m + k, n + m + k), torch.zeros(n + m + k, n + m + k)
    held[:n, n : n + m] = torch.from_numpy(corpus.matrix.toarray())
    for track, artist in enumerate(corpus.track_artist.tolist()):
        if artist >= 0:
            made[n + m + artist, n + track] = 1
    return held + held.T, made + made.T


def whole(model: GraphModel) -> Tensor:
    return torch.cat([model.tables[kind] for kind in NODES if kind in model.tables])


def gcn_layers(model: GraphModel, A: Tensor) -> list[Tensor]:
    """Kipf & Welling 2017, eq. 2."""
    loops = A + torch.eye(len(A))
    scale = torch.diag(loops.sum(1) ** -0.5)
    H = [whole(model)]
    for layer in model.layers:
        H.append((scale @ loops @ scale @ H[-1] @ layer.convs["in"].weight.weight.T).clamp(min=0))
    return H


def ngcf_layers(model: GraphModel, adjacency: list[Tensor]) -> list[Tensor]:
    """Wang et al. 2019, eq. 7, the Laplacian a sum over the relations."""
    L = torch.zeros(len(adjacency[0]), len(adjacency[0]))
    for A in adjacency:
        scale = torch.diag(torch.where(A.sum(1) > 0, A.sum(1) ** -0.5, torch.tensor(0.0)))
        L = L + scale @ A @ scale
    E = [whole(model)]
    for layer in model.layers:
        W1, W2 = layer.convs["in"].sum_weight.weight.T, layer.convs["in"].product_weight.weight.T
        E.append(F.leaky_relu((L + torch.eye(len(L))) @ E[-1] @ W1 + ((L @ E[-1]) * E[-1]) @ W2, 0.2))
    return E


def expected(model: GraphModel, corpus: Corpus) -> list[Tensor]:
    n = len(whole(model))
    held, made = (A[:n, :n] for A in relations(corpus))
    if isinstance(model, GCN):
        return gcn_layers(model, held + made if "artist" in model.tables else held)
    return ngcf_layers(model, [held, made] if "artist" in model.tables else [held])


@pytest.mark.parametrize("artists", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_the_formula_over_all_nodes(kind: type[GraphModel], artists: bool, corpus: Corpus) -> None:
    model = build(kind, corpus, artists=artists, layers=2)
    layers = expected(model, corpus)
    want = torch.stack(layers).mean(0) if kind is GCN else torch.cat(layers, dim=1)
    got = model.embed()
    torch.testing.assert_close(torch.cat(got), want[: corpus.n_playlists + corpus.n_tracks], rtol=1e-4, atol=1e-6)
    inputs = list(model.parameters())
    cotangent = torch.randn(len(torch.cat(got)), want.shape[1], generator=torch.Generator().manual_seed(0))
    mine = torch.autograd.grad((torch.cat(got) * cotangent).sum(), inputs)
    theirs = torch.autograd.grad((want[: len(cotangent)] * cotangent).sum(), inputs)
    torch.testing.assert_close(mine, theirs, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("artists", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_blocks_of_all_neighbours_are_the_whole_graph(kind: type[GraphModel], artists: bool, corpus: Corpus) -> None:
    model = build(kind, corpus, artists=artists)
    wanted = {"playlist": torch.tensor([3, 30, 0], dtype=torch.int32), "track": torch.tensor([7, 1], dtype=torch.int32)}
    inputs, _, blocks = MultiLayerFullNeighborSampler(len(model.layers)).sample_blocks(model.graph, wanted)
    vectors, _ = model.embed_blocks(blocks, inputs)
    for got, want, kept in zip(vectors, model.embed(), wanted.values()):
        torch.testing.assert_close(got, want[kept.long()], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_sampled_sums_are_scaled_and_the_own_message_is_not(
    kind: type[GraphModel], corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One layer over 2 of the neighbours of each relation, before its nonlinearity: on average what all give."""
    model = build(kind, corpus, layers=1, layer_weights="0,1", artists=True)
    monkeypatch.setattr(model, "activate", lambda h: h)
    wanted = {"track": torch.arange(25, dtype=torch.int32)}
    dgl.seed(0)
    total = torch.zeros(25, 8)
    for _ in range(600):
        inputs, _, blocks = NeighborSampler([2], fused=False).sample_blocks(model.graph, wanted)
        total += model.embed_blocks(blocks, inputs)[0][1].detach()
    want = model.embed()[1].detach()
    torch.testing.assert_close(total / 600, want, rtol=0, atol=0.1 * float(want.abs().max()))


def test_gcn_folds_in_a_node_with_its_loop_and_its_seeds(corpus: Corpus) -> None:
    model = build(GCN, corpus, layers=2, layer_weights="1,2,3")
    n, m = corpus.n_playlists, corpus.n_tracks
    states = expected(model, corpus)
    degree = 1 + torch.from_numpy(corpus.matrix.toarray()).sum(0)
    seeds, own = [2, 5, 11], [states[0][:n].mean(0)]
    alone = own.copy()
    for state, layer in zip(states, model.layers):
        W, tracks = layer.convs["in"].weight.weight, state[n : n + m]
        neighbour_sum = sum(tracks[t] / (degree[t] * 4).sqrt() for t in seeds)
        own.append(F.relu(W @ (neighbour_sum + own[-1] / 4)))
        alone.append(F.relu(W @ alone[-1]))
    folded = model.fold_in(Query.of([[2, 5, 5, 11], []]))
    for row, want in zip(folded, (own, alone)):
        torch.testing.assert_close(row, sum(w * h for w, h in zip((1, 2, 3), want)) / 6, rtol=1e-4, atol=1e-6)


def test_ngcf_folds_in_a_node_with_its_own_message_and_its_seeds(corpus: Corpus) -> None:
    model = build(NGCF, corpus, layers=2)
    n, m = corpus.n_playlists, corpus.n_tracks
    states = expected(model, corpus)
    degree = torch.from_numpy(corpus.matrix.toarray()).sum(0)
    seeds, own = [2, 5, 11], [states[0][:n].mean(0)]
    alone = own.copy()
    for state, layer in zip(states, model.layers):
        W1, W2 = layer.convs["in"].sum_weight.weight, layer.convs["in"].product_weight.weight
        tracks = state[n : n + m]
        messages = [(W1 @ tracks[t] + W2 @ (tracks[t] * own[-1])) / (3 * degree[t]).sqrt() for t in seeds]
        own.append(F.leaky_relu(W1 @ own[-1] + sum(messages), 0.2))
        alone.append(F.leaky_relu(W1 @ alone[-1], 0.2))
    folded = model.fold_in(Query.of([[2, 5, 5, 11], []]))
    torch.testing.assert_close(folded, torch.stack([torch.cat(own), torch.cat(alone)]), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_messages_along_some_of_the_pairs_count_those_alone(kind: type[GraphModel], corpus: Corpus) -> None:
    model = build(kind, corpus, artists=True)
    mask = torch.rand(len(corpus.pairs[0]), generator=torch.Generator().manual_seed(0)) < 0.5
    kept = set(zip(*(ids[mask.numpy()].tolist() for ids in corpus.pairs)))
    entries = zip(corpus.entry_playlist.tolist(), corpus.tracks.tolist())
    twin = kind.from_corpus(corpus.where(np.array([pair in kept for pair in entries])), model.config, seed=9).eval()
    twin.load_state_dict(model.state_dict())
    with model.messages(mask):
        some = model.embed()
    torch.testing.assert_close(some, twin.embed(), rtol=1e-4, atol=1e-6)
    assert not torch.allclose(some[0], model.embed()[0])


@pytest.mark.parametrize("kind", KINDS)
def test_one_layer_stands_for_all_relations(kind: type[GraphModel], corpus: Corpus) -> None:
    """Saved under each, loaded into one, and moved by one step of Adam as one."""
    model = build(kind, corpus, artists=True, layers=2)
    per_layer = 1 if kind is GCN else 2
    assert sum(p.numel() for p in model.layers.parameters()) == 2 * per_layer * 8 * 8
    loaded = kind.from_state(corpus, model.config, model.state())
    query = Query.of([[2, 5], [3], []], [4, -1, -1])
    torch.testing.assert_close(loaded.score(query), model.score(query), rtol=0, atol=0)
    fit(model, corpus, TrainOptions(epochs=2, batch_size=64), seed=0)
    again = kind.from_state(corpus, model.config, model.state())
    torch.testing.assert_close(again.score(query), model.score(query), rtol=0, atol=0)
    assert not torch.equal(again.score(query), loaded.score(query))


def test_message_dropout_is_for_training_alone(corpus: Corpus) -> None:
    plain, dropped = build(NGCF, corpus, layers=1), build(NGCF, corpus, layers=1, message_dropout=0.5)
    torch.testing.assert_close(dropped.embed(), plain.embed())
    torch.manual_seed(0)
    before, after = plain.embed()[1], dropped.train().embed()[1]
    torch.testing.assert_close(after[:, :8], before[:, :8], msg="the embeddings are no messages")
    zero = after[:, 8:] == 0
    torch.testing.assert_close(after[:, 8:][~zero], 2 * before[:, 8:][~zero])
    assert 0.3 < float(zero.float().mean()) < 0.7
    for share in (1.0, -0.1):
        with pytest.raises(ConfigError, match="message_dropout must be at least 0 and below 1"):
            build(NGCF, corpus, message_dropout=share)


def test_layers_are_side_by_side_or_summed(corpus: Corpus) -> None:
    side, mean = build(NGCF, corpus, layers=2), build(NGCF, corpus, layers=2, layer_weights="mean")
    for both, one in zip(side.embed(), mean.embed()):
        assert both.shape[1] == 24
        torch.testing.assert_close(one, both.view(-1, 3, 8).mean(1))
    scores = [side.score(Query.of([[1, 2]], [playlist])) for playlist in (4, -1)]
    assert all(s.shape == (1, corpus.n_tracks) and s.isfinite().all() for s in scores)
    unit = build(GCN, corpus, layers=2, layer_weights="concat", similarity="cosine").embed()
    torch.testing.assert_close(unit[0].norm(dim=1), torch.ones(corpus.n_playlists))


def test_the_contrastive_term_needs_layers_of_one_width(corpus: Corpus) -> None:
    options = TrainOptions(epochs=1, batch_size=64, contrast=0.1)
    with pytest.raises(ConfigError, match=r"set layer_weights=mean \(got concat\)"):
        fit(build(NGCF, corpus), corpus, options)
    fit(build(NGCF, corpus, layer_weights="mean"), corpus, options)
