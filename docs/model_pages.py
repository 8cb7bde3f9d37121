"""The directive ``model`` of the pages on models: what the code knows of a model, as Markdown.

    ```{model} lightgcn options
    ```

The second word is ``papers``, ``options`` or ``presets``. ``{model} all index`` makes the table of all models, and
``{model} all training`` the options of training.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import ClassVar

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from playlistrec.experiment.model_facts import ModelFacts, OptionFacts, as_value, model_facts, training_options
from playlistrec.experiment.presets import Preset
from playlistrec.models.registry import MODELS

__all__ = ["ModelDirective", "setup"]


def index_table() -> str:
    rows = ((f"[`{name}`]({name}.md)", (facts := model_facts(name)).summary, facts.papers[0]) for name in MODELS)
    return _table(["model", "what it is", "paper"], rows)


def training_tables() -> str:
    return "\n\n".join(
        f"**{owner.capitalize()}**\n\n{_options(options)}" for owner, options in training_options().items()
    )


def papers(facts: ModelFacts) -> str:
    return "\n".join(f"- {paper}" for paper in facts.papers)


def options(facts: ModelFacts) -> str:
    own = _options(facts.options) if facts.options else "The model has no options."
    more = "\n\nThe [options of training](index.md#options-of-training) come on top." if facts.trained else ""
    return own + more


def preset_list(facts: ModelFacts) -> str:
    return "\n\n".join(map(_preset, facts.presets)) or "The model has no preset: its defaults hold."


PARTS: dict[str, Callable[[ModelFacts], str]] = {"papers": papers, "options": options, "presets": preset_list}
ALL: dict[str, Callable[[], str]] = {"index": index_table, "training": training_tables}


class ModelDirective(SphinxDirective):
    """A part of what the code knows of a model."""

    required_arguments = 2
    has_content: ClassVar[bool] = False

    def run(self) -> list[nodes.Node]:
        name, part = self.arguments
        text = ALL[part]() if name == "all" else PARTS[part](model_facts(name))
        parent = nodes.container()
        self.state.nested_parse(StringList(text.splitlines(), source=f"model {name}"), self.content_offset, parent)
        return parent.children


def _preset(preset: Preset) -> str:
    low = preset.min_pairs
    at = "on request" if low is None else "the default" if low == 0 else f"the default from {low:,} training pairs on"
    if preset.max_pairs is not None:
        at += f" up to {preset.max_pairs:,} training pairs, if {preset.min_density:.0%} or more of all pairs are there"
    adapts = " Temperature, prior and batch size follow the data." if preset.adapts else ""
    values = ", ".join(f"`{name}={as_value(value)}`" for name, value in preset.options.items())
    found = re.sub(r"\bdocs/(\S+)\.md", r"[\1](../\1.md)", " ".join(preset.found.split()))
    return f"**`{preset.name}`** ({at}).{adapts} {found}\n\n{values}"


def _options(found: Iterable[OptionFacts]) -> str:
    rows = ((f"`{option.name}`", f"`{option.default}`", _markdown(option.meaning)) for option in found)
    return _table(["option", "default", "meaning"], rows)


def _table(header: list[str], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _markdown(text: str) -> str:
    """A docstring's text with Markdown in place of its own markup."""
    named = re.sub(r":\w+:`~?([^`]*)`", lambda m: f"`{m[1].rpartition('.')[2]}`", text)
    return named.replace("``", "`")


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("model", ModelDirective)
    return {"parallel_read_safe": True}
