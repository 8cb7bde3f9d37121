"""How tracks are found that another source names in another way: eleven renamings of each track, and unknown artists.

    python benchmarks/matching.py [DATA] [--record matching]

DATA is a data folder with names; without it a catalogue is invented whose names have the shapes of real ones. A row of
the table says how many tracks were found, how many of them as another song, and for how many another track stood in.
"""

from __future__ import annotations

import argparse
import random
import re
import unicodedata
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
from records import Recorder, add_record

from playlistrec.corpus.corpus import Corpus
from playlistrec.corpus.track_names import title_keys
from playlistrec.experiment.data import Data
from playlistrec.serving.lookup.locating import locate
from playlistrec.serving.lookup.playlist_file import Entry
from playlistrec.serving.lookup.search import TrackIndex

ARTISTS = [
    "Sand, Salt & Ember",
    "Milo, The Potter",
    "NX/QZ",
    "Ma$on",
    "Sól Rjúpa",
    "The Quiet Harbours",
    "10,000 Lanterns",
    "Björk-Anne Holt",
    "P!lar",
    "Zoë & The Kites",
    "Ünder Glas",
    "Ærø Vint",
    "Łukasz Brzask",
    "Night Drive",
    "Daphne Oaks",
    "Cal Rivers",
    "Vela",
    "Marble Arch Choir",
    "Сергей Ветров",
    "青い月",
    "Ελένη Κύμα",
    "Río Claro",
    "D'Arco",
    "O'Malley Road",
    "Lil Fern",
    "DJ Okra",
    "Fjord & Field",
    "Hex",
    "Kite",
    "Noor",
    "Tess Marlow",
    "Ivo Grant",
    "Mina Torre",
    "Coral Kay",
    "Brass Owls",
    "Theo Lund",
    "Petra Vance",
    "Juno Pike",
    "Low Tide Club",
    "Yung Pebble",
]
WORDS = [
    "amber",
    "river",
    "glass",
    "paper",
    "winter",
    "golden",
    "hollow",
    "silver",
    "midnight",
    "ocean",
    "static",
    "velvet",
    "copper",
    "lantern",
    "signal",
    "echo",
    "harbor",
    "thunder",
    "violet",
    "satellite",
    "mirror",
    "feather",
    "granite",
    "wildfire",
    "garden",
]
TAGS = ("", "", "", " (feat. {})", " - Remastered 2011", " - feat. {}", " - Radio Edit", " (with {})", " - Live")
TAG = re.compile(r"\s*(?:\((?:feat\.|with) [^)]*\)|- (?:feat\. .*|Remastered 2011|Radio Edit|Live))$")
JOINTS = (", ", "; ", " & ", " / ", " x ", " feat. ", " and ")

Renaming = Callable[[str, str, str, int], tuple[str, str]]


def _plain(text: str) -> str:
    """Typographic signs for those of a keyboard, and letters without accents."""
    text = text.replace("'", "\u2019").replace(" & ", " and ").replace("-", "\u2010").replace("$", "S")
    return "".join(sign for sign in unicodedata.normalize("NFD", text) if not unicodedata.combining(sign))


RENAMINGS: dict[str, Renaming] = {
    "title without its tag": lambda title, artist, other, i: (TAG.sub("", title), artist),
    "feat.": lambda title, artist, other, i: (f"{title} (feat. {other})", artist),
    "with": lambda title, artist, other, i: (f"{title} [with {other}]", artist),
    "remastered": lambda title, artist, other, i: (
        title + (" - Remastered 2011", " (2009 Remaster)", " [Remastered Version]")[i % 3],
        artist,
    ),
    "live": lambda title, artist, other, i: (
        title + (" (Live)", " - Live at the Harbour", " [Live 1999]")[i % 3],
        artist,
    ),
    "radio edit": lambda title, artist, other, i: (title + (" (Radio Edit)", " - Radio Edit")[i % 2], artist),
    "official video": lambda title, artist, other, i: (
        title + (" (Official Video)", " [Official Music Video]", " (Official Audio)")[i % 3],
        artist,
    ),
    "guest joined": lambda title, artist, other, i: (TAG.sub("", title), artist + JOINTS[i % len(JOINTS)] + other),
    "guest first": lambda title, artist, other, i: (TAG.sub("", title), other + JOINTS[i % len(JOINTS)] + artist),
    "other signs, no accents": lambda title, artist, other, i: (_plain(title), _plain(artist)),
    "capitals, no punctuation": lambda title, artist, other, i: (
        re.sub(r"[-'().,]+", " ", TAG.sub("", title)).upper(),
        artist.upper(),
    ),
}


