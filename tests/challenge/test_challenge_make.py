"""Challenge sets made of synthetic playlists: what they hold, what the training data does not."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from challenge_corpus import challenge_data

from playlistrec.challenge.draw import TRAINING, draw
from playlistrec.challenge.files import SCENARIOS, read_challenge, read_truth
from playlistrec.challenge.make import Made, make_challenge
from playlistrec.corpus.corpus import Corpus
from playlistrec.corpus.split import VALID, VALID_SEED
from playlistrec.corpus.splitting import split_edges
from playlistrec.errors import ConfigError, DataError
from playlistrec.events import Event
from playlistrec.experiment.data import Data

N_EACH = 3


@pytest.fixture(scope="module")
def whole() -> Data:
    return challenge_data()


@pytest.fixture(scope="module")
def made(whole: Data, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Made]:
    out = tmp_path_factory.mktemp("challenge") / "set"
    return out, make_challenge(whole, out, per_scenario=N_EACH)


def uris(corpus: Corpus, tracks: np.ndarray) -> list[str]:
    return corpus.track_table["uri"].take(pa.array(tracks)).to_pylist()


def test_the_files_are_those_in_memory(made: tuple[Path, Made]) -> None:
    out, result = made
    assert {path.name for path in out.iterdir()} == {"challenge_set.json", "truth.json", "data"}
    assert read_challenge(out) == result.challenge == read_challenge(out / "challenge_set.json")
    assert read_truth(out / "truth.json") == result.truth
    loaded = Data.load(out / "data")
    assert loaded.split.fingerprint == result.data.split.fingerprint
    assert loaded.corpus.vocabulary_hash == result.data.corpus.vocabulary_hash
    playlist = json.loads((out / "challenge_set.json").read_text())["playlists"][0]
    assert isinstance(playlist["pid"], int)
    assert {"pid", "tracks", "num_holdouts", "num_samples", "num_tracks"} <= set(playlist)


def test_every_scenario_shows_what_its_name_says(whole: Data, made: tuple[Path, Made]) -> None:
    scenarios = {scenario.name: scenario for scenario in SCENARIOS}
    held = {playlist.pid: playlist for playlist in made[1].truth.playlists}
    assert made[1].counts() == dict.fromkeys(scenarios, N_EACH)
    for playlist in made[1].challenge.playlists:
        truth = held[playlist.pid]
        scenario = scenarios[truth.scenario]
        assert playlist.scenario == scenario, "the playlist alone shows it"
        assert len(playlist.tracks) == playlist.num_samples == scenario.n_seeds
        assert len(truth.tracks) == playlist.num_holdouts >= 1
        assert playlist.num_tracks == playlist.num_samples + playlist.num_holdouts
        row = whole.corpus.playlist_index(playlist.pid)
        assert playlist.name == (whole.corpus.titles(np.array([row]))[0] if scenario.titled else None)
        seeds, hidden = ([track.track_uri for track in tracks] for tracks in (playlist.tracks, truth.tracks))
        assert not set(seeds) & set(hidden)
        # Put together by place they are the distinct tracks of the playlist, in order, less those nobody else has.
        places = {track.pos: track.track_uri for track in playlist.tracks + truth.tracks}
        assert sorted(places) == list(range(playlist.num_tracks))
        known = set(made[1].data.corpus.track_table["uri"].to_pylist())
        original = [uri for uri in dict.fromkeys(uris(whole.corpus, whole.corpus.playlist(row))) if uri in known]
        assert [places[pos] for pos in sorted(places)] == original
        shown = [track.pos for track in playlist.tracks]
        assert shown == sorted(shown)
        assert (shown == list(range(len(shown)))) is not scenario.at_random


def test_entries_say_what_the_data_knows(whole: Data, made: tuple[Path, Made]) -> None:
    table, artists = whole.corpus.track_table, whole.corpus.artists
    for playlist in made[1].challenge.playlists[-3:]:
        for entry in playlist.tracks:
            row = whole.corpus.track_index(entry.track_uri)
            track = table.slice(row, 1).to_pylist()[0]
            artist = artists.slice(track["artist"], 1).to_pylist()[0]
            assert (entry.track_name, entry.album_uri, entry.album_name, entry.duration_ms) == (
                *(track[name] for name in ("name", "album_uri", "album_name", "duration_ms")),
            )
            assert (entry.artist_uri, entry.artist_name) == (artist["uri"], artist["name"])


def test_the_training_data_knows_every_track_and_no_playlist(whole: Data, made: tuple[Path, Made]) -> None:
    data = made[1].data
    asked = {str(playlist.pid) for playlist in made[1].challenge.playlists}
    pids = data.corpus.playlists["pid"].to_pylist()
    assert not asked & set(pids)
    assert asked | set(pids) == set(whole.corpus.playlists["pid"].to_pylist())
    training = data.split.training(data.corpus)
    known = set(uris(training, training.tracks))
    assert known == set(data.corpus.track_table["uri"].to_pylist())
    for playlist in [*made[1].challenge.playlists, *made[1].truth.playlists]:
        assert {track.track_uri for track in playlist.tracks} <= known
    assert len(known) < whole.corpus.n_tracks, "or nothing above was tested"
    # What stays for training is as it was.
    for row in np.flatnonzero(training.lengths)[:50].tolist():
        before = whole.corpus.playlist(whole.corpus.playlist_index(pids[row]))
        assert uris(training, training.playlist(row)) == uris(whole.corpus, before)


def test_the_validation_part_asks_the_same(made: tuple[Path, Made]) -> None:
    data = made[1].data
    assert data.split.kind == "continuation"
    assert data.split.counts()["test"] == data.split.counts()["test_seeds"] == 0
    evaluation_set = data.split.evaluation_set(data.corpus, "valid")
    distinct, firsts = Counter(), 0
    assert evaluation_set.titles is not None
    for i, row in enumerate(evaluation_set.playlists.tolist()):
        seeds = set(evaluation_set.seeds[slice(*evaluation_set.seed_offsets[i : i + 2])].tolist())
        order = list(dict.fromkeys(data.corpus.playlist(row).tolist()))
        firsts += seeds == set(order[: len(seeds)])
        distinct[len(seeds), evaluation_set.titles[i] != ""] += 1
        assert len(order) > len(seeds)
    assert distinct == Counter(
        {(n, True): N_EACH for n in (0, 1)}
        | {(n, titled): N_EACH for n in (5, 10) for titled in (True, False)}
        | {(n, True): 2 * N_EACH for n in (25, 100)}
    )
    assert firsts == 8 * N_EACH
    entries = np.bincount(data.corpus.entry_playlist[data.split.mask(VALID, VALID_SEED)])
    assert np.count_nonzero(entries) == len(evaluation_set), "a playlist is in one part with all it holds"


def test_the_same_seed_gives_the_same_and_another_does_not(
    whole: Data, made: tuple[Path, Made], tmp_path: Path
) -> None:
    again = make_challenge(whole, tmp_path / "again", per_scenario=N_EACH)
    assert again.challenge.playlists == made[1].challenge.playlists
    assert again.truth == made[1].truth
    assert again.data.split.fingerprint == made[1].data.split.fingerprint
    other = make_challenge(whole, tmp_path / "other", per_scenario=N_EACH, seed=1)
    assert {p.pid for p in other.challenge.playlists} != {p.pid for p in made[1].challenge.playlists}


def small(n: int = 60, names: list[str | None] | None = None) -> Data:
    rng = np.random.default_rng(2)
    lists = [[f"t{t}" for t in rng.choice(40, size=rng.integers(3, 15))] for _ in range(n)]
    corpus = Corpus.from_lists(lists, {f"t{t}": f"a{t % 7}" for t in range(40)})
    if names is not None:
        corpus = replace(corpus, playlists=corpus.playlists.append_column("name", pa.array(names, pa.string())))
    return Data.of(corpus, split_edges(corpus))


@pytest.mark.parametrize("names", [None, [None] * 60, [" "] * 60])
def test_without_titles_there_is_no_title_only(names: list[str | None] | None, tmp_path: Path) -> None:
    reported: list[Event] = []
    found = make_challenge(small(names=names), tmp_path / "set", on_event=reported.append)
    warnings = [event.text for event in reported if event.kind == "warning"]
    assert warnings[0] == "no playlist has a title: there is no 'title only', and the others show none"
    assert "0 for 'title, first 25', 0 for 'title, random 25'" in warnings[1]
    assert "title only" not in warnings[1]
    assert set(found.counts()) == {"title, first 1", "title, first 5", "first 5", "title, first 10", "first 10"}
    assert all(playlist.name is None for playlist in found.challenge.playlists)


def test_only_playlists_with_a_title_are_asked_by_title(tmp_path: Path) -> None:
    names = [f"list {i}" if i % 3 == 0 else None for i in range(60)]
    found = make_challenge(small(names=names), tmp_path / "set")
    for playlist, truth in zip(found.challenge.playlists, found.truth.playlists):
        assert playlist.name == (names[int(playlist.pid)] if truth.scenario.startswith("title") else None)


def test_drawn_playlists_are_long_enough_when_others_are_gone() -> None:
    """Every playlist shares its tracks with one other alone: drawing one makes the other's tracks unknown."""
    pairs = [[f"t{pair}-{i}" for i in range(6)] for pair in range(100) for _ in range(2)]
    corpus = Corpus.from_lists(pairs)
    for seed in range(5):
        assigned = draw(corpus, None, 10, np.random.Generator(np.random.PCG64(seed)))
        drawn = np.flatnonzero(assigned != TRAINING)
        assert len(drawn) == 30, "first 1 and twice first 5"
        assert (assigned[drawn ^ 1] == TRAINING).all()


