# transitmap: two commands on a fresh machine, `make run` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
PORT ?= 8000
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: run install test audit check fmt clean

run: .venv/installed
	@PORT=$(PORT) $(BIN)/transitmap serve --demo

install: .venv/installed

test: .venv/tested
	@$(BIN)/python -m tests.machine
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/bandit --quiet --recursive -ll transitmap webapp
	@$(BIN)/python -m tests.audit
	@$(BIN)/python -m pytest -n 2 --dist loadfile

audit: .venv/tested
	@$(BIN)/python -m tests.audit

check: .venv/tested
	$(BIN)/ruff check . && $(BIN)/mypy

fmt: .venv/tested
	$(BIN)/ruff check --fix . && $(BIN)/ruff format .

.venv/bin/python:
	@echo "transitmap: making .venv"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "transitmap needs Python 3.11 or newer")'
	@$(PYTHON) -m venv .venv

.venv/installed: .venv/bin/python setup.cfg pyproject.toml webapp/package.json
	@echo "transitmap: installing (about a minute the first time)"
	@$(BIN)/python -m pip install --quiet --editable .
	@$(BIN)/python -m webapp.vendor
	@touch $@

.venv/tested: .venv/installed
	@echo "transitmap: installing what the tests need"
	@$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

# var stays: it may hold what people sent.
clean:
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
