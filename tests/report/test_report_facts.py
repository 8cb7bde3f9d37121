"""The numbers behind the figures, against slow or separate code."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playlistrec.corpus.corpus import Corpus
from playlistrec.corpus.filters import k_core
from playlistrec.errors import DataError
from playlistrec.experiment.data import Data
from playlistrec.experiment.fitting import fit
from playlistrec.models.base import Query
from playlistrec.rank.recommend import recommend
from playlistrec.report.analysis.data_facts import at_least, core_curve, degrees, histogram, popularity_curve, thinned
from playlistrec.report.analysis.embedding_map import chance, choose, pca, purity, tsne, with_artists
from playlistrec.report.analysis.neighbourhood import neighbourhood, spring_layout
from playlistrec.report.analysis.quality import DEPTHS, KS, LENGTHS, against_best, grouped, judge
from playlistrec.report.plots.labels import places, shortened
from playlistrec.report.plots.quality import by_length, by_popularity
from playlistrec.serving.similar import find


@pytest.fixture(scope="module")
def data(data_folder: Path) -> Data:
    return Data.load(data_folder)


pairs_of = st.sets(st.tuples(st.integers(0, 6), st.integers(0, 7)), min_size=1, max_size=40)


@given(pairs_of)
@settings(max_examples=60, deadline=None)
def test_sizes_of_cores_are_those_of_the_filter(pairs: set[tuple[int, int]]) -> None:
    corpus = Corpus.from_lists([[str(t) for p, t in sorted(pairs) if p == playlist] for playlist in range(7)])
    rows, cols = corpus.pairs
    ks, left = core_curve(corpus)
    for k in range(1, int(ks[-1]) + 1):
        playlists, tracks = k_core(corpus, k)
        assert left["playlists"][k - 1] == playlists.sum()
        assert left["tracks"][k - 1] == tracks.sum()
        assert left["pairs"][k - 1] == (playlists[rows] & tracks[cols]).sum()
    with pytest.raises(DataError):
        k_core(corpus, int(ks[-1]) + 1)


@given(st.lists(st.integers(0, 500), min_size=1, max_size=60), st.integers(1, 30))
@settings(max_examples=60, deadline=None)
def test_histograms_and_curves_count_everything_once(values: list[int], bins: int) -> None:
    positive = [value for value in values if value > 0]
    edges, counts = histogram(np.array(values), bins)
    assert counts.sum() == len(positive)
    for low, high, n in zip(edges, edges[1:], counts):
        assert n == sum(low <= value < high for value in positive)
    distinct, share = at_least(np.array(values))
    for value, part in zip(distinct, share):
        assert part == pytest.approx(sum(other >= value for other in values) / len(values))
    _, held, top = popularity_curve(np.array(values))
    assert held.tolist() == sorted(positive, reverse=True)
    assert not positive or top[-1] == pytest.approx(1)


def test_degrees_are_counted_from_pairs(data: Data) -> None:
    found = degrees(data.corpus)
    assert found["playlist"][5] == len(set(data.corpus.playlist(5).tolist()))
    assert found["track"][9] == sum(9 in data.corpus.playlist(p) for p in range(data.corpus.n_playlists))
    assert found["artist"][3] == (data.corpus.track_artist == 3).sum()
    assert thinned(10_000).tolist()[0] == 0
    assert thinned(10_000).tolist()[-1] == 9_999
    assert len(thinned(10_000)) < 310


@pytest.fixture(scope="module")
def asked(data: Data) -> dict[str, object]:
    """Two models' qualities on the validation part, with what evaluate says of them."""
    evaluation_set = data.split.evaluation_set(data.corpus, "valid")
    known = data.split.ranking(data.corpus, "valid")
    runs = {name: fit(data, name) for name in ("itemknn", "popularity")}
    return {
        "queries": evaluation_set,
        "popularity": np.bincount(known.pairs[1], minlength=data.corpus.n_tracks),
        "qualities": {n: judge(r.recommender("valid", device="cpu"), evaluation_set, known) for n, r in runs.items()},
        "evaluations": {n: r.evaluate("valid", [*KS, 5, 100], device="cpu") for n, r in runs.items()},
        "lists": {
            n: recommend(
                r.recommender("valid", device="cpu"),
                Query.of(
                    [
                        evaluation_set.seeds[a:b].tolist()
                        for a, b in zip(evaluation_set.seed_offsets, evaluation_set.seed_offsets[1:])
                    ],
                    evaluation_set.playlists.tolist(),
                ),
                20,
            )[0]
            for n, r in runs.items()
        },
    }


