"""One slice of the Million Playlist Dataset into Arrow columns. Worker processes import this file alone."""

from __future__ import annotations

import gc
import gzip
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from operator import attrgetter
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ...errors import DataError
from ..vocabulary import TRACK_SCHEMA, Vocabulary
from .json_errors import in_words

__all__ = ["PLAYLIST_SCHEMA", "Decoder", "Piece", "SliceFile", "send_all"]

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

    track_uri: Annotated[str, msgspec.Meta(min_length=1)]
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
    tracks: list[Track]
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


@dataclass(frozen=True)
class SliceFile:
    """The path of a slice: a file, gzipped or not, or a member of a ``.zip``."""

    path: Path
    member: str | None = None

    @property
    def name(self) -> str:
        """The slice's name in messages."""
        return self.path.name if self.member is None else f"{self.path.name}/{self.member}"

    def read(self) -> bytes:
        """The JSON text. Raises DataError when the file is empty, damaged or cannot be read."""
        try:
            if self.member is None:
                data = self.path.read_bytes()
            else:
                with zipfile.ZipFile(self.path) as archive:
                    data = archive.read(self.member)
            if data.startswith(b"\x1f\x8b"):
                data = gzip.decompress(data)
        except EOFError:
            raise DataError(f"{self.name} is cut off: the compressed data ends too early") from None
        except (gzip.BadGzipFile, zipfile.BadZipFile, zlib.error) as error:
            raise DataError(f"{self.name} is damaged: {_first_line(error)}") from None
        except (OSError, RuntimeError, NotImplementedError) as error:
            raise DataError(f"{self.name} cannot be read: {_first_line(error)}") from None
        data = data.removeprefix(b"\xef\xbb\xbf")
        if not data.strip():
            raise DataError(f"{self.name} is empty")
        return data


@dataclass(frozen=True, eq=False)
class Piece:
    """Some playlists in a row, their tracks numbered as their decoder first met them.

    Attributes:
        pids: (n_playlists,) int64.
        lengths: (n_playlists,) entries of each.
        entries: (n_entries,) int32 numbers of the tracks.
        playlists: table of ``PLAYLIST_SCHEMA``.
        tracks: table of ``TRACK_SCHEMA`` with the tracks that no earlier piece had, by number.
        n_before: tracks that earlier pieces had, the number of the first in ``tracks``.
    """

    pids: npt.NDArray[np.int64]
    lengths: npt.NDArray[np.int64]
    entries: npt.NDArray[np.int32]
    playlists: pa.Table
    tracks: pa.Table
    n_before: int

    def head(self, n: int) -> Piece:
        """The first ``n`` playlists and their tracks."""
        entries = self.entries[: self.lengths[:n].sum()]
        n_new = max(0, int(entries.max(initial=-1)) + 1 - self.n_before)
        return Piece(self.pids[:n], self.lengths[:n], entries, self.playlists[:n], self.tracks[:n_new], self.n_before)


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
        _sort(playlists)
        tracks = [track for playlist in playlists for track in playlist.tracks]
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
            lengths=np.array([len(playlist.tracks) for playlist in playlists], dtype=np.int64),
            entries=entries,
            playlists=pa.table(columns, schema=PLAYLIST_SCHEMA),
            tracks=pa.table(
                {name: list(map(attrgetter(fields.get(name, name)), chosen)) for name in TRACK_SCHEMA.names},
                schema=TRACK_SCHEMA,
            ),
            n_before=n_before,
        )


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


def _sort(playlists: Sequence[Playlist]) -> None:
    """Put tracks in the order of their ``pos``, where every track of a playlist has one."""
    for playlist in playlists:
        order = [track.pos for track in playlist.tracks]
        if order != list(range(len(order))) and None not in order:
            playlist.tracks.sort(key=attrgetter("pos"))


def _pid(raw: msgspec.Raw) -> str:
    """``" (pid 7)"`` where it can be recovered from a playlist that cannot be taken."""
    try:
        pid = msgspec.json.decode(raw, type=dict[str, Any])["pid"]
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError):
        return ""
    return f" (pid {repr(pid)[:40]})"


def _first_line(error: BaseException) -> str:
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).splitlines()[0][:120]
