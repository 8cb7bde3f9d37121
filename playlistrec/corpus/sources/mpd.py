"""The Spotify Million Playlist Dataset and copies of it: slices into a Corpus, in several processes."""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
import threading
from collections import defaultdict
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ...errors import DataError, Hint
from ...events import Event
from ...processes import start
from ..corpus import Corpus
from ..vocabulary import Catalogue, drop_unknown
from .formats import Each, Format, Place, Request, suffix
from .mpd_files import find_slices, is_called_slice, whole_ones
from .mpd_slice import Decoder, Piece, decoded_alone, send_all
from .slice_file import SliceFile

__all__ = ["FORMAT"]

LIKE_A_SLICE = re.compile(r'\s*\{[^\[]*"playlists"\s*:\s*\[\s*(\]|\{[^{\[]*"pid")', re.DOTALL)
FRESH = -1  # a decoder of one slice alone
SMALL = 32 * 2**20  # bytes; below it starting processes takes longer than reading


def _recognises(place: Place) -> bool:
    """True for slices by their name, and for JSON that begins as one does, where no table or ratings lie beside it."""
    named = [file for source in place.sources for file in find_slices(source)[0] if is_called_slice(file)]
    if named:
        return True
    texts = [path for path in place.files if suffix(path) == ".json"]
    return bool(texts) and len(texts) == len(place.files) and all(LIKE_A_SLICE.match(place.head(p)) for p in texts)


def _read(request: Request) -> tuple[Corpus, None]:
    """Read slices. The outcome does not depend on the number of ``workers``; see :func:`~.read.read`."""
    limit, workers, renumber, on_event = request.limit, request.workers, request.renumber, request.on_event
    files, others = _all_slices(request.place.sources)
    source = request.place.sources[0]
    if not files:
        raise DataError(f"{source} holds no slices (*.json, *.json.gz){_found(others)}")
    files = whole_ones(files, on_event)
    if others:
        text = f"skipped {len(others)} other file{'s' * (len(others) > 1)} in {source.name}"
        on_event(Event("message", text, {"skipped": others}))
    catalogue = Catalogue()
    pids: list[npt.NDArray[np.int64]] = []
    lengths: list[npt.NDArray[np.int64]] = []
    entries: list[npt.NDArray[np.int32]] = []
    playlists: list[pa.Table] = []
    taken: dict[int, int] = {}
    rows: defaultdict[int, npt.NDArray[np.int32]] = defaultdict(lambda: np.empty(0, dtype=np.int32))
    left, n_null = limit, 0
    with closing(_decoded(files, limit, workers, request.each)) as slices:
        for number, (decoder, pieces) in enumerate(slices):
            rows.pop(FRESH, None)
            for piece in pieces:
                taking = piece if left is None else piece.head(left)
                if not renumber:
                    _claim(taking.pids.tolist(), number, taken, files)
                pids.append(taking.pids)
                lengths.append(taking.lengths)
                n_null += taking.n_null
                rows[decoder] = np.concatenate([rows[decoder], catalogue.add(taking.tracks)])
                entries.append(rows[decoder][taking.entries])
                playlists.append(taking.playlists)
                left = None if left is None else left - len(taking.pids)
            progress = {"done": number + 1, "total": len(files)}
            on_event(Event("progress", f"read {files[number].name}", progress))
            if left == 0:
                break
    if n_null:
        what = "1 entry that names" if n_null == 1 else f"{n_null:,} entries that name"
        on_event(Event("warning", f"left out {what} no track (null)", {"left_out": n_null}))
    n = sum(map(len, pids))
    if not n:
        raise DataError(f"{source} holds no playlists")
    names = pa.array(np.arange(n) if renumber else np.concatenate(pids)).cast(pa.string())
    table = drop_unknown(pa.concat_tables(playlists).combine_chunks(), ())
    ordered = pa.array(np.ones(n, dtype=bool))
    tracks, artists = catalogue.tables()
    corpus = Corpus(
        offsets=np.concatenate([[0], np.cumsum(np.concatenate(lengths))]).astype(np.int64),
        tracks=np.concatenate(entries),
        playlists=table.add_column(0, "pid", names).append_column("ordered", ordered),
        track_table=tracks,
        artists=artists,
    )
    return corpus, None


FORMAT = Format("mpd", _recognises, _read, frozenset({"each"}))


def _all_slices(sources: Sequence[Path]) -> tuple[list[SliceFile], list[str]]:
    found = [find_slices(source) for source in sources]
    return [file for files, _ in found for file in files], [name for _, others in found for name in others]


def _found(names: Sequence[str]) -> str:
    return f"; found {', '.join(names[:3])}{', …' * (len(names) > 3)}" if names else "; it is empty"


def _claim(pids: Sequence[int], number: int, taken: dict[int, int], files: Sequence[SliceFile]) -> None:
    """Note that slice ``number`` has these pids; raises DataError for one that was met before."""
    for pid in pids:
        if pid in taken:
            first, second = files[taken[pid]].name, files[number].name
            where = f"twice in {first}" if taken[pid] == number else f"in {first} and in {second}"
            raise DataError(
                f"pid {pid} stands {where}", Hint("number the playlists anew with {renumber}", {"renumber": True})
            )
        taken[pid] = number


@contextmanager
def _ignoring_interrupts() -> Iterator[None]:
    """Within this block Ctrl-C is ignored, and by the processes that begin here for good."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _decoded(
    files: Sequence[SliceFile], limit: int | None, workers: int | None, each: Each | None
) -> Generator[tuple[int, Iterable[Piece]], None, None]:
    """The pieces of each slice, in order, with the number of the decoder whose track numbers they have."""
    if each is not None:
        yield from ((FRESH, pieces) for _, pieces in each(partial(decoded_alone, limit), files))
        return
    if workers is None:
        size = sum(path.stat().st_size for path in {file.path for file in files})
        workers = 1 if size < SMALL else _usable_cores()
    workers = min(workers, len(files))
    if workers == 1:
        decoder = Decoder()
        yield from ((0, decoder.decode(file, limit)) for file in files)
        return
    # Spawned, since a fork would copy the locks of whatever threads torch or Arrow have started. Each takes every
    # so many-th slice, so that its pieces come in order, and waits at its pipe until they are taken.
    context = multiprocessing.get_context("spawn")
    started = []
    try:
        for worker in range(workers):
            receiver, sender = context.Pipe(duplex=False)
            process = context.Process(target=send_all, args=(files[worker::workers], limit, sender), daemon=True)
            with _ignoring_interrupts():  # the parent gets them, and ends the workers
                start(process)
            sender.close()
            started.append((receiver, process))
        for number in range(len(files)):
            decoder_number = number % workers
            decoded = started[decoder_number][0].recv()
            if isinstance(decoded, DataError):
                raise decoded
            yield decoder_number, decoded
    except EOFError:
        raise DataError(
            "a process that read slices died, likely for lack of memory; one worker reads without other processes"
        ) from None
    finally:
        for receiver, process in started:
            receiver.close()
            process.terminate()
            process.join()


def _usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
