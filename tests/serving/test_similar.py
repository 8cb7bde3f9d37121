"""Nearest neighbours, against cosines computed one by one."""

from __future__ import annotations

from math import sqrt

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest

import playlistrec as pr
from playlistrec.corpus.split import TEST, TEST_SEED, TRAIN
from playlistrec.corpus.splitting import split_edges
from playlistrec.errors import ConfigError, DataError
from playlistrec.serving.similar import KINDS, Kind, find, similar

OPTIONS = {"epochs": 2, "batch_size": 128, "dim": 8, "lr": 0.05}


def corpus() -> pr.Corpus:
    """Two tastes, each with artists of its own, and two artists called alike."""
    rng = np.random.default_rng(2)
    lists = [[f"t{t}" for t in rng.choice(30, size=rng.integers(4, 12)) + 30 * (p % 2)] for p in range(80)]
    whole = pr.Corpus.from_lists(lists, {f"t{t}": f"a{t // 6}" for t in range(58)})
    names = pa.array([f"Artist {uri[1:]}" if uri not in ("a1", "a7") else "The Twins" for uri in _uris(whole)])
    artists = whole.artists.set_column(1, "name", names)
    table = whole.track_table.append_column("name", pa.array([f"Song {i}" for i in range(whole.n_tracks)]))
    return pr.Corpus(whole.offsets, whole.tracks, whole.playlists, table, artists)


def _uris(whole: pr.Corpus) -> list[str]:
    uris: list[str] = whole.artists["uri"].to_pylist()
    return uris


def known_to(run: pr.Run) -> pr.Corpus:
    return run.data.split.ranking(run.data.corpus, "test")


@pytest.fixture(scope="module")
def runs() -> dict[str, pr.Run]:
    whole = corpus()
    data = pr.Data.of(whole, split_edges(whole, valid=0.1, test=0.1, seed=0))
    prior = {"mf": 0.0, "lightgcn": 0.2, "fm": 0.2}  # popularity counts for nothing here
    return {
        name: pr.fit(data, name, options={**OPTIONS, "popularity_prior": value}, preset="none")
        for name, value in prior.items()
    }


def cosine(a: npt.NDArray[np.float32], b: npt.NDArray[np.float32]) -> float:
    dot = sum(float(x) * float(y) for x, y in zip(a, b))
    return dot / sqrt(sum(float(x) ** 2 for x in a) * sum(float(y) ** 2 for y in b))


def vectors(run: pr.Run) -> dict[str, npt.NDArray[np.float32]]:
    model = run.recommender("test")
    found = {kind: table.detach().numpy() for kind, table in model.node_vectors().items()}  # type: ignore[attr-defined]
    if "artist" not in found:
        artist = run.data.corpus.track_artist
        found["artist"] = np.stack([found["track"][artist == a].mean(0) for a in range(run.data.corpus.n_artists)])
    if model.name == "fm":
        found = {kind: table[:, :-1] for kind, table in found.items()}
    return found


