"""Factorisation machines against sums over one-hot features; graphs, contexts and batches against loops."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import dgl
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from drawn_fm import built

from playlistrec.corpus.corpus import Corpus
from playlistrec.errors import ConfigError
from playlistrec.models.base import Query
from playlistrec.models.embedding.trained import torch_seed
from playlistrec.models.factorization.context import previous_tracks
from playlistrec.models.factorization.fm import FM
from playlistrec.models.factorization.fm_gat import FMGAT
from playlistrec.models.factorization.fm_gcn import FMGCN
from playlistrec.models.factorization.fm_graph import FMGraph
from playlistrec.nn import pair_interactions
from playlistrec.train.batches.full import FullBatches
from playlistrec.train.fit import fit, trainer_of
from playlistrec.train.objectives import Objective
from playlistrec.train.options import TrainOptions

KINDS = [FM, FMGCN, FMGAT]
CASES = [(artists, context) for artists in (False, True) for context in ("none", "previous")]


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    """Playlists with repeats, an empty one among them; some tracks have no artist, the last two no entry."""
    rng = np.random.default_rng(3)
    lists = [[f"t{t}" for t in rng.choice(18, size=rng.integers(1, 10))] for _ in range(25)]
    whole = Corpus.from_lists([[], *lists, ["cold", "colder"]], {f"t{t}": f"a{t % 5}" for t in range(14)})
    return whole.where(whole.entry_playlist < 26)


def written_out(model: FM, corpus: Corpus, playlist: int, track: int, context: int | None) -> float:
    """Rendle 2010, eq. 1, over the one-hot features of a playlist, a track, its artist and a context."""
    factors, fields = {kind: v.detach() for kind, v in model.factors().items()}, []
    names = [
        ("playlist", playlist),
        ("track", track),
        ("artist", int(corpus.track_artist[track])),
        ("context", context),
    ]
    linear = 0.0
    for kind, row in names:
        if kind in factors and row is not None and row >= 0:
            one_hot = F.one_hot(torch.tensor(row), len(factors[kind])).float()
            fields.append(one_hot @ factors[kind])
            linear += float(one_hot @ model.linear[kind].detach()) if kind in model.linear else 0.0
    pairs = sum(float(a @ b) for a, b in combinations(fields, 2))
    assert float(pair_interactions(torch.stack(fields))) == pytest.approx(pairs, abs=1e-3, rel=1e-4)
    return linear + pairs


@pytest.mark.parametrize(("artists", "context"), CASES)
@pytest.mark.parametrize("kind", KINDS)
def test_scores_are_the_factorisation_machine(kind: type[FM], artists: bool, context: str, corpus: Corpus) -> None:
    model = built(kind, corpus, artists=artists, context=context)
    query = Query.of([[3, 1], [], [2, 2, 7]], [4, 0, 9])
    last = [1, corpus.n_tracks, 7] if context == "previous" else [None] * 3
    scores = model.score(query)
    for row, (playlist, before) in enumerate(zip([4, 0, 9], last)):
        whole = [written_out(model, corpus, playlist, track, before) for track in range(corpus.n_tracks)]
        left_out = np.array(whole) - scores[row].numpy()  # what is the same for all tracks
        np.testing.assert_allclose(left_out, left_out.mean(), rtol=1e-3, atol=2e-3)
        assert np.ptp(whole) > 1, "the tracks differ by far more than that"
    assert (context == "previous") == (abs(left_out.mean()) > 1e-3)


def before_in(corpus: Corpus, playlist: int, track: int) -> int:
    tracks = corpus.playlist(playlist).tolist()
    at = tracks.index(track)
    return tracks[at - 1] if at else corpus.n_tracks


def test_context_is_the_track_before_the_first_occurrence(corpus: Corpus) -> None:
    expected = [before_in(corpus, p, t) for p, t in zip(*(ids.tolist() for ids in corpus.pairs))]
    assert previous_tracks(corpus).tolist() == expected
    assert len(set(expected)) > 5
    assert previous_tracks(corpus.where(np.zeros(corpus.n_entries, bool))).tolist() == []


def test_hidden_tracks_are_no_context(corpus: Corpus) -> None:
    hidden = int(corpus.tracks[2])
    shown = corpus.where(corpus.tracks != hidden)
    assert hidden in previous_tracks(corpus)
    assert hidden not in previous_tracks(shown)
    model = built(FMGCN, shown, context="previous")
    edges = torch.stack(model.graph.edges()).long()
    for kind in ("track", "context"):
        node = model._start[kind] + hidden
        joined = edges[:, (edges == node).any(0)]
        assert joined.unique().tolist() == [node], f"{kind} {hidden} is joined to itself alone"


def adjacency(model: FMGraph, corpus: Corpus) -> torch.Tensor:
    """The dense matrix of the graph, by going through the playlists."""
    starts, n = {}, 0
    for kind, table in model.tables.items():
        starts[kind], n = n, n + len(table)
    dense = torch.eye(n)
    for playlist in range(corpus.n_playlists):
        for track in set(corpus.playlist(playlist).tolist()):
            nodes = [starts["playlist"] + playlist, starts["track"] + track]
            if "artist" in starts and corpus.track_artist[track] >= 0:
                nodes.append(starts["artist"] + int(corpus.track_artist[track]))
            if "context" in starts:
                nodes.append(starts["context"] + before_in(corpus, playlist, track))
            for u, v in combinations(nodes, 2):
                dense[u, v] = dense[v, u] = 1
    return dense


@pytest.mark.parametrize(("artists", "context"), CASES)
@pytest.mark.parametrize("layers", [1, 2])
def test_gcn_factors_are_powers_of_the_normalised_matrix(
    layers: int, artists: bool, context: str, corpus: Corpus
) -> None:
    model = built(FMGCN, corpus, artists=artists, context=context, layers=layers)
    dense = adjacency(model, corpus)
    edges = torch.stack(model.graph.edges()).long()
    torch.testing.assert_close(torch.zeros_like(dense).index_put((edges[0], edges[1]), torch.tensor(1.0)), dense)
    assert model.graph.num_edges() == int(dense.sum()), "each edge once"
    scale = dense.sum(1).rsqrt()
    smoothed = torch.matrix_power(scale[:, None] * dense * scale, layers) @ torch.cat([*model.tables.values()])
    torch.testing.assert_close(torch.cat([*model.factors().values()]), smoothed, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("artists", "context"), CASES)
def test_gat_factors_are_sums_of_embeddings_by_attention(artists: bool, context: str, corpus: Corpus) -> None:
    model = built(FMGAT, corpus, artists=artists, context=context, heads=2)
    dense = adjacency(model, corpus)
    e = torch.cat([*model.tables.values()])
    attention = model.layers[0].convs["joins"]
    for head, columns in enumerate((slice(0, 4), slice(4, 8))):
        logit = (e[:, columns] @ attention.a_dst[head])[:, None] + (e[:, columns] @ attention.a_src[head])[None, :]
        logit = torch.where(logit > 0, logit, 0.2 * logit).masked_fill(dense == 0, -torch.inf)
        found = torch.cat([*model.factors().values()])[:, columns]
        torch.testing.assert_close(found, logit.softmax(1) @ e[:, columns], rtol=1e-4, atol=1e-5)


def test_dropout_of_attention_is_for_training_and_right_on_average(corpus: Corpus) -> None:
    plain, dropping = built(FMGAT, corpus), built(FMGAT, corpus, dropout=0.5)
    dropping.load_state_dict(plain.state_dict())
    whole = plain.embed()[0]
    torch.testing.assert_close(dropping.embed()[0], whole, rtol=0, atol=0)
    dropping.train()
    with torch_seed(1), torch.no_grad():
        draws = torch.stack([dropping.embed()[0] for _ in range(400)])
    assert (draws[0] - whole).abs().max() > 0.1
    assert (draws.mean(0) - whole).abs().max() < 6 * float(draws.std(0).max()) / 20


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("context", ["none", "previous"])
@pytest.mark.parametrize("kind", [FMGCN, FMGAT])
def test_folding_in_is_a_node_that_hears_its_seeds(
    kind: type[FMGraph], context: str, layers: int, corpus: Corpus
) -> None:
    """A playlist without a track that starts as the mean of all receives, folded in, the messages of the graph."""
    model = built(kind, corpus, context=context, layers=layers)
    seeds = [3, 5, 3, 16]
    found = model.fold_in(Query.of([[], seeds, [1]]))[1]
    lists = [corpus.playlist(p).tolist() for p in range(corpus.n_playlists)]
    with torch.no_grad():
        mean = model.tables["playlist"].mean(0)
        model.tables["playlist"][0] = mean
    lists[0] = seeds
    uris = corpus.track_table["uri"].to_pylist()
    offsets = np.concatenate([[0], np.cumsum([len(tracks) for tracks in lists])])
    more = Corpus(offsets, np.concatenate(lists).astype(np.int32), corpus.playlists, corpus.track_table, corpus.artists)
    assert uris == more.track_table["uri"].to_pylist()
    other = kind.from_state(more, model.config, model.state())
    # The others receive nothing from it, nor from each other through it, when it is folded in, and their degrees stay.
    own = model._start["playlist"]
    src, dst = other.graph.edges()
    more_heard = ~model.graph.has_edges_between(src, dst) & (dst != own)
    other.graph = dgl.remove_edges(other.graph, torch.nonzero(more_heard).flatten().int())
    others = torch.arange(model.graph.num_nodes()) != own
    assert not torch.equal(other.norm, model.norm)
    other.norm = torch.where(others, model.norm, other.norm)
    torch.testing.assert_close(found, other.embed()[0][0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_the_last_seed_decides_with_the_previous_track_as_context(kind: type[FM], corpus: Corpus) -> None:
    for context in ("none", "previous"):
        scores = built(kind, corpus, context=context).score(Query.of([[1, 2], [2, 1]], [3, 3]))
        assert torch.allclose(scores[0], scores[1], rtol=1e-4) == (context == "none")


def setting(model: FM, corpus: Corpus, **options: Any) -> tuple[FullBatches, list[Any], Objective]:
    trainer = trainer_of(model, corpus, TrainOptions(**options))
    assert isinstance(trainer.batches, FullBatches)
    return trainer.batches, list(trainer.batches.epoch(5, 0)), trainer.objective


def score_of(model: FM, corpus: Corpus, playlist: int, track: int, candidate: int) -> torch.Tensor:
    """Of a candidate in the context in which a training pair is asked."""
    before = corpus.playlist(playlist).tolist()[: corpus.playlist(playlist).tolist().index(track)]
    return model.score(Query.of([before], [playlist]))[0, candidate]


@pytest.mark.parametrize("kind", [FM, FMGCN])
@pytest.mark.parametrize("context", ["none", "previous"])
def test_bpr_scores_each_pair_in_its_context(context: str, kind: type[FM], corpus: Corpus) -> None:
    model = built(kind, corpus, context=context).requires_grad_(False)
    _, found, objective = setting(model, corpus, batch_size=40, n_negatives=3, l2=0.5)
    seen = []
    for batch in found:
        playlists = batch.playlist if batch.playlist_ids is None else batch.playlist_ids
        margins, squares = [], 0.0
        for playlist, track, negatives in zip(playlists.tolist(), batch.track.tolist(), batch.negatives.tolist()):
            seen.append((playlist, track))
            positive = score_of(model, corpus, playlist, track, track)
            margins += [score_of(model, corpus, playlist, track, t) - positive for t in negatives]
            squares += float(model.tables["playlist"][playlist].square().sum())
            if context == "previous":
                squares += float(model.tables["context"][before_in(corpus, playlist, track)].square().sum())
            for t in [track, *negatives]:
                artist = int(corpus.track_artist[t])
                squares += float(model.tables["track"][t].square().sum() + model.linear["track"][t] ** 2)
                if artist >= 0:
                    squares += float(
                        model.tables["artist"][artist].square().sum() + model.linear["artist"][artist] ** 2
                    )
        loss, whole = objective(batch)
        torch.testing.assert_close(loss, F.softplus(torch.stack(margins)).mean(), rtol=1e-3, atol=1e-4)
        assert float(whole - loss) == pytest.approx(0.5 * 0.5 * squares / len(playlists), rel=1e-3)
    assert sorted(seen) == list(zip(*(ids.tolist() for ids in corpus.pairs)))


@pytest.mark.parametrize("negatives", ["all", "in-batch"])
def test_softmax_over_shared_candidates_knows_contexts(negatives: str, corpus: Corpus) -> None:
    model = built(FM, corpus, context="previous")
    options = {"batch_size": 30, "loss": "softmax", "negatives": negatives, "temperature": 2.0}
    batches, found, objective = setting(model, corpus, **options)
    assert len(found) == len(batches) > 1
    for batch in found:
        assert batch.playlist_ids is not None
        losses = []
        for playlist, track in zip(batch.playlist_ids.tolist(), batch.track.tolist()):
            own = set(corpus.playlist(playlist).tolist())
            others = range(corpus.n_tracks) if negatives == "all" else batch.track.tolist()
            # In a batch a track counts as often as it is there, the asked one too.
            same = [t for t in batch.track.tolist() if t == track] if negatives == "in-batch" else [track]
            logits = torch.stack([score_of(model, corpus, playlist, track, t) / 2.0 for t in others if t not in own])
            positive = score_of(model, corpus, playlist, track, track) / 2.0 + np.log(len(same))
            losses.append(torch.cat([positive[None], logits]).logsumexp(0) - positive)
        loss, _ = objective(batch)
        torch.testing.assert_close(loss, torch.stack(losses).mean(), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("kind", [FM, FMGCN])
def test_order_is_learned_from_contexts(kind: type[FM]) -> None:
    """Round a ring of ten tracks the next one stands out, whatever the seed before the last."""
    starts = np.random.default_rng(0).integers(0, 10, 40)
    corpus = Corpus.from_lists(
        [[f"t{t}" for t in range(10)], *[[f"t{(s + i) % 10}" for i in range(4)] for s in starts]]
    )
    corpus, _ = corpus.subset(np.arange(41) > 0, np.ones(10, dtype=bool))
    training = TrainOptions(
        epochs=50, batch_size=32, lr=0.02, loss="softmax", negatives="all", temperature=1.0, l2=1e-3
    )
    model = kind.from_corpus(corpus, kind.config_class.from_options({"context": "previous", "dim": 16}))
    fit(model, corpus, training)
    seeds = torch.tensor([[(last + 5) % 10, last] for last in range(10)])  # the same two in either order
    scores = model.score(Query.of(seeds.tolist())).scatter(1, seeds, -torch.inf)
    assert (scores.argmax(1) == (seeds[:, 1] + 1) % 10).sum() >= 8, "5 are had without the order"
    loaded = kind.from_state(corpus, model.config, model.state())
    query = Query.of([[1, 2], [4]], [3, -1])
    torch.testing.assert_close(loaded.score(query), model.score(query), rtol=0, atol=0)


def test_options_that_cannot_be_are_refused(corpus: Corpus) -> None:
    with pytest.raises(ConfigError, match=r"similarity must be dot for a factorisation machine \(got 'cosine'\)"):
        FM.config_class.from_options({"similarity": "cosine"})
    with pytest.raises(ConfigError, match=r"layers must be at least 1 \(got 0\)"):
        FMGCN.config_class.from_options({"layers": 0})
    with pytest.raises(ConfigError, match=r"heads must be a divisor of dim = 10 \(got 4\)"):
        FMGAT.config_class.from_options({"dim": 10})
    with pytest.raises(
        ConfigError, match=r"context must be none, or one or more of previous, skip, hour, day \(got 'next'\)"
    ):
        FM.config_class.from_options({"context": "next"})
    for options in ({"contrast": 0.1}, {"message_edge_share": 0.5}):
        with pytest.raises(ConfigError, match="fm-gcn"):
            trainer_of(built(FMGCN, corpus), corpus, TrainOptions(**options))