def invented() -> Corpus:
    """A catalogue of 347 tracks, each in a playlist."""
    draw = random.Random(7)
    tracks: dict[tuple[str, str], tuple[str, str]] = {}
    while len(tracks) < 347:
        artist = ARTISTS[len(tracks) % len(ARTISTS)]
        base = " ".join(draw.sample(WORDS, draw.choice([1, 2, 2, 3]))).title()
        base = f"Don't {base}" if draw.random() < 0.1 else base
        title = base + draw.choice(TAGS).format(draw.choice([other for other in ARTISTS if other != artist]))
        tracks.setdefault((artist, base), (artist, title))
    listed = list(tracks.values())
    table = {
        "uri": [f"spotify:track:{i:022d}" for i in range(len(listed))],
        "artist": pa.array([ARTISTS.index(artist) for artist, _ in listed], pa.int32()),
        "name": [title for _, title in listed],
    }
    artists = {"uri": [f"spotify:artist:{i:022d}" for i in range(len(ARTISTS))], "name": list(ARTISTS)}
    entries = np.arange(len(listed), dtype=np.int32)
    return Corpus(np.array([0, len(listed)]), entries, pa.table({"pid": ["0"]}), pa.table(table), pa.table(artists))


def rows(corpus: Corpus, n: int) -> list[tuple[str, int, int, int, int]]:
    """For each renaming: tracks, right, another song, a stand-in, not found."""
    index = TrackIndex(corpus, corpus.popularity)
    held = np.flatnonzero(corpus.popularity > 0)
    chosen = held if len(held) <= n else np.sort(np.random.default_rng(0).choice(held, n, replace=False))
    known = corpus.describe(chosen)
    song = index.names.songs.song
    names = corpus.artists["name"].to_pylist()
    found = []
    for label, rename in RENAMINGS.items():
        entries = []
        for i, track in enumerate(known):
            title, artist = str(track["track_name"]), str(track["artist_name"])
            title, artist = rename(title, artist, _guest(index, names, title, artist, i), i)
            entries.append(Entry(None, title, artist))
        located = locate(index, entries)
        right = sum(seed.track in seed.taken and song[seed.track] == song[row] for seed, row in zip(located, chosen))
        taken = sum(seed.track >= 0 and seed.track in seed.taken for seed in located)
        missing = sum(seed.track < 0 for seed in located)
        found.append((label, len(chosen), right, taken - right, len(chosen) - taken - missing, missing))
    return found


def _guest(index: TrackIndex, names: list[str], title: str, artist: str, i: int) -> str:
    """Another artist, who has no song of this title: of two that have one, nobody can tell which is meant."""
    key = title_keys(pa.array([title]))[0].as_py()
    for step in range(1 + i % 5, len(names)):
        row = (names.index(artist) + step) % len(names)
        if not index.names.by([row], key):
            break
    return names[row]


def crossed(corpus: Corpus, n: int) -> list[tuple[str, int, int]]:
    """How many tracks by an artist who has no such title were taken for somebody else's."""
    index = TrackIndex(corpus, corpus.popularity)
    pick = random.Random(0).sample(np.flatnonzero(corpus.popularity > 0).tolist(), min(n, corpus.n_tracks))
    names, titles = corpus.artist_names().to_pylist(), corpus.track_table["name"].to_pylist()
    every = corpus.artists["name"].to_pylist()
    makers: dict[str, Callable[[int], str]] = {
        "unknown artist, Zed": lambda row: "Zed",
        "unknown artist, Quentin Sparrow Trio": lambda row: "Quentin Sparrow Trio",
        "unknown artists, joined": lambda row: "Zed & The Quentins, Sparrow Trio",
        "another known artist": lambda row: str(every[(every.index(names[row]) + 7) % len(every)]),
    }
    found = []
    for label, who in makers.items():
        located = locate(index, [Entry(None, titles[row], who(row)) for row in pick])
        wrong = sum(seed.track >= 0 and names[seed.track] != who(row) for seed, row in zip(located, pick))
        found.append((label, len(pick), wrong))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", type=Path)
    parser.add_argument("-n", type=int, default=347, help="tracks")
    add_record(parser)
    given = parser.parse_args()
    corpus = invented() if given.data is None else Data.load(given.data).corpus
    table, unknown = rows(corpus, given.n), crossed(corpus, 200)
    print(f"{'renaming':26} tracks  right  wrong  stand-in  missing")
    for label, *counts in table:
        print(f"{label:26} {counts[0]:6} {counts[1]:6} {counts[2]:6} {counts[3]:9} {counts[4]:8}")
    for label, n, wrong in unknown:
        print(f"{label:40} {wrong} of {n} taken for another artist's song")
    named = given.data.name if given.data else "invented tracks"
    shared = {"data": named, "split": "none", "part": "none", "seed": 0, "model": "lookup of names"}
    recorder = Recorder(given.record, **shared, chosen="nothing is chosen")
    for label, *counts in table:
        recorder.add(row=label, metrics=dict(zip(("tracks", "right", "wrong", "stand-in", "missing"), counts)))
    for label, n, wrong in unknown:
        recorder.add(row=label, metrics={"tracks": n, "wrong": wrong})
    recorder.save()


if __name__ == "__main__":
    main()