@pytest.mark.parametrize("name", ["mf", "lightgcn", "fm"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("to", KINDS)
def test_neighbours_are_those_of_the_highest_cosine(name: str, kind: Kind, to: Kind, runs: dict[str, pr.Run]) -> None:
    table, row = vectors(runs[name]), 3
    wanted = [(-cosine(table[kind][row], other), i) for i, other in enumerate(table[to]) if (kind, row) != (to, i)]
    found = similar(runs[name].embeddings(), kind, row, to=to, k=6)
    assert found.rows.tolist() == [i for _, i in sorted(wanted)[:6]]
    np.testing.assert_allclose(found.cosines, [-value for value, _ in sorted(wanted)[:6]], rtol=1e-5, atol=1e-6)
    assert (found.note is not None) is ("artist" in (kind, to) and name != "lightgcn")


def test_tracks_are_like_those_of_their_taste(runs: dict[str, pr.Run]) -> None:
    uris = runs["lightgcn"].data.corpus.track_table["uri"].to_pylist()
    same = [
        (int(uris[row][1:]) < 30) == (int(uris[other][1:]) < 30)
        for row in range(len(uris))
        for other in similar(runs["lightgcn"].embeddings(), "track", row, k=5).rows.tolist()
    ]
    assert np.mean(same) > 0.8


def test_items_have_ids_and_names(runs: dict[str, pr.Run]) -> None:
    run = runs["lightgcn"]
    assert list(similar(run.embeddings(), "track", 0).items[0]) == ["track_uri", "track_name", "artist_name"]
    artists = similar(run.embeddings(), "track", 0, to="artist", k=100)
    assert len(artists.items) == run.data.corpus.n_artists
    assert {tuple(item.values()) for item in artists.items} == set(zip(*run.data.corpus.artists.to_pydict().values()))
    assert similar(run.embeddings(), "artist", 2, to="playlist").items[0]["playlist_name"] is None


def test_finding_by_name(runs: dict[str, pr.Run]) -> None:
    run = runs["mf"]
    assert find(known_to(run), "track", "SONG 7") == (7, None)
    assert find(known_to(run), "playlist", "12") == (12, None)
    uris = _uris(run.data.corpus)
    assert find(known_to(run), "artist", "a4") == find(known_to(run), "artist", "artist 4") == (uris.index("a4"), None)
    known = run.data.split.ranking(run.data.corpus, "test")
    entries = {uri: int((known.track_artist[known.tracks] == uris.index(uri)).sum()) for uri in ("a1", "a7")}
    more = max(entries, key=lambda uri: entries[uri])
    assert find(known_to(run), "artist", "the twins") == (
        uris.index(more),
        f"2 artists are called 'the twins': took {more}",
    )
    with pytest.raises(DataError, match="no artist is called 'artist 99'; nearest: "):
        find(known_to(run), "artist", "artist 99")
    with pytest.raises(DataError, match="no playlist '900'"):
        find(known_to(run), "playlist", "900")


def test_playlists_of_which_nothing_is_known_are_left_out() -> None:
    """One hidden whole is compared by its seeds; one without a seed is neither found nor compared."""
    whole = corpus()
    part = np.full(whole.n_entries, TRAIN, dtype=np.uint8)
    part[whole.offsets[4] : whole.offsets[5]] = TEST
    part[whole.offsets[6] : whole.offsets[7]] = TEST
    part[whole.offsets[6] : whole.offsets[6] + 3] = TEST_SEED
    run = pr.fit(pr.Data.of(whole, pr.Split("continuation", part)), "mf", options=OPTIONS, preset="none")
    found = similar(run.embeddings(), "playlist", 0, k=100)
    assert set(found.rows.tolist()) == set(range(80)) - {0, 4}
    with pytest.raises(DataError, match="nothing is known of this playlist"):
        similar(run.embeddings(), "playlist", 4)
    model = run.recommender("test")
    folded = model.queries(pr.Query.of([whole.playlist(6)[:3].tolist()]))[0].numpy()  # type: ignore[operator]
    wanted = [(-cosine(folded, track), i) for i, track in enumerate(vectors(run)["track"])]
    assert similar(run.embeddings(), "playlist", 6, to="track", k=5).rows.tolist() == [i for _, i in sorted(wanted)[:5]]


def test_what_is_refused(runs: dict[str, pr.Run]) -> None:
    with pytest.raises(ConfigError, match=r"itemknn has no vectors of playlists and tracks; models that have: mf,"):
        pr.fit(runs["mf"].data, "itemknn").embeddings()
    with pytest.raises(ConfigError, match=r"k must be at least 1 \(got 0\)"):
        similar(runs["mf"].embeddings(), "track", 0, k=0)
    with pytest.raises(ConfigError, match="to must be one of track, artist, playlist"):
        similar(runs["mf"].embeddings(), "track", 0, to="album")  # type: ignore[arg-type]