def test_quality_is_what_evaluate_says(asked: dict[str, dict]) -> None:  # type: ignore[type-arg]
    for name, evaluation in asked["evaluations"].items():
        quality = asked["qualities"][name]
        for key in ("recall@10", "ndcg@20", "map@10", "precision@20", "hit@10", "mrr@20", "recall@5", "recall@100"):
            assert (quality.per_query[key] == evaluation.per_query[key]).all(), key
        for key, value in quality.beyond.items():
            assert value == pytest.approx(evaluation.metrics[key]), key
        assert {f"recall@{k}" for k in DEPTHS} <= set(quality.per_query)


def test_ranks_of_hidden_tracks_are_where_they_were_listed(asked: dict) -> None:  # type: ignore[type-arg]
    evaluation_set = asked["queries"]
    for name, lists in asked["lists"].items():
        ranks = asked["qualities"][name].ranks
        for at in range(0, len(evaluation_set), 7):
            for place in range(evaluation_set.truth_offsets[at], evaluation_set.truth_offsets[at + 1]):
                track, listed = evaluation_set.truth[place], lists[at].tolist()
                expected = listed.index(track) + 1 if track in listed else None
                assert expected == (ranks[place] if 0 < ranks[place] <= 20 else None)


def test_groups_by_length_and_popularity_are_naive_means(asked: dict) -> None:  # type: ignore[type-arg]
    evaluation_set, qualities, popularity = asked["queries"], asked["qualities"], asked["popularity"]
    columns, rows = by_length(qualities, evaluation_set, "").panels[0].numbers
    sizes = np.diff(evaluation_set.seed_offsets)
    low, high = 10, 24
    row = next(row for row in rows if row[0] == f"{low} to {high}")
    inside = (sizes >= low) & (sizes <= high)
    assert row[1] == inside.sum()
    for column, name in enumerate(qualities, start=2):
        assert columns[column] == name
        assert row[column] == pytest.approx(qualities[name].per_query["ndcg@20"][inside].mean())
    assert sum(row[1] for row in rows) == len(evaluation_set)

    rows = by_popularity(qualities, evaluation_set, popularity, "").panels[0].numbers[1]
    row = next(row for row in rows if row[0] == "3 to 9")
    hidden = hits = 0
    for at, listed in enumerate(asked["lists"]["itemknn"]):
        for track in evaluation_set.truth[evaluation_set.truth_offsets[at] : evaluation_set.truth_offsets[at + 1]]:
            if 3 <= popularity[track] <= 9:
                hidden += 1
                hits += track in listed
    assert row[1] == hidden
    assert row[2] == pytest.approx(hits / hidden)


def test_differences_are_those_of_compare(asked: dict) -> None:  # type: ignore[type-arg]
    best, found = against_best(asked["qualities"], "ndcg@20")
    assert best == "itemknn"
    theirs = {n: e.per_query["ndcg@20"] for n, e in asked["evaluations"].items()}
    difference = found["popularity"]
    assert difference.mean == pytest.approx((theirs["popularity"] - theirs["itemknn"]).mean())
    assert difference.low < difference.mean < difference.high < 0
    assert difference.p < 0.01


@given(st.lists(st.integers(0, 400), min_size=1, max_size=50))
def test_every_value_is_in_the_group_that_names_it(values: list[int]) -> None:
    names, group = grouped(np.array(values), LENGTHS)
    for value, place in zip(values, group):
        low, _, high = names[place].replace(",", "").rstrip("+").partition(" to ")
        assert int(low) <= value
        assert not high or value <= int(high)
    assert set(group.tolist()) == set(range(len(names)))


def test_purity_is_the_naive_share() -> None:
    random = np.random.default_rng(0)
    vectors, labels = random.normal(size=(30, 5)), np.repeat([0, 1, 2], [14, 13, 3])
    shares = []
    for i in range(30):
        cosine = [
            (vectors[i] @ vectors[j] / np.linalg.norm(vectors[i]) / np.linalg.norm(vectors[j]), j)
            for j in range(30)
            if j != i
        ]
        wanted = min(10, int((labels == labels[i]).sum()) - 1)
        nearest = [j for _, j in sorted(cosine, reverse=True)[:wanted]]
        shares.append(np.mean([labels[j] == labels[i] for j in nearest]))
    assert purity(vectors, labels) == pytest.approx(np.mean(shares))
    many = [purity(random.normal(size=(30, 5)), labels) for _ in range(200)]
    assert np.mean(many) == pytest.approx(chance(labels), abs=0.03)
    apart = np.eye(3)[labels] + 0.01 * vectors[:, :3]
    assert purity(apart, labels) == 1


