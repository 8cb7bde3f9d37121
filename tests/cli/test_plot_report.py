"""`plot` and `report` as a user meets them, and the page as a browser does."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from calling import call

from playlistrec.challenge.score import score_run
from playlistrec.experiment.data import Data
from playlistrec.experiment.runs import Run
from playlistrec.report.plots.registry import FIGURES
from playlistrec.train.snapshots import read_snapshot, snapshot_epochs, track_vectors

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
MEANS = "Means with 95 % bootstrap intervals over the playlists; time of the fit"
browser = pytest.mark.skipif(CHROMIUM is None and "CI" not in os.environ, reason="there is no chromium here")


@pytest.fixture(scope="module")
def runs(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random against hard negatives, with vectors of epochs kept, and a model that is not trained."""
    folder = tmp_path_factory.mktemp("runs")
    short = ("--preset", "none", "--epochs", 3, "--set", "batch_size=2048", "--set", "eval_every=1", "--set", "lr=0.02")
    kept = ("--set", "snapshot_epochs=0,2")
    hardest = ("--set", "hard_negative_candidates=8")
    call("fit", data_folder, "-m", "lightgcn", "-o", folder / "random", *short, *kept)
    call("fit", data_folder, "-m", "lightgcn", "-o", folder / "hard", *short, *kept, *hardest)
    call("fit", data_folder, "-m", "itemknn", "-o", folder / "itemknn")
    return folder


@pytest.fixture(scope="module")
def written(runs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report on them."""
    out = tmp_path_factory.mktemp("report") / "report.html"
    reported = call("report", runs / "random", runs / "hard", runs / "itemknn", "-o", out).stdout
    assert reported.startswith(f"{out}: ")
    return out


class Page(HTMLParser):
    """Ids, references, open tags, tables by caption, and text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.targets: set[str] = set()
        self.outside: list[str] = []
        self.open: list[str] = []
        self.unnamed: list[str] = []
        self.tables: dict[str, list[list[str]]] = {}
        self._rows: list[list[str]] = []
        self._caption = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        if tag not in ("meta", "link", "br", "input", "use", "path", "rect"):
            self.open.append(tag)
        self.ids += [given["id"] or ""] if "id" in given else []
        for name in ("href", "src", "xlink:href"):
            target = given.get(name) or ""
            if target.startswith("#"):
                self.targets.add(target[1:])
            elif target and not target.startswith("data:"):
                self.outside.append(target)
        self.targets |= set(re.findall(r"url\(#([^)]+)\)", " ".join(value or "" for value in given.values())))
        if tag == "svg" and not given.get("aria-label"):
            self.unnamed.append(str(given))
        if tag == "table":
            self._rows = []
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("th", "td"):
            self._rows[-1].append("")

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attributes)
        if self.open and self.open[-1] == tag:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag == "table":
            self.tables[self._caption] = self._rows
        if tag in self.open:
            assert self.open.pop() == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("th", "td") and self._rows:
            self._rows[-1][-1] += data
        elif self.open[-2:] == ["caption", "span"]:
            self._caption = data


def test_the_page_stands_alone_and_is_well_formed(written: Path) -> None:
    text = written.read_text()
    page = Page(text)
    assert page.outside == [], "nothing is fetched"
    assert not re.search(r"@import|url\((?!#)|https?://(?!www\.w3\.org/)", text)
    assert len(page.ids) == len(set(page.ids)), "no id stands twice"
    assert page.targets <= set(page.ids)
    assert page.unnamed == []
    assert page.open == []
    assert page.tables
    assert written.stat().st_size < 2e6


def test_its_figures_are_those_of_evaluate(written: Path, runs: Path) -> None:
    tables = Page(written.read_text()).tables
    figures = tables["Metrics, mean over the playlists"]
    assert figures[0] == ["metric", "random", "hard", "itemknn"]
    reported = {row[0]: row[1:] for row in figures[1:]}
    for at, name in enumerate(("random", "hard", "itemknn")):
        metrics = json.loads(call("evaluate", runs / name, "--json").stdout)["metrics"]
        for key in ("recall@10", "ndcg@20", "map@10"):
            assert reported[key][at] == f"{metrics[key]:.4f}"
        first = next(row for row in tables[MEANS] if row[0] == name)
        low, high = (float(bound) for bound in re.findall(r"0\.\d+", first[2])[1:])
        assert low < metrics["ndcg@20"] < high
    compared = json.loads(call("compare", *(runs / name for name in ("random", "hard", "itemknn")), "--json").stdout)
    caption = next(caption for caption in tables if caption.startswith("Difference of ndcg@20"))
    for row in tables[caption][1:]:
        model = next(model for model in compared["models"] if Path(model["run"]).name == row[0])
        assert row[1] == f"{model['difference']:+.4f}"
        assert row[3] == f"{model['p']:.4f}"


