"""Synthetic playlists: their format, and their likeness to genuine samples of the Million Playlist Dataset."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from scipy import linalg, sparse

from playlistrec.corpus.synth import taste as synth_taste
from playlistrec.corpus.synth.synthesize import synthesize
from playlistrec.errors import ConfigError, DataError

N = 3000
FOLLOWED = 7071
Playlist = dict[str, Any]

# Statistic, what genuine samples show, and how far the synthetic ones may be from it, relatively.
# First block: 3,000 consecutive playlists. Shares of playlists with a duplicate, of titles without ASCII and of
# doubled (artist, title) pairs are those of the full dataset.
GENUINE = [
    ("length, mean", 66.6, 0.05),
    ("length, median", 50, 0.08),
    ("length, p10", 16, 0.10),
    ("length, p25", 26, 0.08),
    ("length, p75", 91, 0.08),
    ("length, p90", 149, 0.08),
    ("length, p99", 230, 0.03),
    ("entries on the top 0.1 % of tracks", 0.031, 0.15),
    ("entries on the top 1 % of tracks", 0.170, 0.10),
    ("entries on the top 10 % of tracks", 0.550, 0.05),
    ("tracks in one playlist only", 0.63, 0.05),
    ("slope of log count over log rank", -0.84, 0.08),
    ("playlists with the most popular track", 0.060, 0.20),  # 7.0 % and 5.0 % in the two samples
    ("rows that repeat a track", 0.0165, 0.15),  # 1.9 % and 1.4 % in the two samples
    ("playlists with a duplicate", 0.376, 0.10),
    ("(artist, title) pairs under several uris", 0.013, 0.25),
    ("titles empty after ASCII folding", 0.009, 0.60),  # 27 of 3,000: three standard errors
    ("playlists with a description", 0.02, 0.40),  # 60 of 3,000: three standard errors
]
# Second block: 7,071 playlists with at least ten followers.
GENUINE_FOLLOWED = [
    ("length, mean", 98.6, 0.05),
    ("length, median", 87, 0.08),
    ("length, p10", 21, 0.10),
    ("length, p90", 200, 0.05),
    ("artists per playlist, mean", 54.6, 0.10),
    ("artists per playlist, median", 47, 0.12),
    ("artists per playlist, p90", 110, 0.10),
    ("distinct artists over tracks", 0.61, 0.10),
    ("largest artist's share, mean", 0.14, 0.15),
    ("largest artist's share, median", 0.086, 0.15),
    ("neighbours by one artist", 0.20, 0.10),
    ("tracks per artist, mean", 4.7, 0.15),
    ("tracks per artist, median", 1, 0.0),
    ("tracks per artist, p90", 10, 0.15),
    ("tracks per artist, p99", 55, 0.15),
    ("entries on the top 1 % of artists", 0.43, 0.10),
    ("entries on the top 10 % of artists", 0.82, 0.07),
    ("followers, median", 16, 0.10),
    ("followers, p90", 113, 0.15),
    ("followers, p99", 2468, 0.50),  # 71 playlists above it
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return synthesize(tmp_path_factory.mktemp("synth") / "mpd", N, seed=1)


@pytest.fixture(scope="module")
def slices(folder: Path) -> list[dict[str, Any]]:
    paths = sorted(folder.iterdir(), key=lambda path: int(path.name.split(".")[2].split("-")[0]))
    return [msgspec.json.decode(path.read_bytes()) for path in paths]


@pytest.fixture(scope="module")
def playlists(slices: list[dict[str, Any]]) -> list[Playlist]:
    return [playlist for content in slices for playlist in content["playlists"]]


def ascii_folded(text: str) -> str:
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().strip()


def normalised(title: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"[^\w\s&]", "", ascii_folded(title).lower())).strip()


def length_statistics(lengths: np.ndarray) -> dict[str, float]:
    found = {"length, mean": lengths.mean(), "length, median": np.median(lengths)}
    return found | {f"length, p{q}": np.percentile(lengths, q) for q in (10, 25, 75, 90, 99)}


def top_share(counts: np.ndarray, share: float) -> float:
    return np.sort(counts)[::-1][: int(len(counts) * share)].sum() / counts.sum()


def track_statistics(lengths: np.ndarray, tracks: np.ndarray) -> dict[str, float]:
    rows = np.repeat(np.arange(len(lengths)), lengths)
    counts = np.bincount(tracks)
    pairs = np.unique(rows * len(counts) + tracks)
    playlists_with = np.bincount(pairs % len(counts))
    distinct = np.bincount(pairs // len(counts), minlength=len(lengths))
    ranks = np.log(np.arange(1, len(counts) + 1))
    return {
        **{f"entries on the top {100 * s:g} % of tracks": top_share(counts, s) for s in (0.001, 0.01, 0.1)},
        "tracks in one playlist only": (playlists_with == 1).mean(),
        "slope of log count over log rank": np.polyfit(ranks, np.log(np.sort(counts)[::-1]), 1)[0],
        "playlists with the most popular track": playlists_with.max() / len(lengths),
        "rows that repeat a track": 1 - len(pairs) / len(tracks),
        "playlists with a duplicate": (distinct < lengths).mean(),
    }


def artist_statistics(lengths: np.ndarray, tracks: np.ndarray, artists: np.ndarray) -> dict[str, float]:
    """``artists`` is the artist of each entry, ``tracks`` its track, both numbered from 0."""
    n, n_artists = len(lengths), artists.max() + 1
    rows = np.repeat(np.arange(n), lengths)
    pairs, times = np.unique(rows * n_artists + artists, return_counts=True)
    per_playlist = np.bincount(pairs // n_artists, minlength=n)
    largest = np.zeros(n)
    np.maximum.at(largest, pairs // n_artists, times)
    work = np.bincount(np.unique(artists * (tracks.max() + 1) + tracks) // (tracks.max() + 1))
    counts = np.bincount(artists)
    same = (artists[1:] == artists[:-1])[rows[1:] == rows[:-1]]
    return {
        "artists per playlist, mean": per_playlist.mean(),
        "artists per playlist, median": np.median(per_playlist),
        "artists per playlist, p90": np.percentile(per_playlist, 90),
        "distinct artists over tracks": (per_playlist / lengths).mean(),
        "largest artist's share, mean": (largest / lengths).mean(),
        "largest artist's share, median": np.median(largest / lengths),
        "neighbours by one artist": same.mean(),
        "tracks per artist, mean": work.mean(),
        "tracks per artist, median": np.median(work),
        "tracks per artist, p90": np.percentile(work, 90),
        "tracks per artist, p99": np.percentile(work, 99),
        "entries on the top 1 % of artists": top_share(counts, 0.01),
        "entries on the top 10 % of artists": top_share(counts, 0.1),
    }


def numbered(keys: Any) -> np.ndarray:
    return np.unique(np.asarray(keys), return_inverse=True)[1].ravel()


@pytest.fixture(scope="module")
def entries(playlists: list[Playlist]) -> tuple[np.ndarray, np.ndarray]:
    """Lengths of the playlists, and the track of each entry."""
    lengths = np.array([len(playlist["tracks"]) for playlist in playlists])
    return lengths, numbered([track["track_uri"] for playlist in playlists for track in playlist["tracks"]])


@pytest.fixture(scope="module")
def measured(playlists: list[Playlist], entries: tuple[np.ndarray, np.ndarray]) -> dict[str, float]:
    uris_of: dict[tuple[str, str], set[str]] = {}
    for playlist in playlists:
        for track in playlist["tracks"]:
            uris_of.setdefault((track["artist_uri"], track["track_name"]), set()).add(track["track_uri"])
    return {
        **length_statistics(entries[0]),
        **track_statistics(*entries),
        "(artist, title) pairs under several uris": np.mean([len(uris) > 1 for uris in uris_of.values()]),
        "titles empty after ASCII folding": np.mean([not ascii_folded(p["name"]) for p in playlists]),
        "playlists with a description": np.mean(["description" in p for p in playlists]),
    }


@pytest.mark.parametrize(("name", "genuine", "bound"), GENUINE)
def test_like_genuine_consecutive_playlists(measured, name, genuine, bound):
    assert measured[name] == pytest.approx(genuine, rel=bound)


@pytest.fixture(scope="module")
def measured_followed() -> dict[str, float]:
    """The statistics of as many playlists with ten followers as the genuine sample has, drawn but not written."""
    random = np.random.Generator(np.random.PCG64(1))
    followers = synth_taste.draw_followers(FOLLOWED * 50, random)
    followers = followers[followers >= 10][:FOLLOWED]
    assert len(followers) == FOLLOWED
    drawn = synth_taste.draw(synth_taste.draw_lengths(followers, random), random)
    return {
        **length_statistics(drawn.lengths),
        **artist_statistics(drawn.lengths, numbered(drawn.track), numbered(synth_taste.artist_of(drawn.track))),
        "followers, median": np.median(followers),
        "followers, p90": np.percentile(followers, 90),
        "followers, p99": np.percentile(followers, 99),
    }


@pytest.mark.parametrize(("name", "genuine", "bound"), GENUINE_FOLLOWED)
def test_like_genuine_playlists_with_ten_followers(measured_followed, name, genuine, bound):
    assert measured_followed[name] == pytest.approx(genuine, rel=bound)


def test_the_catalogue_grows_with_the_playlists(entries):
    # In the full dataset 66.3 million entries hold 2.26 million tracks; 3,000 of its playlists hold 63 % tracks
    # that occur once, so that there its catalogue grows locally as the 0.63th power of its size (Good 1953).
    lengths, tracks = entries
    thousand = len(np.unique(tracks[: lengths[:1000].sum()]))
    assert np.log(len(np.unique(tracks)) / thousand) / np.log(3) == pytest.approx(0.63, abs=0.08)


def test_titles_repeat_in_many_spellings(playlists):
    titles = Counter(playlist["name"] for playlist in playlists)
    folded = Counter(normalised(playlist["name"]) for playlist in playlists)
    assert len(folded) < 0.75 * len(titles) < 0.75 * N
    assert sum(count for count in folded.values() if count > 1) > 0.6 * N
    assert len({title for title in titles if normalised(title) == "chill"}) >= 4
    assert any(title != title.strip() for title in titles)
    assert any("🌴" in title for title in titles)


def test_titles_tell_of_the_taste(playlists):
    """Playlists of one title share tracks far more often than playlists of different titles."""
    by_title: dict[str, list[set[str]]] = {}
    for playlist in playlists:
        by_title.setdefault(normalised(playlist["name"]), []).append({t["track_uri"] for t in playlist["tracks"]})
    groups = [group for group in by_title.values() if len(group) >= 10]
    assert len(groups) >= 20
    same = np.mean([bool(a & b) for group in groups for a, b in pairwise(group)])
    other = np.mean([bool(a & b) for g, h in pairwise(groups) for a, b in zip(g, h)])
    assert same > 1.2 * other


def test_names_come_in_several_alphabets(playlists):
    names = {track["artist_name"] for playlist in playlists for track in playlist["tracks"]}
    scripts = Counter(unicodedata.name(letter).split()[0] for name in names for letter in name if letter.isalpha())
    assert {"LATIN", "CYRILLIC", "GREEK", "KATAKANA", "HANGUL"} <= set(scripts)
    assert 0.05 < np.mean([not name.isascii() for name in names]) < 0.2
    assert len(names) > 0.95 * len({t["artist_uri"] for p in playlists for t in p["tracks"]})


def test_slices_and_playlists_have_the_format_of_the_dataset(folder, slices, playlists):
    assert [playlist["pid"] for playlist in playlists] == list(range(N))
    names = ["mpd.slice.0-999.json", "mpd.slice.1000-1999.json", "mpd.slice.2000-2999.json"]
    assert sorted(path.name for path in folder.iterdir()) == names
    for i, content in enumerate(slices):
        assert set(content) == {"info", "playlists"}
        assert set(content["info"]) == {"generated_on", "slice", "version"}
        assert content["info"]["slice"] == f"{1000 * i}-{1000 * i + 999}"
    for playlist in playlists:
        assert set(playlist) - {"description"} == PLAYLIST_FIELDS
        tracks = playlist["tracks"]
        assert playlist["collaborative"] in ("true", "false")
        assert [track["pos"] for track in tracks] == list(range(len(tracks)))
        assert 5 <= len(tracks) == playlist["num_tracks"] <= 250
        assert playlist["num_artists"] == len({track["artist_uri"] for track in tracks}) >= 3
        assert playlist["num_albums"] == len({track["album_uri"] for track in tracks}) >= 2
        assert playlist["duration_ms"] == sum(track["duration_ms"] for track in tracks)
        assert playlist["num_followers"] >= 1
        assert playlist["num_edits"] >= 1
        assert playlist["modified_at"] % 86_400 == 0
        assert 1_262_304_000 <= playlist["modified_at"] < 1_512_086_400  # 2010-01-01 to 2017-11-30
    for track in {track["track_uri"]: track for playlist in playlists for track in playlist["tracks"]}.values():
        assert set(track) == TRACK_FIELDS
        for kind in ("track", "artist", "album"):
            assert re.fullmatch(rf"spotify:{kind}:[0-9A-Za-z]{{22}}", track[f"{kind}_uri"])
        assert all(track[field].strip() for field in ("track_name", "artist_name", "album_name"))


PLAYLIST_FIELDS = {
    *("name", "collaborative", "pid", "modified_at", "num_tracks", "num_albums", "num_artists"),
    *("num_followers", "num_edits", "duration_ms", "tracks"),
}
TRACK_FIELDS = {
    *("pos", "artist_name", "track_uri", "artist_uri", "track_name", "album_uri", "duration_ms", "album_name"),
}


def test_a_track_is_the_same_wherever_it_stands(playlists):
    tracks: dict[str, Playlist] = {}
    artists: dict[str, str] = {}
    albums: dict[str, tuple[str, str]] = {}
    for entry in (entry for playlist in playlists for entry in playlist["tracks"]):
        album = (entry["album_name"], entry["artist_uri"])
        assert tracks.setdefault(entry["track_uri"], entry) | {"pos": 0} == entry | {"pos": 0}
        assert artists.setdefault(entry["artist_uri"], entry["artist_name"]) == entry["artist_name"]
        assert albums.setdefault(entry["album_uri"], album) == album


def test_files_are_indented_as_the_original_and_of_its_size(folder, entries):
    text = (folder / "mpd.slice.0-999.json").read_text()
    assert text.startswith('{\n    "info": {\n        "generated_on": "')
    assert '\n                {\n                    "pos": 0,' in text
    size = sum(path.stat().st_size for path in folder.iterdir())
    assert size / entries[0].sum() == pytest.approx(33.5e9 / 66_346_428, rel=0.15)  # bytes an entry


def test_the_same_seed_gives_the_same_bytes_and_more_playlists_the_same_first_ones(folder, tmp_path):
    events = []
    synthesize(tmp_path / "short", 1200, seed=1, on_event=events.append)
    assert sorted(path.name for path in (tmp_path / "short").iterdir()) == [
        "mpd.slice.0-999.json",
        "mpd.slice.1000-1199.json",
    ]
    first = "mpd.slice.0-999.json"
    assert (tmp_path / "short" / first).read_bytes() == (folder / first).read_bytes()
    cut = json.loads((tmp_path / "short" / "mpd.slice.1000-1199.json").read_bytes())
    whole = json.loads((folder / "mpd.slice.1000-1999.json").read_bytes())
    assert cut["info"]["slice"] == "1000-1199"
    assert cut["playlists"] == whole["playlists"][:200]
    assert [(event.kind, event.data) for event in events] == [
        ("progress", {"done": 1000, "total": 1200}),
        ("progress", {"done": 1200, "total": 1200}),
    ]
    other = json.loads((synthesize(tmp_path / "other", 5, seed=2) / "mpd.slice.0-4.json").read_bytes())
    uris = [{t["track_uri"] for p in content["playlists"] for t in p["tracks"]} for content in (other, whole)]
    assert not uris[0] & uris[1]


def test_what_cannot_be_made_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"^playlists must be at least 1 \(got 0\)$"):
        synthesize(tmp_path / "none", 0)
    with pytest.raises(ConfigError, match=r"^seed must be at least 0 \(got -1\)$"):
        synthesize(tmp_path / "none", 1, seed=-1)
    assert not (tmp_path / "none").exists()
    synthesize(tmp_path, 5)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(DataError, match="already holds slices"):
        synthesize(tmp_path, 5, seed=3)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"file cannot be written"):
        synthesize(tmp_path / "file", 5)


def test_a_failed_run_leaves_nothing(tmp_path):
    def stop(event: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        synthesize(tmp_path, 5, on_event=stop)
    assert not list(tmp_path.iterdir())


def test_neighbours_and_factors_find_the_taste_that_popularity_misses(entries):
    """Recall@20 of a hidden tenth of the tracks of 600 playlists, with 2,000 to learn from."""
    lengths = entries[0][:2000]
    rows, tracks = np.repeat(np.arange(2000), lengths), numbered(entries[1][: lengths.sum()])
    shape = (2000, tracks.max() + 1)
    pairs = np.unique(rows * shape[1] + tracks)
    hidden = np.random.default_rng(0).random(len(pairs)) < 0.1
    train, truth = (
        sparse.csr_array((np.ones(len(keys), np.float32), (keys // shape[1], keys % shape[1])), shape=shape)
        for keys in (pairs[~hidden], pairs[hidden])
    )
    degree = np.maximum(train.sum(axis=0), 1)
    cosine = (train / np.sqrt(degree)).tocsr()
    alike = (cosine @ cosine.T).toarray()
    factors = linalg.eigh(alike, subset_by_index=[2000 - 64, 1999])[1]

    def recall(scores: Callable[[slice], np.ndarray]) -> float:
        found = []
        for part in (slice(start, start + 200) for start in range(0, 600, 200)):
            ranked = np.where(train[part].toarray() > 0, -np.inf, scores(part))
            top = np.argpartition(-ranked, 20, axis=1)[:, :20]
            asked = truth[part].toarray()
            hits = np.take_along_axis(asked, top, axis=1).sum(axis=1)
            found.extend((hits / np.maximum(asked.sum(axis=1), 1))[asked.any(axis=1)])
        return float(np.mean(found))

    popularity = recall(lambda part: np.tile(degree, (200, 1)))
    assert recall(lambda part: alike[part] @ cosine) > 3 * popularity
    assert recall(lambda part: factors[part] @ (factors.T @ train)) > 3 * popularity