def test_maps_keep_what_is_near_near() -> None:
    random = np.random.default_rng(1)
    labels = np.repeat([0, 1, 2], 12)
    vectors = with_artists(np.eye(3, 8)[labels] * 4 + random.normal(size=(36, 8)) * 0.2, labels)
    assert len(vectors) == 39
    assert np.allclose(np.linalg.norm(vectors[:36], axis=1), 1)
    assert np.allclose(vectors[37], vectors[12:24].mean(0))
    flat, kept = pca(vectors)
    centred = vectors - vectors.mean(0)
    values = np.sort(np.linalg.eigvalsh(centred.T @ centred))[::-1]
    assert kept == pytest.approx(values[:2].sum() / values.sum())
    assert np.allclose((flat**2).sum(0), values[:2])
    everyone = np.concatenate([labels, [0, 1, 2]])
    same = everyone[:, None] == everyone
    for flat_places in (flat, tsne(vectors)):
        distance = np.linalg.norm(flat_places[:, None] - flat_places, axis=2)
        assert distance[~same].min() > distance[same].max()
    assert (tsne(vectors, 3) == tsne(vectors, 3)).all()


def test_artists_are_the_most_popular_or_those_named(data: Data) -> None:
    corpus = data.split.training(data.corpus)
    popularity = np.bincount(corpus.pairs[1], minlength=corpus.n_tracks)
    chosen = choose(corpus, popularity)
    weight = [popularity[corpus.track_artist == artist].sum() for artist in chosen.artists]
    assert weight == sorted(weight, reverse=True)
    assert (corpus.track_artist[chosen.tracks] == np.array(chosen.artists)[chosen.labels]).all()
    assert (popularity[chosen.tracks] > 0).all()
    named = choose(corpus, popularity, [chosen.names[2].upper(), chosen.names[0], chosen.names[2]])
    assert named.names == [chosen.names[2], chosen.names[0]]
    with pytest.raises(DataError, match=r"no artist is called .*; nearest: "):
        choose(corpus, popularity, [chosen.names[0] + "x"])


def test_artists_of_a_map_are_found_as_everywhere_else() -> None:
    """Blind to accents, case and punctuation; of several of one name the one with the most popular tracks."""
    lists = [[f"t{i}" for i in range(16)], [f"t{i}" for i in range(5, 12)]]
    corpus = Corpus.from_lists(lists, {f"t{i}": "Fíndón" if i < 8 else "x" for i in range(16)})
    chosen = choose(corpus, corpus.popularity, ["FIN-DON"])
    assert chosen.names == ["Fíndón"]
    assert find(corpus, "artist", "findon")[0] == chosen.artists[0]


def test_a_neighbourhood_holds_edges_of_the_training_part_only(data: Data) -> None:
    corpus = data.split.training(data.corpus)
    found = neighbourhood(corpus)
    assert found.nodes[0][0] == "playlist"
    assert len(set(found.nodes)) == len(found.nodes) <= 40
    train = set(zip(*(part.tolist() for part in corpus.pairs)))
    kinds = {"playlist": set(), "track": set(), "artist": set()}
    for kind, row in found.nodes:
        kinds[kind].add(row)
    shown = set()
    for a, b in found.edges.tolist():
        (kind, row), (other, track) = found.nodes[a], found.nodes[b]
        if kind == "playlist":
            assert (row, track) in train
            shown.add((row, track))
        else:
            assert other == "artist"
            assert corpus.track_artist[row] == track
    assert shown == {(p, t) for p, t in train if p in kinds["playlist"] and t in kinds["track"]}
    core = {node for node, inside in zip(found.nodes, found.core) if inside}
    assert core
    for kind, row in core:
        own = [(p, t) for p, t in shown if (p if kind == "playlist" else t) == row]
        other = "track" if kind == "playlist" else "playlist"
        assert sum((other, t if kind == "playlist" else p) in core for p, t in own) >= found.k


def test_springs_pull_neighbours_together_and_repeat() -> None:
    edges = np.array([[a, b] for block in (0, 6) for a, b in combinations(range(block, block + 6), 2)])
    places = spring_layout(12, edges, seed=4)
    distance = np.linalg.norm(places[:, None] - places[None], axis=2)
    assert distance[:6, :6].max() < distance[:6, 6:].min()
    assert distance[~np.eye(12, dtype=bool)].min() > 0.1
    assert (places == spring_layout(12, edges, seed=4)).all()


@given(st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_names_overlap_nothing(seed: int) -> None:
    random = np.random.default_rng(seed)
    points, sizes = random.uniform(0, 100, (25, 2)), [(float(w), 6.0) for w in random.uniform(0, 40, 25)]
    found = places(points, [2.0] * 25, sizes, (0, 0, 100, 100))
    boxes = [(x, y, x + w, y + h) for spot, (w, h) in zip(found, sizes) if spot for x, y in [spot]]
    assert boxes
    for a, b in combinations(boxes, 2):
        assert a[0] >= b[2] or b[0] >= a[2] or a[1] >= b[3] or b[1] >= a[3]
    for left, bottom, right, top in boxes:
        assert left >= 0
        assert bottom >= 0
        assert right <= 100
        assert top <= 100
        for x, y in points.tolist():
            assert x + 2 <= left or x - 2 >= right or y + 2 <= bottom or y - 2 >= top
    assert shortened("x" * 50, 10) == "x" * 9 + "…"