def test_it_shows_data_training_and_options(written: Path, runs: Path, data_folder: Path) -> None:
    tables = Page(written.read_text()).tables
    counts = dict(tables["Counts, and the parts of the split (edges)"][1:])
    assert counts["entries"] == f"{Data.load(data_folder).corpus.n_entries:,}"
    history = [json.loads(line) for line in (runs / "hard" / "history.jsonl").read_text().splitlines()]
    row = next(row for row in tables["Validation NDCG@20"] if row[0] == "hard")
    assert row[2:4] == [f"{history[0]['ndcg@20']:.4f}", f"{history[-1]['ndcg@20']:.4f}"]
    differ = {row[0]: row[1:] for row in tables["Options in which the runs differ"][1:]}
    assert differ["hard_negative_candidates"] == ["0", "8", ""]
    assert "lr" not in differ


def test_hits_are_marked_and_only_hits(written: Path, data_folder: Path) -> None:
    data = Data.load(data_folder)
    corpus, text = data.corpus, written.read_text()
    evaluation_set = data.split.evaluation_set(corpus, "valid")
    place = {row: at for at, row in enumerate(evaluation_set.playlists.tolist())}
    cards = re.findall(r'<article class="playlist">(.*?)</article>', text)
    assert len(cards) == 4
    for card in cards:
        assert "<p>Seeds: " in card
        pid = re.search(r"Playlist (\d+),", card)
        assert pid is not None
        at = place[corpus.playlist_index(pid[1])]
        truth = corpus.describe(
            evaluation_set.truth[evaluation_set.truth_offsets[at] : evaluation_set.truth_offsets[at + 1]]
        )
        seeds = corpus.describe(
            evaluation_set.seeds[evaluation_set.seed_offsets[at] : evaluation_set.seed_offsets[at + 1]]
        )
        names = {(row["track_name"], row["artist_name"]) for row in truth}
        for item, title, artist in re.findall(r'<li( class="hit")?>(.*?) <span class="artist">(.*?)</span>', card):
            assert bool(item) == ((title, artist) in names)
            assert (title, artist) not in {(row["track_name"], row["artist_name"]) for row in seeds}
        assert len(re.findall("<li", card)) == 30


def test_snapshots_are_the_vectors_of_their_epochs(runs: Path) -> None:
    run = Run.load(runs / "hard")
    assert snapshot_epochs(runs / "hard") == [0, 2]
    kept = read_snapshot(runs / "hard", 2)
    assert run.info["best_epoch"] in (1, 2, 3)
    assert kept.shape == track_vectors(run.recommender("valid")).shape  # type: ignore[arg-type]
    assert not np.allclose(kept, read_snapshot(runs / "hard", 0), atol=1e-3)
    assert (read_snapshot(runs / "hard", 0) == read_snapshot(runs / "random", 0)).all(), "both begin alike"


def test_keeping_snapshots_changes_nothing_else(runs: Path, data_folder: Path, tmp_path: Path) -> None:
    options = [f"--set={line.replace(' ', '')}" for line in ("batch_size = 2048", "eval_every = 1", "lr = 0.02")]
    call("fit", data_folder, "-m", "lightgcn", "-o", tmp_path / "run", "--preset", "none", "--epochs", 3, *options)
    assert (tmp_path / "run" / "history.jsonl").read_bytes() == (runs / "random" / "history.jsonl").read_bytes()
    assert not (tmp_path / "run" / "snapshots").exists()


@pytest.mark.parametrize("kind", [kind for kind in FIGURES if kind not in ("map", "epochs")])
def test_every_kind_is_drawn(kind: str, runs: Path, data_folder: Path, tmp_path: Path) -> None:
    sources = [runs / "random", runs / "hard"] if FIGURES[kind].of_runs else [data_folder]
    call("plot", kind, *sources, "--sample", 300, "-o", tmp_path / "figure.svg")
    assert (tmp_path / "figure.svg").read_text().lstrip().startswith("<?xml")


