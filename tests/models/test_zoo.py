"""Models by name: ours, and those of others as ``module:Class``."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

import playlistrec as pr
from playlistrec.corpus.splitting import split_edges
from playlistrec.errors import ConfigError
from playlistrec.models.registry import model_class

CODE = """
from playlistrec.models.popularity import Popularity

class Unpopular(Popularity):
    name = "mine:Unpopular"
    summary = "the least popular first"

    def score(self, query):
        return -super().score(query)

NUMBER = 3
"""


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.py").write_text(CODE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "mine", raising=False)


def test_a_model_of_someone_else_is_fitted_kept_and_blended(mine: None, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    lists = [[f"t{t}" for t in rng.choice(30, size=rng.integers(4, 12), replace=False)] for _ in range(60)]
    corpus = pr.Corpus.from_lists(lists)
    data = pr.Data.of(corpus, split_edges(corpus, valid=0.2, test=0.2, seed=0))
    pr.fit(data, "mine:Unpopular", tmp_path / "run")
    ours = (
        pr.Run.load(tmp_path / "run", data=data, trust=["mine:Unpopular"]).evaluate("valid", k=[5]).metrics["recall@5"]
    )
    popular = pr.fit(data, "popularity").evaluate("valid", k=[5]).metrics["recall@5"]
    assert ours < popular
    pr.fit(data, "blend", tmp_path / "blend", options={"parts": "mine:Unpopular", "weights": "1"})
    blend = pr.Run.load(tmp_path / "blend", data=data, trust=["mine:Unpopular"])
    assert blend.evaluate("valid", k=[5]).metrics["recall@5"] == pytest.approx(ours)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere:Model", r"model 'nowhere:Model' cannot be imported: No module named 'nowhere' .*PYTHONPATH"),
        ("mine:Absent", "has no attribute 'Absent'"),
        ("mine:NUMBER", r"model must be a Recommender .*\(got 'mine:NUMBER'\)"),
        (":Model", "cannot be imported"),
        ("lightgnc", "did you mean lightgcn|nearest|unknown model 'lightgnc'"),
    ],
)
def test_names_that_are_no_models_are_refused(mine: None, name: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        model_class(name)
