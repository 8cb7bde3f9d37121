"""The seconds to find tracks by name in a catalogue as large as that of the Million Playlist Dataset.

    python benchmarks/lookup_speed.py [--tracks 2262292] [--artists 295860] [--record lookup-speed]

The catalogue is invented. Its keys are made once, as `preprocess` makes them, and read from a folder,
as `recommend` reads them.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from records import Recorder, add_record

from playlistrec.corpus.corpus import Corpus
from playlistrec.corpus.songs import Songs
from playlistrec.errors import DataError
from playlistrec.serving.lookup.locating import locate
from playlistrec.serving.lookup.playlist_file import Entry
from playlistrec.serving.lookup.search import TrackIndex


def named(n: int, low: int, high: int, words: list[str], random: np.random.Generator) -> list[str]:
    """Names of ``low`` to ``high - 1`` words."""
    sizes = random.integers(low, high, n)
    drawn = [words[i] for i in random.integers(0, len(words), sizes.sum()).tolist()]
    ends = np.cumsum([0, *sizes.tolist()]).tolist()
    return [" ".join(drawn[a:b]).title() for a, b in pairwise(ends)]


def catalogue(n_tracks: int, n_artists: int) -> Corpus:
    """A corpus of invented names in which each track stands in the one playlist."""
    random = np.random.default_rng(0)
    syllables = [a + b for a in "bcdfglmnprst" for b in "aeiou"]
    words = ["".join(random.choice(syllables, random.integers(1, 5))) for _ in range(30_000)]
    artist = pa.array(random.integers(0, n_artists, n_tracks), pa.int32())
    table = {"uri": [f"spotify:track:{i:022d}" for i in range(n_tracks)], "artist": artist}
    table["name"] = named(n_tracks, 1, 5, words, random)
    artists = {
        "uri": [f"spotify:artist:{i:022d}" for i in range(n_artists)],
        "name": named(n_artists, 1, 3, words, random),
    }
    tracks = np.arange(n_tracks, dtype=np.int32)
    return Corpus(np.array([0, n_tracks]), tracks, pa.table({"pid": ["0"]}), pa.table(table), pa.table(artists))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tracks", type=int, default=2_262_292)
    parser.add_argument("--artists", type=int, default=295_860)
    add_record(parser)
    given = parser.parse_args()
    corpus = catalogue(given.tracks, given.artists)
    popularity = np.ones(corpus.n_tracks, dtype=np.int64)
    found: dict[str, dict[str, float]] = {}

    def timed(label: str, step: Callable[[], Any]) -> Any:
        wall, processor = time.perf_counter(), time.process_time()
        result = step()
        found[label] = {"seconds": time.perf_counter() - wall, "processor": time.process_time() - processor}
        print(
            f"{label:52} {found[label]['seconds']:7.2f} s, {found[label]['processor']:7.2f} s of processor time",
            flush=True,
        )
        return result

    def looked_up(entries: Sequence[Entry]) -> str:
        located = locate(TrackIndex(corpus, popularity, songs), entries)
        return f"{sum(seed.track >= 0 for seed in located)} of {len(entries)} found"

    with tempfile.TemporaryDirectory() as folder:
        timed("making the keys (once, by preprocess)", lambda: Songs.of(corpus)).save(Path(folder))
        songs = timed("reading the keys", lambda: Songs.load(Path(folder), corpus))
    tracks = np.random.default_rng(1).integers(0, corpus.n_tracks, 300)
    known = [(str(t["track_name"]), str(t["artist_name"])) for t in corpus.describe(tracks)]
    wrong = [(title[:-1] + "x", artist) for title, artist in known]

    def first_miss() -> str:
        try:
            return str(TrackIndex(corpus, popularity, songs).find(wrong[0][0]))
        except DataError as error:
            return str(error)

    print(timed("the first name that is near a title", first_miss))
    files = {
        "300 names": [Entry(None, title, artist) for title, artist in known],
        "300 names, remastered": [Entry(None, f"{title} - Remastered 2011", artist) for title, artist in known],
        "300 names, misspelt titles": [Entry(None, title, artist) for title, artist in wrong],
        "300 names, misspelt artists": [Entry(None, title, artist[:-1] + "x") for title, artist in known],
        "300 names, unknown artists": [Entry(None, title, f"Quentin {artist}") for title, artist in known],
        "300 lines of artist and title": [Entry.of(f"{artist} - {title}") for title, artist in known],
        "300 titles without artists": [Entry(None, title) for title, _ in known],
        "300 misspelt titles without artists": [Entry(None, title) for title, _ in wrong],
        "300 uris": [Entry(uri) for uri in corpus.track_table["uri"].take(pa.array(tracks)).to_pylist()],
    }
    for label, entries in files.items():
        print(timed(label, lambda entries=entries: looked_up(entries)))
    shared = {"data": f"{given.tracks:,} tracks, {given.artists:,} artists", "split": "none", "part": "none", "seed": 1}
    recorder = Recorder(given.record, **shared, model="lookup of names", chosen="nothing is chosen")
    for label, seconds in found.items():
        recorder.add(row=label, seconds={"clock": seconds["seconds"], "processor": seconds["processor"]})
    recorder.save()


if __name__ == "__main__":
    main()