@pytest.mark.parametrize(("suffix", "begins"), [("png", b"\x89PNG"), ("pdf", b"%PDF"), ("svg", b"<?xml")])
def test_files_are_of_their_kind_and_repeat(suffix: str, begins: bytes, data_folder: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        call("plot", "degrees", data_folder, "-o", tmp_path / f"{name}.{suffix}")
    assert (tmp_path / f"a.{suffix}").read_bytes().startswith(begins)
    assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()


def test_the_map_is_of_the_artists_named(runs: Path, data_folder: Path, tmp_path: Path) -> None:
    corpus = Data.load(data_folder).corpus
    sizes = np.bincount(corpus.track_artist[corpus.track_artist >= 0])
    names = corpus.artists["name"].take(np.argsort(-sizes)[:2]).to_pylist()
    call("plot", "map", runs / "random", "-o", tmp_path / "map.svg", "--artist", names[0], "--artist", names[1])
    reported = (tmp_path / "map.svg").read_text()
    assert all(name in reported for name in names)
    assert (
        "nobody" in call("plot", "map", runs / "random", "-o", tmp_path / "m.svg", "--artist", "nobody", code=1).stderr
    )


@pytest.mark.parametrize(
    ("arguments", "code", "reported"),
    [
        (("plot", "lenghts", "DATA", "-o", "x.png"), 2, "did you mean 'lengths'"),
        (("plot", "lengths", "DATA", "-o", "x.gif"), 2, "must end in .png, .svg or .pdf"),
        (("plot", "training", "DATA", "-o", "x.png"), 2, "give one or more run folders"),
        (("plot", "training", "RUNS/itemknn", "-o", "x.png"), 1, "no run here was trained"),
        (("plot", "map", "RUNS/itemknn", "-o", "x.png"), 1, "no model here has vectors"),
        (("plot", "epochs", "RUNS/itemknn", "-o", "x.png"), 1, "--set snapshot_epochs=0,5,50"),
        (("plot", "graph", "DATA", "-o", "x.png", "--playlist", "nope"), 1, "there is no playlist 'nope'"),
        (("plot", "lengths", "DATA", "-o", "absent/x.png"), 1, "cannot be written"),
        (("report", "DATA", "-o", "x.html"), 1, "a report is of runs"),
        (("report", "absent", "-o", "x.html"), 1, "absent does not exist"),
        (("report", "RUNS/itemknn", "-o", "rep"), 2, "must end in .html"),
        (("report", "RUNS/itemknn", "-o", "absent/x.html"), 1, "cannot be written"),
        (("report", "RUNS/itemknn", "-o", "x.html", "--playlist", "nope"), 1, "there is no playlist 'nope'"),
    ],
)
def test_what_cannot_be_is_told_in_a_line(
    arguments: tuple[str, ...],
    code: int,
    reported: str,
    runs: Path,
    data_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    given = [word.replace("DATA", str(data_folder)).replace("RUNS", str(runs)) for word in arguments]
    result = call(*given, code=code)
    assert reported in result.stderr
    assert result.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_names_from_the_data_are_text_and_nothing_else(slices: Path, tmp_path: Path) -> None:
    """Markup, mathematics and line breaks in names of playlists, tracks and artists stand as they are."""
    nasty = "</script><b onclick=alert(1)>$x^2$ & \\n\"'"
    shutil.copytree(slices, tmp_path / "slices")
    for path in (tmp_path / "slices").rglob("*.json"):
        content = json.loads(path.read_text())
        for playlist in content["playlists"]:
            playlist["name"] = nasty
            for track in playlist["tracks"]:
                track["track_name"] = track["artist_name"] = nasty
        path.write_text(json.dumps(content))
    call("preprocess", tmp_path / "slices", "-o", tmp_path / "data", "--k-core", 2, "--workers", 1)
    call("fit", tmp_path / "data", "-m", "mf", "-o", tmp_path / "run", "--epochs", 1)
    call("report", tmp_path / "run", "-o", tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text()
    assert "<b onclick" not in text
    assert "$x^2$" in text
    page = Page(text)
    assert page.open == []
    assert text.count("</script>") == text.count("<script")


def test_what_a_missing_package_means_is_told(data_folder: Path, tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "from playlistrec.cli.main import main\n"
        f"main(['plot', 'lengths', {str(data_folder)!r}, '-o', {str(tmp_path / 'x.png')!r}])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert "pip install 'playlistrec[plots]'" in result.stderr
    assert "Traceback" not in result.stderr


def test_scenarios_are_scored_as_the_challenge_does(data_folder: Path, tmp_path: Path) -> None:
    call("challenge", "make", data_folder, "-o", tmp_path / "set", "--per-scenario", 2)
    for model in ("itemknn", "popularity"):
        call("fit", tmp_path / "set" / "data", "-m", model, "-o", tmp_path / model)
    call(
        *("report", tmp_path / "itemknn", tmp_path / "popularity", "-o", tmp_path / "report.html"),
        *("--challenge", tmp_path / "set"),
    )
    tables = Page((tmp_path / "report.html").read_text()).tables
    rows = {row[0]: row[1:] for row in tables["NDCG, by scenario"]}
    scores = score_run(Run.load(tmp_path / "itemknn"), tmp_path / "set")
    assert rows["all"][1] == f"{scores.overall['ndcg']:.4f}"
    assert rows["scenario"] == ["playlists", "itemknn", "popularity"]
    for scenario, metrics in scores.scenarios.items():
        assert rows[scenario][:2] == [str(scores.n_playlists[scenario]), f"{metrics['ndcg']:.4f}"]


PROBE = """
const out = [];
const plot = document.querySelector("#map .plot"), tip = plot.querySelector(".tip");
out.push(["fits", document.documentElement.scrollWidth <= innerWidth]);
out.push(["hidden", tip.hidden]);
plot.focus();
plot.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight" }));
out.push(["key", document.activeElement === plot, tip.hidden, tip.textContent]);
const box = tip.getBoundingClientRect(), frame = plot.getBoundingClientRect();
out.push(["inside", box.left >= frame.left - 1 && box.right <= frame.right + 1]);
plot.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape" }));
const spot = JSON.parse(plot.querySelector("script").textContent)[9], svg = plot.querySelector("svg");
const area = svg.getBoundingClientRect(), scale = area.width / svg.viewBox.baseVal.width;
const at = { clientX: area.left + spot[0] * scale, clientY: area.top + spot[1] * scale };
plot.dispatchEvent(new PointerEvent("pointermove", at));
out.push(["pointer", tip.textContent === spot[2], tip.textContent]);
out.push(["labels", [...document.querySelectorAll("svg")].every((s) => s.clientWidth > 0)]);
parent.postMessage("OUT" + JSON.stringify(out) + "END", "*");
"""


@browser
@pytest.mark.parametrize("width", [390, 1280])
def test_in_a_browser(written: Path, tmp_path: Path, width: int) -> None:
    """No console error, nothing wider than a telephone, names by pointer and by key. A frame gives the width."""
    page = written.read_text().replace(
        "</body>", f"<script>addEventListener('load', () => {{{PROBE}}})</script></body>"
    )
    (tmp_path / "page.html").write_text(page)
    frame = f'<iframe src="page.html" width="{width}" height="3000" style="border:0"></iframe>'
    script = "addEventListener('message', (e) => document.body.append(e.data))"
    (tmp_path / "frame.html").write_text(
        f'<!DOCTYPE html><body style="margin:0">{frame}<script>{script}</script></body>'
    )
    assert CHROMIUM is not None
    done = subprocess.run(
        [
            *(CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--v=0"),
            *(f"--user-data-dir={tmp_path / 'profile'}", f"--window-size={max(500, width)},3000"),
            *("--virtual-time-budget=5000", f"--screenshot={tmp_path / 'shot.png'}", "--dump-dom"),
            (tmp_path / "frame.html").as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert "CONSOLE" not in done.stderr, done.stderr
    found = re.search(r"OUT(.*?)END", done.stdout)
    assert found is not None, done.stdout[-2000:]
    reported = {
        name: rest
        for name, *rest in json.loads(found[1].replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">"))
    }
    assert reported["fits"] == [True], "no horizontal scrolling"
    assert reported["hidden"] == [True]
    assert reported["key"][:2] == [True, False]
    assert re.search(r": \d+ tracks$", reported["key"][2])
    assert reported["inside"] == [True]
    assert reported["pointer"][0], reported["pointer"]
    assert reported["labels"] == [True]
