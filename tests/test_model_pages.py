"""The pages on models: one a model, in the index, with the facts that the code states; their commands are true."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from calling import call

from playlistrec.experiment.model_facts import model_facts, training_options
from playlistrec.models.registry import MODELS

PAGES = Path(__file__).parents[1] / "docs" / "models"


@pytest.mark.parametrize("name", MODELS)
def test_a_page_has_the_facts_of_its_model(name: str) -> None:
    text = (PAGES / f"{name}.md").read_text()
    assert text.startswith(f"# `{name}`: ")
    for part in ("papers", "options", "presets"):
        assert f"```{{model}} {name} {part}\n```" in text
    assert re.search(rf"^{name}$", (PAGES / "index.md").read_text(), re.M)


@pytest.mark.parametrize("name", MODELS)
def test_a_model_states_its_papers_and_explains_its_options(name: str) -> None:
    facts = model_facts(name)
    assert facts.papers
    assert facts.description
    assert not re.search(r"^(Attributes:|>>>)", facts.description, re.M)
    assert [option.name for option in facts.options if not option.meaning] == []


def test_options_of_training_are_explained() -> None:
    assert [option.name for own in training_options().values() for option in own if not option.meaning] == []


def commands() -> list[tuple[str, ...]]:
    """The commands of each page, in order; those of a page may need the ones before."""
    command = re.compile(r"^    (playlistrec (?:fit|preprocess) .*)$", re.M)
    pages = [command.findall(path.read_text()) for path in sorted(PAGES.glob("*.md"))]
    return [tuple(page) for page in pages if page]


@pytest.mark.slow
@pytest.mark.parametrize("page", commands())
def test_the_commands_of_a_page_run(
    page: tuple[str, ...], data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").symlink_to(data_folder)
    rows = (f"s{n // 9},{n % 9 + 1},t{n * n % 23},{n % 2 == 0},{n % 24},2018-07-15" for n in range(360))
    head = "session_id,session_position,track_id_clean,skip_2,hour_of_day,date"
    (tmp_path / "log_0.csv").write_text("\n".join((head, *rows)))
    for line in page:
        arguments = shlex.split(line)[1:]
        assert call(*arguments).exit_code == 0, line
