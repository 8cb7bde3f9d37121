"""What the console draws on a terminal, and what it leaves out where there is none."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from playlistrec.cli.epochs import EpochTable
from playlistrec.cli.main import main
from playlistrec.cli.sparkline import BLOCKS, sparkline

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


def on_terminal(*arguments: object) -> str:
    """What a command writes when stdout and stderr are a terminal 120 columns wide, without colours."""
    leader, follower = pty.openpty()
    environment = {**os.environ, "COLUMNS": "120", "LINES": "40", "TERM": "xterm", "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, "-m", "playlistrec", *map(str, arguments)]
    process = subprocess.Popen(command, stdin=follower, stdout=follower, stderr=follower, env=environment)
    os.close(follower)
    read = bytearray()
    try:
        while block := os.read(leader, 65_536):
            read += block
    except OSError:  # Linux tells the end of a terminal so
        pass
    os.close(leader)
    assert process.wait() == 0, read.decode()
    return ESCAPES.sub("", read.decode()).replace("\r", "\n")


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40))
def test_sparklines_rise_as_their_values_do(values: list[float]) -> None:
    heights = [BLOCKS.index(block) for block in sparkline(values, 40)]
    assert len(heights) == len(values)
    for (a, low), (b, high) in zip(zip(values, heights), list(zip(values, heights))[1:]):
        assert (a - b) * (low - high) >= 0
    if max(values) - min(values) > 1e-3:
        assert heights[values.index(max(values))] == 7
        assert heights[values.index(min(values))] == 0
    assert sparkline(values, 3) == sparkline(values[-3:])


def record(epoch: int, seconds: float = 2.0, **metrics: float) -> dict[str, object]:
    reported = {"epoch": epoch, "epochs": 12, "loss": 1 / epoch, "seconds": seconds, "best_epoch": 2, "best": 0.25}
    return reported | metrics


def test_the_table_has_headings_where_columns_are_new() -> None:
    table = EpochTable()
    first, second, third = table.add(record(1)), table.add(record(2, **{"ndcg@20": 0.25})), table.add(record(3))
    assert [line.heading for line in first + second + third] == [True, False, True, False, False]
    assert second[0].text.split() == ["epoch", "loss", "ndcg@20", "best", "s"]
    assert second[1].text.split() == ["2", "0.5000", "0.2500", "0.2500", "2.0"]
    assert len({len(line.text) for line in second + third}) == 1, "columns stay in line where a figure is missing"
    again = table.add(record(1))
    assert again[0].heading
    assert len(table.records) == 1


def test_the_status_tells_speed_and_time_left() -> None:
    table = EpochTable()
    for epoch in (1, 2, 3, 4):
        table.add(record(epoch, seconds=90.0, **{"ndcg@20": epoch / 10}))
    reported = table.status()
    assert "epoch 4 of 12" in reported
    assert "best 0.2500 in epoch 2" in reported
    assert "0.01 epochs/s" in reported
    assert "0:12:00 left at most" in reported, "8 epochs of 90 s"
    assert "ndcg@20 ▁▃▆█" in reported


def test_a_fit_on_a_terminal_shows_a_table_that_grows(data_folder: Path, tmp_path: Path) -> None:
    options = ("--preset", "none", "--epochs", 3, "--set", "eval_every=1", "--set", "lr=0.02")
    shown = on_terminal("fit", data_folder, "-m", "mf", "-o", tmp_path / "run", *options)
    assert re.search(r"epoch +loss +recall@20 +ndcg@20 +best +s\n", shown)
    rows = re.findall(r"^ +([123]) +0\.\d{4} +0\.\d{4} +0\.\d{4} +(0\.\d{4}) +\d+\.\d", shown, re.MULTILINE)
    assert [epoch for epoch, _ in rows] == ["1", "2", "3"]
    assert [best for _, best in rows] == sorted(best for _, best in rows)
    assert re.search(
        r"epoch 2 of 3  loss ..  ndcg@20 ..  best 0\.\d{4} in epoch \d  \d+\.\d\d epochs/s  0:00:\d\d left", shown
    )


def test_stats_has_sparklines_on_a_terminal_only(data_folder: Path) -> None:
    shown = on_terminal("stats", data_folder)
    for name in ("tracks of a playlist", "playlists of a track", "tracks of an artist"):
        assert re.search(rf"{name} +1 +[{BLOCKS}]+ +\d+", shown)
    assert not set(BLOCKS) & set(CliRunner().invoke(main, ["stats", str(data_folder)]).stdout)


def test_without_a_terminal_stderr_is_silent(data_folder: Path, tmp_path: Path) -> None:
    arguments = ["fit", str(data_folder), "-m", "mf", "-o", str(tmp_path / "run"), "--epochs", "2"]
    done = CliRunner().invoke(main, arguments)
    assert (done.exit_code, done.stderr) == (0, "")
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["mf", "best", "validation"]
