"""The Corpus: its arrays, what it refuses, subsets, tables, saving and loading."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playlistrec.corpus.corpus import Corpus
from playlistrec.corpus.files import FILES
from playlistrec.errors import DataError

LISTS = st.lists(st.lists(st.sampled_from("abcdef"), max_size=6), min_size=1, max_size=6)
ARTISTS = {"a": "X", "b": "X", "c": "Y", "d": "Z"}


def small() -> Corpus:
    return Corpus.from_lists([["a", "b", "a"], [], ["c", "d", "e"]], ARTISTS)


def as_names(corpus: Corpus) -> dict[str, list[tuple[str, str | None]]]:
    """Playlists by pid, as lists of (track uri, artist uri): what must survive any renumbering."""
    uris, artists = corpus.track_table["uri"].to_pylist(), corpus.artists["uri"].to_pylist()
    artist = [artists[a] if a >= 0 else None for a in corpus.track_artist]
    return {
        pid: [(uris[t], artist[t]) for t in corpus.playlist(row)]
        for row, pid in enumerate(corpus.playlists["pid"].to_pylist())
    }


def test_from_lists_numbers_by_first_appearance_and_keeps_duplicates_and_order():
    corpus = small()
    assert (corpus.n_playlists, corpus.n_tracks, corpus.n_artists, corpus.n_entries) == (3, 5, 3, 6)
    assert [corpus.playlist(p).tolist() for p in range(3)] == [[0, 1, 0], [], [2, 3, 4]]
    assert corpus.lengths.tolist() == [3, 0, 3]
    assert corpus.entry_playlist.tolist() == [0, 0, 0, 2, 2, 2]
    assert corpus.track_artist.tolist() == [0, 0, 1, 2, -1]
    assert corpus.artist_names().to_pylist() == ["X", "X", "Y", "Z", None]


@settings(max_examples=50, deadline=None)
@given(lists=LISTS)
def test_pairs_and_matrix_hold_each_pair_once(lists):
    corpus = Corpus.from_lists(lists)
    number = {uri: i for i, uri in enumerate(corpus.track_table["uri"].to_pylist())}
    expected = sorted({(p, number[uri]) for p, uris in enumerate(lists) for uri in uris})
    assert list(zip(*(array.tolist() for array in corpus.pairs))) == expected
    dense = np.zeros((len(lists), corpus.n_tracks))
    for p, t in expected:
        dense[p, t] = 1
    assert np.array_equal(corpus.matrix.toarray(), dense)


@pytest.mark.parametrize(
    ("offsets", "tracks", "message"),
    [
        ([0, 1], [0, 1], "offsets must be 3, one more than playlists"),
        ([0, 1, 1], [0, 1], "offsets must rise from 0 to the number of entries"),
        ([1, 1, 2], [0, 1], "offsets must rise from 0 to the number of entries"),
        ([0, 2, 1], [0], "offsets must rise from 0 to the number of entries"),
        ([0, 1, 2], [0, 2], r"tracks must lie in 0\.\.1 \(got 2\)"),
        ([0, 1, 2], [-1, 0], r"tracks must lie in 0\.\.1"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(offsets, tracks, message):
    good = Corpus.from_lists([["a"], ["b"]])
    with pytest.raises(DataError, match=message):
        dataclasses.replace(good, offsets=np.array(offsets, dtype=np.int64), tracks=np.array(tracks, dtype=np.int32))


def test_a_corpus_cannot_be_changed():
    corpus = small()
    for array in (corpus.offsets, corpus.tracks, corpus.playlist(0)):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        corpus.tracks = np.zeros(6, dtype=np.int32)  # type: ignore[misc]


@settings(max_examples=60, deadline=None)
@given(lists=LISTS, data=st.data())
def test_where_keeps_the_nodes_and_drops_entries(lists, data):
    corpus = Corpus.from_lists(lists, ARTISTS)
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=corpus.n_entries, max_size=corpus.n_entries)), bool)
    fewer = corpus.where(mask)
    kept = iter(mask.tolist())
    expected = [[uri for uri in uris if next(kept)] for uris in lists]
    assert [[uri for uri, _ in entries] for entries in as_names(fewer).values()] == expected
    assert fewer.vocabulary_hash == corpus.vocabulary_hash


@settings(max_examples=60, deadline=None)
@given(lists=LISTS, data=st.data())
def test_subset_drops_nodes_and_renumbers_the_rest(lists, data):
    corpus = Corpus.from_lists(lists, ARTISTS)

    def draw(n: int) -> np.ndarray:
        return np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)), dtype=bool)

    playlists, tracks = draw(corpus.n_playlists), draw(corpus.n_tracks)
    smaller, kept = corpus.subset(playlists, tracks)
    uris = {uri for uri, keep in zip(corpus.track_table["uri"].to_pylist(), tracks) if keep}
    expected = {
        pid: [(uri, artist) for uri, artist in entries if uri in uris]
        for (pid, entries), keep in zip(as_names(corpus).items(), playlists)
        if keep
    }
    assert as_names(smaller) == expected
    assert smaller.track_table["uri"].to_pylist() == [u for u in corpus.track_table["uri"].to_pylist() if u in uris]
    assert set(smaller.artists["uri"].to_pylist()) == {ARTISTS[uri] for uri in uris if uri in ARTISTS}
    assert kept.tolist() == [bool(playlists[p] and tracks[t]) for p, t in zip(corpus.entry_playlist, corpus.tracks)]


def test_subset_that_keeps_all_changes_nothing():
    corpus = small()
    same, kept = corpus.subset(np.ones(3, dtype=bool), np.ones(5, dtype=bool))
    assert kept.all()
    assert as_names(same) == as_names(corpus)
    assert same.vocabulary_hash == corpus.vocabulary_hash


def test_a_mask_of_another_shape_is_refused():
    with pytest.raises(DataError, match=r"the mask must have shape \(6,\) \(got \(5,\)\)"):
        small().where(np.ones(5, dtype=bool))


def test_rows_are_found_by_id():
    corpus = small()
    assert corpus.playlist_index("2") == corpus.playlist_index(2) == 2
    assert corpus.track_index("d") == 3
    with pytest.raises(DataError, match=r"^there is no playlist '7' in this data \(its playlists are 0, 1, 2, …\)$"):
        corpus.playlist_index("7")
    with pytest.raises(DataError, match=r"^there is no track 'zz' in this data$"):
        corpus.track_index("zz")


def test_vocabulary_hash_tells_ids_apart_and_nothing_else():
    corpus = small()
    assert corpus.vocabulary_hash == small().vocabulary_hash

    def with_uris(*uris: str) -> str:
        return Corpus.from_lists([list(uris)]).vocabulary_hash

    assert (
        len(
            {
                with_uris("ab"),
                with_uris("a", "b"),
                with_uris("b", "a"),
                with_uris("a", "bc"),
                with_uris("ab", "c"),
            }
        )
        == 5
    )
    renamed = dataclasses.replace(corpus, artists=corpus.artists.set_column(1, "name", pa.array(["1", "2", "3"])))
    assert renamed.vocabulary_hash == corpus.vocabulary_hash
    other_artist = dataclasses.replace(corpus, artists=corpus.artists.set_column(0, "uri", pa.array(["X", "Y", "W"])))
    assert other_artist.vocabulary_hash != corpus.vocabulary_hash


def test_vocabulary_hash_does_not_depend_on_chunks_or_non_ascii():
    corpus = Corpus.from_lists([["ä", "🌴", "a"]])
    table = corpus.track_table
    chunked = dataclasses.replace(corpus, track_table=pa.concat_tables([table.slice(0, 1), table.slice(1)]))
    assert chunked.track_table["uri"].num_chunks == 2
    assert chunked.vocabulary_hash == corpus.vocabulary_hash
    assert np.array_equal(chunked.track_artist, corpus.track_artist)


def test_frames_are_the_tables():
    corpus = small()
    tracks = corpus.frame("tracks")
    assert tracks["uri"].tolist() == ["a", "b", "c", "d", "e"]
    assert tracks["artist"].dtype == pd.Int32Dtype()
    assert tracks["artist"].isna().tolist() == [False, False, False, False, True]
    assert corpus.frame("playlists")["pid"].tolist() == ["0", "1", "2"]
    assert corpus.frame("artists")["name"].tolist() == ["X", "Y", "Z"]
    with pytest.raises(DataError, match=r"^table must be one of playlists, tracks, artists \(got 'albums'\)$"):
        corpus.frame("albums")


def test_save_and_load_give_the_same_corpus(tmp_path):
    corpus = small()
    corpus.save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(FILES)
    loaded = Corpus.load(tmp_path)
    assert as_names(loaded) == as_names(corpus)
    assert loaded.vocabulary_hash == corpus.vocabulary_hash
    assert loaded.track_table.schema.equals(corpus.track_table.schema)
    assert (loaded.offsets.dtype, loaded.tracks.dtype) == (np.int64, np.int32)
    with pytest.raises(ValueError, match="read-only"):
        loaded.tracks[0] = 1


@pytest.mark.parametrize("name", FILES)
def test_load_names_a_missing_file(tmp_path, name):
    small().save(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(DataError, match=rf"is not a data folder: {name} is missing$"):
        Corpus.load(tmp_path)


def halve(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize(
    "damage", [halve, lambda path: path.write_bytes(b""), lambda path: path.write_bytes(b"nonsense")]
)
@pytest.mark.parametrize("name", FILES)
def test_load_refuses_a_damaged_file_in_one_line(tmp_path, name, damage):
    small().save(tmp_path)
    damage(tmp_path / name)
    with pytest.raises(DataError, match=r"is damaged: [^\n]+$"):
        Corpus.load(tmp_path)


def test_load_refuses_files_that_do_not_belong_together(tmp_path):
    small().save(tmp_path)
    pq.write_table(Corpus.from_lists([["a"]]).track_table, tmp_path / "tracks.parquet")
    with pytest.raises(DataError, match="tracks must lie in"):
        Corpus.load(tmp_path)


def test_load_never_unpickles(tmp_path):
    small().save(tmp_path)
    np.savez(tmp_path / "other.npz", offsets=np.array([{}], dtype=object), tracks=np.zeros(0, dtype=np.int32))
    shutil.move(tmp_path / "other.npz", tmp_path / "entries.npz")
    with pytest.raises(DataError, match="is damaged: offsets must hold numbers or text"):
        Corpus.load(tmp_path)
