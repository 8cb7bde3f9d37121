"""Ratings in, two protocols out: what the commands say of leave-one-out data, in text and in JSON."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from calling import call

from playlistrec.experiment.runs import Run

FULL = ["recall", "ndcg", "map", "precision", "hit", "mrr", "r_precision", "auc", "coverage", "gini", "popularity"]
FULL += ["pooled_auc"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Popularity on 60 users who rated 3 to 20 of 40 items, 5 of them hardly any at least 4."""
    folder = tmp_path_factory.mktemp("ratings")
    rng = np.random.default_rng(0)
    lines = [
        f"{user}\t{item}\t{rng.integers(4 if user >= 5 else 1, 6)}\t{rng.integers(0, 100)}\n"
        for user in range(60)
        for item in rng.permutation(40)[: rng.integers(3, 21)]
    ]
    (folder / "u.data").write_text("".join(lines))
    options = ("--split", "leave-one-out", "--min-rating", 4)
    reported = call("preprocess", folder / "u.data", "-o", folder / "data", *options).stdout
    assert "split leave-one-out: " in reported
    call("fit", folder / "data", "-m", "popularity", "-o", folder / "run")
    return folder / "run"


def test_json_names_the_protocol_and_says_what_it_compares_with(run: Path) -> None:
    full = json.loads(call("evaluate", run, "-k", 5, "--json").stdout)
    assert full["protocol"] == "full"
    assert "note" not in full
    assert {name.partition("@")[0] for name in full["metrics"]} == {*FULL, "novelty"}, "no artist is known"
    sampled = json.loads(call("evaluate", run, "-k", 5, "--protocol", "sampled:10", "--json").stdout)
    assert sampled["protocol"] == "sampled:10"
    assert "not comparable with full ranking" in sampled["note"]
    assert "Krichene & Rendle 2020" in sampled["note"]
    assert list(sampled["metrics"]) == ["hit@5", "ndcg@5", "mrr@5", "coverage@5"]
    assert sampled["n_queries"] == full["n_queries"]
    assert sampled["metrics"]["hit@5"] > full["metrics"]["hit@5"], "ten opponents are easier than all"


def test_text_names_the_protocol_and_has_two_tables(run: Path) -> None:
    full = call("evaluate", run).stdout
    assert "ranked in full" in full
    first, _, second = full.partition("beyond accuracy")
    assert "recall" in first
    assert "coverage" not in first
    assert all(name in second for name in ("coverage", "gini", "popularity", "novelty"))
    assert "Krichene" not in full
    sampled = " ".join(call("evaluate", run, "--protocol", "sampled:10").stdout.split())  # wrapped where the path ends
    assert "by sampled:10" in sampled
    assert sampled.endswith("(Krichene & Rendle 2020)")


def test_too_few_tracks_are_told(run: Path) -> None:
    result = call("evaluate", run, "--protocol", "sampled:99", "--json")
    n_queries = json.loads(result.stdout)["n_queries"]
    assert result.stderr.startswith(f"warning: {n_queries} playlists have fewer than 99 tracks never touched")
    assert call("evaluate", run, "--protocol", "sampled:10", "--json").stderr == ""


def test_the_library_gives_the_same(run: Path) -> None:
    for protocol in ("full", "sampled:10"):
        reported = json.loads(call("evaluate", run, "--protocol", protocol, "--json").stdout)
        assert Run.load(run).evaluate("valid", protocol=protocol).metrics == reported["metrics"]


def test_a_protocol_that_cannot_be(run: Path) -> None:
    result = call("evaluate", run, "--protocol", "sampled", code=2)
    assert "protocol must be full, sampled:N, such as sampled:99," in result.stderr
    assert "(got 'sampled')" in result.stderr
