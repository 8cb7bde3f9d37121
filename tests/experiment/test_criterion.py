"""What picks the epoch: a metric of full or of sampled ranking of the validation part."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import playlistrec as pr
from playlistrec.corpus.split import TEST, VALID
from playlistrec.corpus.splitting import split_edges
from playlistrec.errors import ConfigError

OPTIONS = {"epochs": 8, "eval_every": 1, "batch_size": 64, "lr": 0.05, "patience": 20}


@pytest.fixture(scope="module")
def data() -> pr.Data:
    rng = np.random.default_rng(0)
    lists = [[f"t{t}" for t in rng.choice(60, size=rng.integers(4, 12), replace=False)] for _ in range(80)]
    corpus = pr.Corpus.from_lists(lists)
    return pr.Data.of(corpus, split_edges(corpus, valid=0.2, test=0.2, seed=0))


@pytest.mark.parametrize(("criterion", "protocol"), [("recall@3", "full"), ("hit@3", "sampled:9")])
def test_the_epoch_is_the_best_by_the_criterion(data: pr.Data, tmp_path: Path, criterion: str, protocol: str) -> None:
    run = pr.fit(data, "mf", tmp_path / "run", options={**OPTIONS, "criterion": criterion, "protocol": protocol})
    records = [json.loads(line) for line in (tmp_path / "run" / "history.jsonl").read_text().splitlines()]
    values = [record[criterion] for record in records]
    assert len(set(values)) > 1
    assert run.info["best_epoch"] == 1 + int(np.argmax(values))
    assert run.info["valid"] == records[int(np.argmax(values))]
    if protocol == "full":
        assert run.evaluate("valid", k=[3]).metrics[criterion] == pytest.approx(max(values))


def test_test_entries_may_be_negatives_while_fitting(data: pr.Data) -> None:
    """Sparing them would tell the loop which they are: without them in the corpus it must choose the same."""
    corpus, part = data.corpus, data.split.part
    options = {**OPTIONS, "criterion": "hit@3", "protocol": "sampled:9"}
    without = pr.Data.of(corpus.where(part != TEST), pr.Split("edges", part[part != TEST]))
    assert (without.split.part == VALID).sum() == (part == VALID).sum()
    runs = [pr.fit(d, "mf", options=options) for d in (data, without)]
    assert runs[0].info["valid"] == runs[1].info["valid"]


@pytest.mark.parametrize(
    ("criterion", "protocol", "message"),
    [
        ("ndgc@20", "full", r"criterion must be one of recall, .* as in ndcg@20, or auc .*\(got 'ndgc@20'\)"),
        ("ndcg", "full", "criterion must be one of"),
        ("recall@5", "sampled:9", "criterion must be one of hit, ndcg, mrr at a depth"),
        ("hit@5", "sampled", "protocol must be full, sampled:N"),
    ],
)
def test_bad_criteria_are_refused(data: pr.Data, criterion: str, protocol: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        pr.fit(data, "mf", options={**OPTIONS, "criterion": criterion, "protocol": protocol})
