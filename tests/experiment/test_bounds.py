"""Options and numbers that cannot be: each has a bound, and a line that names it."""

from __future__ import annotations

from pathlib import Path

import pytest
from calling import call

FIT = ["fit", "{d}", "-o", "{t}/r", "-m"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([*FIT, "mf", "--set", "lr=inf"], "lr must be a number from -1e+30 to 1e+30 (got inf)"),
        ([*FIT, "mf", "--set", "lr=nan"], "lr must be a number from"),
        ([*FIT, "mf", "--set", "l2=1e308"], "l2 must be a number from"),
        ([*FIT, "ease", "--set", "l2=1e308"], "l2 must be a number from"),
        ([*FIT, "itemknn", "--set", "shrink=-inf"], "shrink must be"),
        ([*FIT, "lightgcn", "--set", "layers=100000000"], "layers must be a whole number of at most 1,024"),
        ([*FIT, "mf", "--set", "dim=99999999999"], "dim must be a whole number of at most 65,536"),
        ([*FIT, "mf", "--set", "epochs=" + "9" * 30], "epochs must be a whole number of at most"),
        ([*FIT, "mf", "--seed", "-1"], "seed must be from 0 to 4,294,967,295 (got -1)"),
        ([*FIT, "mf", "--seed", "9" * 30], "seed must be from 0"),
        (["preprocess", "{s}", "-o", "{t}/x", "--seed", "-1"], "seed must be from 0"),
        (["compare", "{p}", "--resamples", "9" * 18], "resamples must be from 1 to 10,000,000"),
        (["evaluate", "{p}", "-k", "99999999999"], "k must be at most"),
        (["tune", "{d}", "-m", "mf", "-o", "sqlite:///x.db"], "not the address of a database"),
        (["tune", "{d}", "-m", "mf", "-o", "{t}/t", "--seed", "-3"], "seed must be from 0"),
    ],
)
def test_a_number_beyond_its_bound_is_refused(
    data_folder: Path, slices: Path, popular: Path, tmp_path: Path, words: list[str], said: str
) -> None:
    error = call(*[word.format(d=data_folder, t=tmp_path, s=slices, p=popular) for word in words], code=2).stderr
    assert said in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def popular(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("bounds") / "run"
    call("fit", data_folder, "-m", "popularity", "-o", out)
    return out


@pytest.mark.parametrize(("n", "code"), [("1" + "0" * 18, 2), ("999999999", 1)])
def test_more_playlists_than_a_disk_holds(tmp_path: Path, n: str, code: int) -> None:
    error = call("synth", tmp_path / "s", "--playlists", n, code=code).stderr
    assert "at most 1,000,000,000" in error or "playlists take" in error
    assert not list(tmp_path.iterdir())
