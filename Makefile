# Two commands: `make demo` and `make test`. Both make their own .venv with PYTHON (3.10 or newer).
PYTHON ?= python3
PY := .venv/bin/python
TRACES := .traces

.PHONY: demo test lint slow clean

demo: .venv/for-demo
	@echo '$$ ingest sample_runs --out $(TRACES)'
	@.venv/bin/ingest sample_runs --out $(TRACES)
	@echo '$$ queries tool_chains --db $(TRACES)'
	@.venv/bin/queries tool_chains --db $(TRACES)

test: .venv/for-test
	$(PY) -m pytest -n auto --dist loadfile -m "not slow"

slow: .venv/for-test
	$(PY) -m pytest -n auto -m slow

lint: .venv/for-test
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

clean:
	rm -rf .venv $(TRACES)

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "make: Python 3.10 or newer is needed, set PYTHON=...")'
	$(PYTHON) -m venv .venv

.venv/for-demo: pyproject.toml | .venv/bin/python
	$(PY) -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

.venv/for-test: pyproject.toml | .venv/bin/python
	$(PY) -m pip install --quiet --disable-pip-version-check --editable ".[dev]"
	@touch $@ .venv/for-demo
