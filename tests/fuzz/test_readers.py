"""Every reader on mutations of valid inputs: success or one of our errors, one line of it, in bounded time.

Run any number with ``FUZZ_CASES=10000 pytest tests/fuzz``.
"""

from __future__ import annotations

import gzip
import io
import json
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from mutation import CASES, mutated

import playlistrec as pr
from playlistrec.challenge.make import make_challenge
from playlistrec.challenge.submission import write_submission
from playlistrec.challenge.verify import verify
from playlistrec.corpus.sources.read import read
from playlistrec.errors import PlaylistrecError
from playlistrec.experiment.presets import preset_named
from playlistrec.serving.batch import Batch
from playlistrec.serving.recommender import RecommendOptions

pytestmark = pytest.mark.slow

SECONDS = 20
"""A case may take, on a busy machine."""
Reader = Callable[[bytes, Path], object]

CSV = b"playlist_id,track_id,track_name,artist_name\n" + b"".join(
    b"p%d,t%d,Song %d,Artist %d\n" % (i % 7, i % 11, i % 11, i % 4) for i in range(60)
)
M3U = b"#EXTM3U\n#PLAYLIST:Mine\n" + b"".join(
    b"#EXTINF:%d,Artist %d - Song %d\nmusic/artist%d/song%d.mp3\n" % (100 + i, i % 4, i, i % 4, i) for i in range(20)
)
XSPF = (
    b'<?xml version="1.0"?><playlist version="1" xmlns="http://xspf.org/ns/0/"><trackList>'
    + b"".join(b"<track><title>Song %d</title><creator>Artist %d</creator></track>" % (i, i % 4) for i in range(20))
    + b"</trackList></playlist>"
)
TOML = b'model = "mf"\nfound = "by hand"\n[options]\nlr = 0.02\nlayers = 2\nloss = "bpr"\n'
LINES = b"".join(json.dumps({"id": i, "tracks": [f"t{i}"], "k": 5}).encode() + b"\n" for i in range(8))


@pytest.fixture(scope="module")
def base(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder ``d``, runs and a challenge."""
    out = tmp_path_factory.mktemp("fuzz")
    shutil.copytree(data_folder, out / "d")
    pr.fit(out / "d", "itemknn", out / "itemknn")
    pr.fit(out / "d", "mf", out / "mf", options={"epochs": 1, "dim": 4}, preset="none")
    made = make_challenge(out / "d", out / "set", per_scenario=1)
    uris = made.data.corpus.track_table["uri"].to_pylist()
    answers = {str(one.pid): uris[:500] for one in made.challenge.playlists}
    write_submission(out / "s.csv", answers, "team", "a@example.org")
    return out


def source(name: str) -> Reader:
    def reader(content: bytes, folder: Path) -> object:
        (folder / name).write_bytes(content)
        return read(folder / name, workers=1)

    return reader


def within(base: Path, what: str, name: str) -> tuple[bytes, Reader]:
    """The reader of a folder of which one file is mutated, its checksum made right."""

    def reader(content: bytes, folder: Path) -> object:
        shutil.copytree(base / what, folder / what)
        (folder / what / name).write_bytes(content)
        if what != "d" and name != "run.json":
            info = json.loads((folder / what / "run.json").read_text())
            (folder / what / "run.json").write_text(json.dumps({**info, "files": {}}))
        if what == "d":
            return pr.Data.load(folder / what)
        return pr.Run.load(folder / what, data=base / "d").evaluate("valid", k=[5])

    return (base / what / name).read_bytes(), reader


def preset(content: bytes, folder: Path) -> object:
    (folder / "p.toml").write_bytes(content)
    return preset_named(str(folder / "p.toml"), "mf")


def challenge(base: Path, name: str) -> Reader:
    def reader(content: bytes, folder: Path) -> object:
        for file in ("set/challenge_set.json", "s.csv"):
            shutil.copy(base / file, folder / Path(file).name)
        (folder / name).write_bytes(content)
        return verify(folder / "s.csv", folder / "challenge_set.json")

    return reader


def target(name: str, base: Path, slices: Path) -> tuple[bytes, Reader]:
    """A valid input and what reads it."""
    piece = json.loads(next(slices.glob("*.json")).read_bytes())["playlists"][:20]
    text = json.dumps({"playlists": piece}).encode()
    if name == "batch lines":
        service = pr.Run.load(base / "itemknn", data=base / "d").service()
        return LINES, lambda content, folder: list(
            Batch(service, RecommendOptions()).results(io.BytesIO(content), lambda _: None)
        )
    targets: dict[str, tuple[bytes, Reader]] = {
        "slice": (text, source("mpd.slice.0-19.json")),
        "gzipped slice": (gzip.compress(text), source("mpd.slice.0-19.json.gz")),
        "csv": (CSV, source("x.csv")),
        "m3u": (M3U, source("x.m3u")),
        "xspf": (XSPF, source("x.xspf")),
        "adjacency": (b"".join(b"%d %d %d\n" % (i, i % 5, i % 7) for i in range(40)), source("x.txt")),
        "preset": (TOML, preset),
        "challenge set": ((base / "set" / "challenge_set.json").read_bytes(), challenge(base, "challenge_set.json")),
        "submission": ((base / "s.csv").read_bytes(), challenge(base, "s.csv")),
        "manifest": within(base, "d", "manifest.json"),
        "run.json": within(base, "itemknn", "run.json"),
        "itemknn weights": within(base, "itemknn", "weights.npz"),
        "mf weights": within(base, "mf", "weights.npz"),
    }
    return targets[name]


TARGETS = (
    "slice",
    "gzipped slice",
    "csv",
    "m3u",
    "xspf",
    "adjacency",
    "preset",
    "challenge set",
    "submission",
    "manifest",
)
TARGETS += ("run.json", "itemknn weights", "mf weights", "batch lines")


@pytest.fixture
def limited() -> Iterator[None]:
    def late(number: int, frame: object) -> None:
        raise TimeoutError("a case took too long")

    before = signal.signal(signal.SIGALRM, late)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("name", TARGETS)
def test_an_error_of_ours_or_success(name: str, base: Path, slices: Path, tmp_path: Path, limited: None) -> None:
    content, reader = target(name, base, slices)
    counts = {"read": 0, "refused": 0}
    for seed in range(CASES):
        folder = tmp_path / str(seed)
        folder.mkdir()
        signal.alarm(SECONDS)
        try:
            reader(mutated(content, seed), folder)
            counts["read"] += 1
        except PlaylistrecError as error:
            counts["refused"] += 1
            assert "\n" not in str(error), seed  # noqa: PT017
        except Exception as error:
            raise AssertionError(f"case {seed} of {name}: {type(error).__name__}: {error}") from error
        finally:
            signal.alarm(0)
            shutil.rmtree(folder)
    print(f"{name}: {counts}")  # noqa: T201 - the table of docs/trust.md
    assert sum(counts.values()) == CASES
