# `make demo` and `make test` set everything up by themselves, in an environment of their own.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin

.PHONY: demo test test-slow lint docs python clean

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

$(VENV)/installed: setup.cfg constraints.txt | python
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[plots,serve]'
	touch $@

$(VENV)/installed-dev: setup.cfg constraints.txt | python
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@ $(VENV)/installed

# DGL has wheels for these versions only; without this line pip would say so at length.
python:
	@command -v $(PYTHON) >/dev/null || { \
	  echo "playlistrec needs Python 3.10, 3.11 or 3.12: there is no $(PYTHON) here. Name one: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 10) <= v <= (3, 12) else \
	  "playlistrec needs Python 3.10, 3.11 or 3.12, and $(PYTHON) is %d.%d. Name one: make PYTHON=python3.11" % v)'

clean:
	rm -rf $(VENV) demo build dist *.egg-info