def test_few_long_playlists_are_shared_out() -> None:
    rng = np.random.default_rng(0)
    lists = [[f"t{t}" for t in rng.choice(150, size=120 if i < 8 else 20, replace=False)] for i in range(200)]
    assigned = draw(Corpus.from_lists(lists), None, 5, np.random.Generator(np.random.PCG64(0)))
    assert np.bincount(assigned[assigned != TRAINING]).tolist() == [0, 5, 5, 5, 5, 5, 0, 0, 4, 4]


def test_what_make_refuses(whole: Data, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"per_scenario must be from 1 to 5: a fortieth of the playlists \(got 6\)"):
        make_challenge(whole, tmp_path / "set", per_scenario=6)
    with pytest.raises(ConfigError, match=r"seed must be at least 0"):
        make_challenge(whole, tmp_path / "set", seed=-1)
    with pytest.raises(DataError, match=r"needs at least 40 playlists \(in memory has 39\)"):
        make_challenge(small(39), tmp_path / "set")
    alone = Corpus.from_lists([[f"{i}", f"{i}b"] for i in range(50)])
    with pytest.raises(DataError, match="shares two tracks"):
        make_challenge(Data.of(alone, split_edges(alone)), tmp_path / "set")
    comma = Corpus.from_lists([["a,b", "c"]] * 50)
    with pytest.raises(DataError, match="the id 'a,b' cannot stand in a submission"):
        make_challenge(Data.of(comma, split_edges(comma)), tmp_path / "set")
    (tmp_path / "set" / "mine").mkdir(parents=True)
    with pytest.raises(DataError, match="exists: choose another folder"):
        make_challenge(whole, tmp_path / "set")
    assert [path.name for path in (tmp_path / "set").iterdir()] == ["mine"]
