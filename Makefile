# `make demo` and `make test` set everything up by themselves, in an environment of their own.
# pip reads its settings from the environment: PIP_EXTRA_INDEX_URL=… make demo
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin

.PHONY: demo test test-slow lint docs clean

demo: $(VENV)/installed
	sh examples/demo.sh $(BIN)/playlistrec demo

test: lint docs
	$(BIN)/pytest -n 2 --dist worksteal -m "not slow"

# What takes long: whole fits of many models, examples, the demo.
test-slow: $(VENV)/installed-dev
	$(BIN)/pytest -n 2 --dist worksteal -m slow

# The site, in build/site; a warning is an error, and so is a page that misses the bar of docs/style.md.
docs: $(VENV)/installed-dev
	$(BIN)/python docs/readability.py
	$(BIN)/sphinx-build -W --keep-going -q -b html docs build/site

lint: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e

$(VENV)/installed: setup.cfg constraints.txt | $(BIN)/python
	$(INSTALL) '.[plots,serve]'
	@$(DGL)
	touch $@

$(VENV)/installed-dev: setup.cfg constraints.txt | $(BIN)/python
	$(INSTALL) '.[dev]'
	@$(DGL)
	touch $@ $(VENV)/installed

# For Python 3.12 and later pip finds no DGL, and takes one more command: docs/dependencies.md.
DGL = $(BIN)/python -c 'import importlib.util as u; from playlistrec.cli.environment import dgl_command; \
  print("" if u.find_spec("dgl") else dgl_command() + " --quiet")' | sh -ex

# Where $(PYTHON) is missing, or of another version, uv gets Python 3.11.
$(BIN)/python:
	@if $(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null; then \
	  $(PYTHON) -m venv $(VENV); \
	elif uv --version >/dev/null 2>&1; then uv venv --quiet --seed --python 3.11 $(VENV); \
	elif $(PYTHON) -m uv --version >/dev/null 2>&1; then $(PYTHON) -m uv venv --quiet --seed --python 3.11 $(VENV); \
	else \
	  found=$$($(PYTHON) --version 2>&1) || found=missing; \
	  echo "playlistrec needs Python 3.10 to 3.14; $(PYTHON) is $$found." \
	    "Name another, as in: make PYTHON=python3.11. Or install uv, which gets one: pip install uv" >&2; exit 1; \
	fi

clean:
	rm -rf $(VENV) demo build dist *.egg-info
