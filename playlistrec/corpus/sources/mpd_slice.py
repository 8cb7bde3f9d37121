"""One slice of the Million Playlist Dataset into Arrow columns. Worker processes import this and little else."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from operator import attrgetter
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ...errors import DataError
from ..vocabulary import TRACK_SCHEMA, Vocabulary
from .json_errors import in_words
from .slice_file import SliceFile

__all__ = ["PLAYLIST_SCHEMA", "Decoder", "Piece", "decoded_alone", "send_all"]

PLAYLISTS_A_PIECE = 1000  # bounds the Python objects alive at a time where one file holds many

PLAYLIST_SCHEMA = pa.schema(
    {
        "name": pa.string(),
        "description": pa.string(),
        "collaborative": pa.bool_(),
        "modified_at": pa.int64(),
        "num_followers": pa.int64(),
        "num_edits": pa.int64(),
    }
)

Int64 = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]


class Track(msgspec.Struct, gc=False):
    """An entry of a playlist, as the file has it."""

    track_uri: str | None
    track_name: str | None = None
    artist_uri: str | None = None
    artist_name: str | None = None
    album_uri: str | None = None
    album_name: str | None = None
    isrc: str | None = None
    duration_ms: Int64 | None = None
    pos: Int64 | None = None


class Playlist(msgspec.Struct, gc=False):
    """A playlist, as the file has it."""

    pid: Int64
    tracks: list[Track | None]
    name: str | None = None
    description: str | None = None
    collaborative: bool | Literal["true", "false"] | None = None
    modified_at: Int64 | None = None
    num_followers: Int64 | None = None
    num_edits: Int64 | None = None


class Envelope(msgspec.Struct):
    """A slice, its playlists still text."""

    playlists: list[msgspec.Raw]


ENVELOPE = msgspec.json.Decoder(Envelope)
PLAYLIST = msgspec.json.Decoder(Playlist)


@dataclass(frozen=True, eq=False)
class Piece:
    """Some playlists in a row, their tracks numbered as their decoder first met them.

    Attributes:
        pids: (n_playlists,) int64.
        lengths: (n_playlists,) entries of each.
        entries: (n_entries,) int32 numbers of the tracks.
        playlists: table of ``PLAYLIST_SCHEMA``.
        tracks: table of ``TRACK_SCHEMA`` with the tracks that no earlier piece had, by number.
        n_null: entries of the playlists that named no track, and are not among these.
        n_before: tracks that earlier pieces had, the number of the first in ``tracks``.
    """

    pids: npt.NDArray[np.int64]
    lengths: npt.NDArray[np.int64]
    entries: npt.NDArray[np.int32]
    playlists: pa.Table
    tracks: pa.Table
    n_before: int
    n_null: int = 0

    def head(self, n: int) -> Piece:
        """The first ``n`` playlists and their tracks."""
        entries = self.entries[: self.lengths[:n].sum()]
        n_new = max(0, int(entries.max(initial=-1)) + 1 - self.n_before)
        return Piece(
            self.pids[:n],
            self.lengths[:n],
            entries,
            self.playlists[:n],
            self.tracks[:n_new],
            self.n_before,
            self.n_null,
        )


class Decoder:
    """Turns slices into pieces, and tells what is known of a track once, in the first piece that has it."""

    def __init__(self) -> None:
        self._tracks = Vocabulary()

    def decode(self, file: SliceFile, limit: int | None = None) -> Iterator[Piece]:
        """The playlists of a slice (the first ``limit``), a piece at a time.

        Raises DataError naming the file, and the playlist and field, that are not as the format has them.
        """
        data = file.read()
        try:
            raws = ENVELOPE.decode(data).playlists
        except msgspec.ValidationError as error:
            raise DataError(f"{file.name}: {in_words(str(error), 'the file')}") from None
        except (msgspec.DecodeError, RecursionError) as error:
            if "truncated" in str(error):
                raise DataError(
                    f"{file.name} is cut off: it ends in the middle of a record, after {len(data):,} bytes"
                ) from None
            raise DataError(f"{file.name} is not JSON: {str(error).rpartition(': ')[2]}") from None
        for start in range(0, len(raws[:limit]), PLAYLISTS_A_PIECE):
            stop = min(start + PLAYLISTS_A_PIECE, len(raws[:limit]))
            yield self._columns([_playlist(file, raws, i) for i in range(start, stop)])

    def _columns(self, playlists: Sequence[Playlist]) -> Piece:
        lists = [_whole(playlist) for playlist in playlists]
        tracks = [track for kept in lists for track in kept]
        n_before = len(self._tracks)
        entries = self._tracks.number([track.track_uri for track in tracks])
        new = np.flatnonzero(entries >= n_before)
        first = np.empty(len(self._tracks) - n_before, dtype=np.int64)
        first[entries[new[::-1]] - n_before] = new[::-1]  # the last assignment stands: the first appearance
        chosen = [tracks[i] for i in first.tolist()]
        fields = {"uri": "track_uri", "name": "track_name"}
        columns: dict[str, list[Any]] = {name: list(map(attrgetter(name), playlists)) for name in PLAYLIST_SCHEMA.names}
        flags = columns["collaborative"]
        columns["collaborative"] = [None if flag is None else flag in (True, "true") for flag in flags]
        return Piece(
            pids=np.array([playlist.pid for playlist in playlists], dtype=np.int64),
            lengths=np.array(list(map(len, lists)), dtype=np.int64),
            entries=entries,
            playlists=pa.table(columns, schema=PLAYLIST_SCHEMA),
            tracks=pa.table(
                {name: list(map(attrgetter(fields.get(name, name)), chosen)) for name in TRACK_SCHEMA.names},
                schema=TRACK_SCHEMA,
            ),
            n_before=n_before,
            n_null=sum(len(playlist.tracks) for playlist in playlists) - len(tracks),
        )


def decoded_alone(limit: int | None, file: SliceFile) -> Iterator[list[Piece]]:
    """The pieces of a slice from a decoder of its own, so that any process can do it, and do it again."""
    yield list(Decoder().decode(file, limit))


def send_all(files: Sequence[SliceFile], limit: int | None, sender: Connection) -> None:
    """Send the pieces of each slice, a list a slice, or the error that ends the work: what a worker process does."""
    gc.disable()  # a slice is a great many objects without a cycle among them
    decoder = Decoder()
    with suppress(BrokenPipeError):  # nobody reads on
        try:
            for file in files:
                sender.send(list(decoder.decode(file, limit)))
        except DataError as error:
            sender.send(error)


def _playlist(file: SliceFile, raws: Sequence[msgspec.Raw], index: int) -> Playlist:
    try:
        playlist = PLAYLIST.decode(raws[index])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        where = f"{file.name}, playlist {index + 1} of {len(raws)}{_pid(raws[index])}"
        if isinstance(error, msgspec.ValidationError):
            raise DataError(f"{where}: {in_words(str(error), 'the playlist')}") from None
        raise DataError(f"{where}: it holds text that is not Unicode") from None
    return playlist


def _whole(playlist: Playlist) -> list[Track]:
    """The tracks of a playlist without null ones, in the order of their ``pos`` where every track has one."""
    tracks = [track for track in playlist.tracks if track is not None and track.track_uri]
    order = [track.pos for track in tracks]
    if order != list(range(len(order))) and None not in order:
        tracks.sort(key=attrgetter("pos"))
    return tracks


def _pid(raw: msgspec.Raw) -> str:
    """``" (pid 7)"`` where it can be recovered from a playlist that cannot be taken."""
    try:
        pid = msgspec.json.decode(raw, type=dict[str, Any])["pid"]
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError):
        return ""
    return f" (pid {repr(pid)[:40]})"
