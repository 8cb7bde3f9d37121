"""Batches: every pair once, negatives that are none of the training pairs, and pairs set aside for messages."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch

from playlistrec.corpus.corpus import Corpus
from playlistrec.errors import ConfigError, DataError
from playlistrec.models.embedding.model import EmbeddingModel
from playlistrec.models.graph.model import GraphModel
from playlistrec.models.registry import model_class
from playlistrec.train import trainer as module
from playlistrec.train.batches.batch import PairBatch
from playlistrec.train.batches.full import FullBatches
from playlistrec.train.batches.sampled import SampledBatches
from playlistrec.train.fit import trainer_of
from playlistrec.train.objectives import Batches
from playlistrec.train.options import TrainOptions

DRAWN = ["uniform", "popularity", "pool", "artist", "two-hop"]


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    rng = np.random.default_rng(5)
    lists = [[f"t{t}" for t in rng.choice(25, size=rng.integers(2, 12))] for _ in range(40)]  # some tracks twice
    return Corpus.from_lists([[], *lists], {f"t{t}": f"a{t % 6}" for t in range(20)})


def untrained(name: str, corpus: Corpus, **options: object) -> EmbeddingModel:
    kind = model_class(name)
    model = kind.from_corpus(corpus, kind.config_class.from_options({"dim": 4, **options}), seed=3)
    assert isinstance(model, EmbeddingModel)
    return model


def made(corpus: Corpus, name: str = "lightgcn", **options: Any) -> Any:
    return trainer_of(untrained(name, corpus), corpus, TrainOptions(**{"batch_size": 32, **options})).batches


def epoch(batches: Batches, number: int = 0, seed: int = 7) -> list[Any]:
    with batches.seeded(seed):
        return list(batches.epoch(seed, number))


def pairs_of(corpus: Corpus) -> set[tuple[int, int]]:
    return set(zip(*(ids.tolist() for ids in corpus.pairs)))


def pairs_in(batch: Any, table: torch.Tensor, tracks: torch.Tensor) -> list[tuple[int, int]]:
    """The ids of the pairs, found by the layer-0 rows they stand for: whatever the numbering of the batch."""

    def ids(rows: torch.Tensor, table: torch.Tensor) -> list[int]:
        return [int((table == row).all(1).nonzero()) for row in rows]

    return list(zip(ids(batch.tables[0][batch.playlist], table), ids(batch.tables[1][batch.track], tracks)))


@pytest.mark.parametrize("options", [{}, {"regime": "sampled", "fanout": 3}, {"negatives": "in-batch"}])
def test_every_pair_once_an_epoch(options: dict[str, Any], corpus: Corpus) -> None:
    batches = made(corpus, **options)
    assert isinstance(batches, SampledBatches) == ("regime" in options)
    tables = batches.model.tables
    whole = [epoch(batches, seed=seed) for seed in (1, 2)]
    orders = [[pair for b in each for pair in pairs_in(b, tables["playlist"], tables["track"])] for each in whole]
    for each, order in zip(whole, orders):
        assert len(each) == len(batches) == -(-len(pairs_of(corpus)) // 32)
        assert all(len(b.playlist) == 32 for b in each[:-1])
        assert Counter(order) == Counter(dict.fromkeys(pairs_of(corpus), 1))
    assert orders[0] != orders[1]


def test_every_playlist_once_with_all_its_tracks(corpus: Corpus) -> None:
    batches = made(corpus, batch_size=7, loss="softmax", negatives="all")
    seen: Counter[tuple[int, int]] = Counter()
    with batches.seeded(0):
        whole = list(batches.epoch(0, 0))
    assert len(whole) == len(batches) == -(-40 // 7), "the playlist without tracks is not asked for"
    playlists, tracks = batches.model.embed()
    for batch in whole:
        assert (batch.playlist.diff() >= 0).all(), "rows come in order, as softmax asks"
        torch.testing.assert_close(batch.vectors[1], tracks)
        rows = batch.playlist.unique()
        assert rows.tolist() == [*range(len(batch.vectors[0]))], "each playlist has one row, and pairs"
        ids = [int((playlists - v).square().sum(1).argmin()) for v in batch.vectors[0]]
        torch.testing.assert_close(batch.vectors[0], playlists[ids])
        torch.testing.assert_close(batch.tables[0], batches.model.tables["playlist"][ids])
        seen.update((ids[row], track) for row, track in zip(batch.playlist.tolist(), batch.track.tolist()))
    assert seen == Counter(dict.fromkeys(pairs_of(corpus), 1))


@pytest.mark.parametrize("regime", ["full", "sampled"])
@pytest.mark.parametrize("negatives", [*DRAWN, "in-batch"])
def test_negatives_are_no_training_pairs(negatives: str, regime: str, corpus: Corpus) -> None:
    if negatives == "in-batch" and regime == "sampled":
        pytest.skip("refused, as the next tests say")
    batches = made(
        corpus,
        negatives=negatives,
        regime=regime,
        n_negatives=5,
        pool_size=6,
        pool_refresh_every=1,
        pool_anneal_epochs=1,
    )
    training = pairs_of(corpus)
    drawn = set()
    for number in (0, 1, 2):
        for batch in epoch(batches, number, seed=number):
            assert batch.negatives.shape == (len(batch.playlist), 5)
            tracks = batch.negatives if batch.track_ids is None else batch.track_ids[batch.negatives]
            table = batches.model.tables["playlist"]
            playlists = [int((table == row).all(1).nonzero()) for row in batch.tables[0]]
            owners = [playlists[row] for row in batch.playlist.repeat_interleave(5).tolist()]
            drawn |= set(zip(owners, tracks.flatten().tolist()))
    assert len(drawn) > 100
    assert not drawn & training


def test_rows_of_sampled_tracks_say_which_they_are(corpus: Corpus) -> None:
    batches = made(corpus, regime="sampled", fanout=2)
    for batch in epoch(batches):
        assert batch.track_ids is not None
        torch.testing.assert_close(batch.tables[1], batches.model.tables["track"][batch.track_ids])


def test_of_the_drawn_candidates_as_many_are_kept_as_asked(corpus: Corpus) -> None:
    for regime in ("full", "sampled"):
        batch = epoch(made(corpus, regime=regime, hard_negative_candidates=9, n_negatives=2))[0]
        assert batch.negatives.shape == (32, 2)


@pytest.mark.parametrize("options", [{"loss": "directau"}, {"loss": "softmax", "negatives": "in-batch"}])
def test_losses_over_the_batch_draw_nothing(options: dict[str, Any]) -> None:
    everything = Corpus.from_lists([["a", "b", "c"], ["a"], ["c", "b"]])
    (batch,) = epoch(made(everything, **options))
    assert not isinstance(batch, PairBatch)


def test_in_batch_negatives_are_tracks_of_the_batch(corpus: Corpus) -> None:
    training = pairs_of(corpus)
    for batch in epoch(made(corpus, negatives="in-batch", n_negatives=4)):
        here = set(batch.track.tolist())
        for playlist, row in zip(batch.playlist.tolist(), batch.negatives.tolist()):
            left = {track for track in here if (playlist, track) not in training}
            share = len(left) / len(here)
            if share > 0.5:  # else four draws of the batch may all be own tracks, and any non-edge comes instead
                assert sum(track in left for track in row) >= 3


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_messages_and_asked_pairs_share_nothing(share: float, corpus: Corpus) -> None:
    batches = made(corpus, message_edge_share=share)
    model = batches.model
    assert isinstance(model, GraphModel)
    whole, degree_norms, training = model.graph, model.degree_norms, pairs_of(corpus)
    divided = []
    for number in (0, 1):
        order: list[tuple[int, int]] = []
        steps = 0
        with batches.seeded(number):
            for batch in batches.epoch(number, number):
                messages = set(zip(*(ids.tolist() for ids in model.graph.edges(etype="contains"))))
                back = set(zip(*(ids.tolist() for ids in reversed(model.graph.edges(etype="in")))))
                out, into = model.degree_norms["contains"]
                order += zip(batch.playlist.tolist(), batch.track.tolist())
                assert model.graph.num_nodes("track") == corpus.n_tracks
                assert model.graph.num_edges("made") == whole.num_edges("made"), "artists keep theirs"
                steps += 1
        assert steps == len(batches)
        assert messages == back
        assert Counter(order) == Counter(dict.fromkeys(training - messages, 1))
        assert messages < training
        assert len(messages) == pytest.approx(share * len(training), abs=1)
        for factors, column, n in ((out, 0, corpus.n_playlists), (into, 1, corpus.n_tracks)):
            degree = np.bincount([pair[column] for pair in messages], minlength=n)
            expected = np.divide(1, np.sqrt(degree), out=np.zeros(n), where=degree > 0)
            np.testing.assert_allclose(factors.numpy(), expected, rtol=1e-6)
        divided.append(messages)
        assert model.graph is whole
        assert model.degree_norms is degree_norms
    assert divided[0] != divided[1]


def test_vectors_under_messages_come_from_the_messages_alone(corpus: Corpus) -> None:
    batches = made(corpus, message_edge_share=0.5)
    model = batches.model
    assert isinstance(model, GraphModel)
    with batches.seeded(0):
        batch = next(stream := batches.epoch(0, 0))
        kept = np.array(model.graph.edges(etype="contains")[0].tolist()), model.graph.edges(etype="contains")[1].numpy()
        stream.close()  # type: ignore[attr-defined]
    messages = set(zip(*(ids.tolist() for ids in kept)))
    mask = [pair in messages for pair in zip(corpus.entry_playlist.tolist(), corpus.tracks.tolist())]
    fewer = untrained("lightgcn", corpus.where(np.array(mask)))
    fewer.load_state_dict(model.state_dict())
    torch.testing.assert_close(batch.vectors, fewer.embed())


def test_the_graph_is_whole_again_after_an_epoch_that_broke_off(corpus: Corpus) -> None:
    batches = made(corpus, message_edge_share=0.5)
    model = batches.model
    assert isinstance(model, GraphModel)
    whole, degree_norms = model.graph, model.degree_norms

    def broken_off() -> None:
        with batches.seeded(0):
            for _ in batches.epoch(0, 0):
                assert model.graph is not whole
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken_off()
    assert model.graph is whole
    assert model.degree_norms is degree_norms


def test_hardly_any_pair_to_ask_is_still_one(corpus: Corpus) -> None:
    batches = made(corpus, message_edge_share=0.9999)
    assert [len(batch.playlist) for batch in epoch(batches)] == [1]
    assert len(batches) == 1


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"message_edge_share": 0.5}, "message_edge_share"),
        ({"contrast": 0.1}, "contrast"),
        ({"precision": "bf16"}, "precision=bf16"),
    ],
)
def test_what_needs_the_whole_graph(
    options: dict[str, Any], named: str, corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigError, match=rf"^{named} needs the full regime \(got regime=sampled\)$"):
        TrainOptions(regime="sampled", **options)
    monkeypatch.setattr(module, "SAMPLED_ABOVE", 10)
    assert isinstance(made(corpus), SampledBatches), "auto samples where the graph is large"
    assert isinstance(made(corpus, regime="full"), FullBatches)
    assert isinstance(made(corpus, **options), FullBatches), "unless the whole graph is needed"
    assert isinstance(made(corpus, name="mf"), FullBatches)


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"contrast": 0.1}, r"contrast must be 0.0 for mf, which does not support it \(got 0.1\)"),
        ({"message_edge_share": 0.5}, r"message_edge_share must be 1.0 for mf, which does not support it \(got 0.5\)"),
        ({"precision": "bf16"}, r"precision must be float32 for mf, which does not support it \(got 'bf16'\)"),
    ],
)
def test_models_without_a_graph_refuse_what_is_about_messages(
    options: dict[str, Any], line: str, corpus: Corpus
) -> None:
    with pytest.raises(ConfigError, match=f"^{line}$"):
        made(corpus, name="mf", **options)


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (
            {"loss": "bpr", "negatives": "all"},
            r"negatives=all is for loss=softmax: set that, or negatives=uniform \(got loss=bpr\)",
        ),
        ({"loss": "directau", "negatives": "pool"}, r"loss=directau takes no negatives: .* \(got negatives=pool\)"),
        (
            {"logq_correction": 1.0},
            r"correction needs loss=softmax and negatives .* \(got loss=bpr, negatives=uniform\)",
        ),
        ({"logq_correction": 1.0, "loss": "softmax", "negatives": "pool"}, "correction needs .*negatives=pool"),
        ({"negatives": "shared"}, r"negatives=shared is for loss=softmax: .* \(got loss=bpr\)"),
        (
            {"length_weight_exponent": 0.5},
            r"length_weight_exponent needs .*: shared or all \(got loss=bpr, negatives=uniform\)",
        ),
        ({"symmetric_weight": 0.5, "loss": "softmax"}, r"symmetric_weight needs .*negatives=uniform\)"),
        ({"length_weight_exponent": -1.0}, "length_weight_exponent must be at least 0"),
        ({"hard_negative_candidates": 4, "n_negatives": 4}, r"candidates must be above n_negatives = 4 \(got 4\)"),
        ({"message_edge_share": 0.0}, r"message_edge_share must be above 0 and at most 1 \(got 0.0\)"),
        ({"temperature": 0.0}, r"temperature must be above 0 \(got 0.0\)"),
        ({"pool_refresh_every": 0}, r"pool_refresh_every must be at least 1 \(got 0\)"),
        ({"contrast": -0.1}, r"contrast must be at least 0 \(got -0.1\)"),
    ],
)
def test_options_that_cannot_be(options: dict[str, Any], line: str) -> None:
    with pytest.raises(ConfigError, match=line) as caught:
        TrainOptions(**options)
    assert "\n" not in str(caught.value)


def test_a_playlist_that_holds_everything_has_no_negative() -> None:
    corpus = Corpus.from_lists([["a"], ["a", "b", "c"], ["c", "b"]])
    for negatives in (*(n for n in DRAWN if n != "artist"), "in-batch"):
        with pytest.raises(DataError, match=r"^playlist 1 holds all 3 tracks, so it can have no negatives: leave it"):
            made(corpus, negatives=negatives)
    assert len(epoch(made(corpus, loss="softmax", negatives="all"))) == 1
