"""No hidden entry enters a graph, a count, a negative filter or a mask, not even through a duplicate."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from playlistrec.corpus.corpus import Corpus
from playlistrec.corpus.split import Part
from playlistrec.experiment.data import Data, preprocess

Pairs = set[tuple[int, int]]


def pairs_of(corpus: Corpus, mask: np.ndarray) -> Pairs:
    return set(zip(corpus.entry_playlist[mask].tolist(), corpus.tracks[mask].tolist()))


@pytest.fixture(scope="module", params=["edges", "continuation"])
def data(request: pytest.FixtureRequest, slices: Path, tmp_path_factory: pytest.TempPathFactory) -> Data:
    """Read from disk again, as evaluate would. The synthetic playlists hold duplicates."""
    out = tmp_path_factory.mktemp("leak") / "data"
    preprocess(slices, out, split=request.param, workers=1)
    data = Data.load(out)
    assert data.corpus.n_entries > len(data.corpus.pairs[0]), "there are duplicates to leak through"
    return data


def test_parts_share_no_pair(data: Data) -> None:
    parts = [pairs_of(data.corpus, data.split.mask(code)) for code in range(5)]
    assert sum(len(part) for part in parts) == len(set().union(*parts)) == len(data.corpus.pairs[0])
    assert parts[0]
    assert parts[1]
    assert parts[2]


def test_an_exported_graph_holds_the_training_pairs_and_no_other(data: Data, tmp_path: Path) -> None:
    import dgl

    from playlistrec.export.export import export_graph

    assert data.path is not None
    assert not (data.path / "graph.bin").exists(), "preprocess writes none"
    export_graph(data.path, tmp_path / "graph")
    (graph,), _ = dgl.load_graphs(str(tmp_path / "graph" / "graph.bin"))
    train = pairs_of(data.corpus, data.split.mask(0))
    src, dst = graph.edges(etype="contains")
    assert set(zip(src.tolist(), dst.tolist())) == train
    dst, src = graph.edges(etype="in")
    assert set(zip(src.tolist(), dst.tolist())) == train


@pytest.mark.parametrize("part", ["valid", "test"])
def test_ranking_knows_only_what_comes_before(data: Data, part: Part) -> None:
    known = data.split.ranking(data.corpus, part)
    everything = np.ones(known.n_entries, dtype=bool)
    evaluation_set = data.split.evaluation_set(data.corpus, part)
    rows = np.repeat(evaluation_set.playlists, np.diff(evaluation_set.truth_offsets))
    truth = set(zip(rows.tolist(), evaluation_set.truth.tolist()))
    assert not truth & pairs_of(known, everything)
    seed_rows = np.repeat(evaluation_set.playlists, np.diff(evaluation_set.seed_offsets))
    seeds = set(zip(seed_rows.tolist(), evaluation_set.seeds.tolist()))
    assert not truth & seeds
    if evaluation_set.known:
        assert seeds <= pairs_of(known, everything)
    test = pairs_of(data.corpus, data.split.mask(2))
    assert not test & pairs_of(known, everything)
    if part == "test":
        assert pairs_of(data.corpus, data.split.mask(1)) <= pairs_of(known, everything)


@pytest.mark.parametrize("model", ["popularity", "itemknn", "mf", "lightgcn"])
def test_test_entries_change_nothing_before_they_are_asked(data: Data, model: str) -> None:
    """Fit on the same data with all test entries replaced: nothing that is learned or recommended may move."""
    import playlistrec as pr

    rng = np.random.default_rng(0)
    tracks = data.corpus.tracks.copy()
    hidden = data.split.mask(2)
    tracks[hidden] = rng.integers(data.corpus.n_tracks, size=hidden.sum())
    other = Corpus(data.corpus.offsets, tracks, data.corpus.playlists, data.corpus.track_table, data.corpus.artists)
    options = {"epochs": 1, "batch_size": 4096} if model in ("mf", "lightgcn") else {}
    runs = [pr.fit(Data.of(corpus, data.split), model, options=options, refit=True) for corpus in (data.corpus, other)]
    assert runs[0].refit_arrays is not None
    assert runs[1].refit_arrays is not None
    for arrays, others in ((runs[0].arrays, runs[1].arrays), (runs[0].refit_arrays, runs[1].refit_arrays)):
        for name, array in arrays.items():
            np.testing.assert_array_equal(array, others[name])
    row = int(data.split.evaluation_set(data.corpus, "test").playlists[0])
    pid = data.corpus.playlists["pid"][row].as_py()
    # What the playlist holds is never recommended, its hidden tracks too: it is taken out of both lists.
    held = np.concatenate([corpus.playlist(row) for corpus in (data.corpus, other)])
    lists = [run.recommend(playlist=pid, k=60) for run in runs]
    kept = [(found.tracks[new], found.scores[new]) for found in lists for new in [~np.isin(found.tracks, held)]]
    n = min(len(tracks) for tracks, _ in kept)
    assert n >= 20
    np.testing.assert_array_equal(kept[0][0][:n], kept[1][0][:n])
    np.testing.assert_array_equal(kept[0][1][:n], kept[1][1][:n])


def test_hidden_tracks_may_be_drawn_as_negatives(data: Data) -> None:
    """Sparing them would tell the model where they are."""
    from playlistrec.models.registry import model_class
    from playlistrec.train import BPR, Trainer, Uniform

    training = data.split.training(data.corpus)
    kind = model_class("mf")
    model = kind.from_corpus(training, kind.config_class())
    batches = Trainer(model, training, BPR(negatives=Uniform(n=400))).batches
    seen = np.zeros((data.corpus.n_playlists, data.corpus.n_tracks), dtype=bool)
    for batch in batches.epoch(0, 0):
        seen[batch.playlist[:, None].numpy(), batch.negatives.numpy()] = True
    drawn: Pairs = set(zip(*(at.tolist() for at in np.nonzero(seen))))
    train = pairs_of(data.corpus, data.split.mask(0))
    assert not drawn & train
    if data.split.kind == "edges":
        hidden = pairs_of(data.corpus, data.split.mask(1, 2))
        assert len(drawn & hidden) > 0.3 * len(hidden)


def test_given_test_part_counts_for_nothing_in_a_filter(tmp_path: Path) -> None:
    """Track z has two training playlists and three test ones: a 3-core must not keep it for the latter."""
    rows = [(p, t) for p in range(6) for t in "abc"] + [(0, "z"), (1, "z")]
    (tmp_path / "train.csv").write_text("playlist_id,track_id\n" + "".join(f"{p},{t}\n" for p, t in rows))
    (tmp_path / "test.csv").write_text("playlist_id,track_id\n2,z\n3,z\n4,z\n3,d\n")
    data = preprocess(tmp_path, tmp_path / "out", k_core=3)
    assert data.split.kind == "given"
    assert data.corpus.track_table["uri"].to_pylist() == ["a", "b", "c"]


def test_pairs_of_test_that_train_holds_are_dropped(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text("0 1 2 3\n1 1 2 3 3\n")
    (tmp_path / "test.txt").write_text("0 3 4\n1 5\n")
    reported = []
    data = preprocess(tmp_path, tmp_path / "out", on_event=reported.append)
    assert data.split.counts()["test"] == 2
    assert any(event.kind == "warning" and "1" in event.text for event in reported)
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["counts"]["parts"]["test"] == 2
