"""The documentation site: `make docs`."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

from sphinx.application import Sphinx

import playlistrec

sys.path.insert(0, str(Path(__file__).parent))  # model_pages, result_pages

project = "playlistrec"
author = "The playlistrec developers"
copyright = author
release = version = playlistrec.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "model_pages",
    "result_pages",
]
exclude_patterns = ["_build", "templates"]
suppress_warnings = ["ref.python"]  # of property docstrings, whose first words it takes for a type

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4

nb_execution_mode = "cache"  # the notebook runs where it has changed
nb_execution_timeout = 600
nb_execution_raise_on_error = True

autodoc_default_options = {"members": True, "show-inheritance": True, "member-order": "bysource"}
autodoc_class_signature = "separated"
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False

toc_object_entries = False  # with thousands of names the sidebar takes longer than the pages

html_theme = "furo"
html_title = f"playlistrec {release}"
html_static_path = ["_static"]

ROOMS = {
    "corpus": "From files to a corpus and its split.",
    "graph": "From a corpus to DGL's graph, its kernels, negatives and batches of edges.",
    "nn": "Layers. They import nothing of the package but its graph operations, so that they can be lifted out.",
    "models": "Recommenders by family.",
    "train": "The trainer, objectives, losses, batches, checkpoints.",
    "distributed": "The same fit on several processes and machines.",
    "rank": "Metrics, top-k, the protocols, significance.",
    "serving": "A fitted model recommends: recommendations, filters, explanations, batches, lookup of names.",
    "experiment": "Data folders and runs: preprocess, fit, compare, tune.",
    "export": "Vectors, indices and graphs for other programs.",
    "challenge": "The RecSys Challenge 2018 on any playlists.",
    "report": "Figures of data and runs, and a page of them.",
    "testing": "Checks that anybody can run on a recommender or a layer of their own.",
}


def write_reference(app: Sphinx) -> None:
    """A page for every room of the package with all of its modules that have public names, and one for the package."""
    folder = Path(app.srcdir) / "reference"
    folder.mkdir(exist_ok=True)
    package = Path(playlistrec.__file__).parent
    names = "\n".join(f"- `playlistrec.{name}`: {{py:obj}}`{_home(name)}`" for name in playlistrec.__all__)
    intro = "`import playlistrec as pr` has these names; each is imported when it is first used."
    pages = {"playlistrec": f"# The package\n\n{intro}\n\n{names}"}
    for room, summary in ROOMS.items():
        parts = [f"# {room}", summary]
        for path in sorted((package / room).rglob("*.py")):
            module = ".".join(path.relative_to(package.parent).with_suffix("").parts).removesuffix(".__init__")
            if path.name != "__init__.py" and _is_public(path):
                title = module.removeprefix(f"playlistrec.{room}.")
                parts.append(f"## {title}\n\n```{{eval-rst}}\n.. automodule:: {module}\n```")
        pages[room] = "\n\n".join(parts)
    for name, text in pages.items():
        path = folder / f"{name}.md"
        if not path.exists() or path.read_text() != text + "\n":  # what is unchanged is not built again
            path.write_text(text + "\n")


def _home(name: str) -> str:
    found = getattr(playlistrec, name)
    return f"{found.__module__}.{found.__name__}"


def _is_public(path: Path) -> bool:
    assigned = (node for node in ast.parse(path.read_text()).body if isinstance(node, ast.Assign))
    return any(isinstance(target, ast.Name) and target.id == "__all__" for node in assigned for target in node.targets)


def setup(app: Sphinx) -> None:
    app.connect("builder-inited", write_reference)
