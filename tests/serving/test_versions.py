"""A song under two uris is one song in an answer: never beside its twin, never twice."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import playlistrec as pr
from playlistrec.experiment.data import preprocess
from playlistrec.models.base import Query
from playlistrec.serving.batch import Batch
from playlistrec.serving.recommender import RecommendOptions

K = 20


@pytest.fixture(scope="module")
def twins(slices: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Slices in which two of five entries name their track by another uri, some with a tag in the title too."""
    folder = tmp_path_factory.mktemp("twins")
    random = np.random.default_rng(1)
    for path in sorted(slices.glob("*.json")):
        content = json.loads(path.read_text())
        for playlist in content["playlists"]:
            for track in playlist["tracks"]:
                if random.random() < 0.4:
                    track["track_uri"] = "spotify:track:" + track["track_uri"][14:][::-1]
                    track["track_name"] += ("", " - Live", " (feat. Zoë)")[len(track["track_uri"]) % 3]
        (folder / path.name).write_text(json.dumps(content))
    return folder


@pytest.fixture(scope="module")
def run(twins: Path, tmp_path_factory: pytest.TempPathFactory) -> pr.Run:
    data = preprocess(twins, tmp_path_factory.mktemp("twin_data") / "data", workers=1)
    return pr.fit(data, "itemknn")


def song(run: pr.Run, track: int) -> tuple[int, str]:
    """Artist and title as the maker of the twins knows them."""
    corpus = run.data.corpus
    name = corpus.track_table["name"][track].as_py()
    return int(corpus.track_artist[track]), name.removesuffix(" - Live").removesuffix(" (feat. Zoë)").casefold()


def lists(run: pr.Run, options: RecommendOptions) -> list[tuple[list[int], list[int]]]:
    """The seeds of some playlists, and what is recommended."""
    service, corpus = run.service("cpu"), run.data.corpus
    found = []
    for row in range(60):
        seeds = list(dict.fromkeys(corpus.playlist(row).tolist()))[:10]
        found.append((seeds, service.recommend_one(Query.of([seeds]), options).tracks.tolist()))
    return found


def faults(run: pr.Run, options: RecommendOptions) -> tuple[int, int]:
    """Songs that the playlist holds, and songs twice."""
    held = twice = 0
    for seeds, tracks in lists(run, options):
        songs, known = [song(run, t) for t in tracks], {song(run, t) for t in seeds}
        held += sum(s in known for s in songs)
        twice += len(songs) - len(set(songs))
    return held, twice


@pytest.mark.parametrize("more", [{}, {"max_per_artist": 2}, {"diversity": 0.4}])
def test_no_song_is_recommended_twice_or_held(run: pr.Run, more: dict[str, float]) -> None:
    options = RecommendOptions(k=K, **more)  # type: ignore[arg-type]
    assert faults(run, options) == (0, 0)
    held, twice = faults(run, replace(options, keep_versions=True))
    assert held + twice > 3, "the data has the fault"


def test_the_list_is_as_long_and_the_ranking_less_its_repeats(run: pr.Run) -> None:
    for (seeds, tracks), (_, whole) in zip(
        lists(run, RecommendOptions(k=K)), lists(run, RecommendOptions(k=10**6, keep_versions=True))
    ):
        seen, wanted = {song(run, t) for t in seeds}, []
        for track in whole:
            if song(run, track) not in seen:
                seen.add(song(run, track))
                wanted.append(track)
        assert tracks == wanted[:K]


def test_lines_of_a_batch_are_as_alone(run: pr.Run) -> None:
    corpus, service = run.data.corpus, run.service("cpu")
    uris = corpus.track_table["uri"].take(corpus.playlist(3)[:6].astype(np.int64)).to_pylist()
    rows = [corpus.track_index(uri) for uri in uris]
    for options in (RecommendOptions(k=K), RecommendOptions(k=K, keep_versions=True)):
        line = json.loads(next(iter(Batch(service, options).results([json.dumps({"tracks": uris}).encode()]))))
        alone = service.recommend_one(Query.of([rows]), options).tracks
        assert [corpus.track_index(uri) for uri in line["tracks"]] == alone.tolist()


def test_merged_versions_are_one_track(run: pr.Run, twins: Path, tmp_path: Path) -> None:
    merged = preprocess(twins, tmp_path / "data", workers=1, merge_versions=True)
    assert merged.corpus.n_tracks == len(np.unique(run.data.songs.song)) < run.data.corpus.n_tracks
    assert merged.corpus.n_entries == run.data.corpus.n_entries
    assert (merged.songs.versions == 1).all()
    assert merged.manifest["options"]["merge_versions"] is True
