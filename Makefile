# Every target sets itself up and is a fit first command in a fresh clone: no root, no running server.
# PYTHON=… chooses the interpreter, ARGS=… goes to the program that the target runs.

# A name on PATH is not yet an interpreter that runs (pyenv's shims), nor one that can make virtual environments.
PYTHON ?= $(firstword $(shell for python in python3.13 python3.12 python3.11 python3; do \
	"$$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$python" && break; done))
UV := $(shell command -v uv 2>/dev/null)

VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help demo tour test browser check format translations bench soak venv wheel clean

help: ## List the targets.
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 14

demo: $(VENV)/demo.stamp ## Run the portal with an excerpt of a real schedule on 127.0.0.1.
	$(BIN)/python -m config.demo $(ARGS)

tour: $(VENV)/demo.stamp ## Tell the demo's story over HTTP and check each step.
	$(BIN)/python -m config.tour $(ARGS)

test: $(VENV)/dev.stamp ## Run the tests on SQLite, PostgreSQL and valkey, all from wheels.
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --ignore tests/browser $(ARGS)

browser: $(VENV)/dev.stamp ## Run the tests that drive a Chromium through the pages and the staff screens.
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal tests/browser $(ARGS)

check: $(VENV)/dev.stamp ## Lint, formatting, types and import contracts.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/dev.stamp ## Format the code and mend what ruff can mend.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

translations: $(VENV)/dev.stamp ## Collect the texts, bring the catalogues up to date, compile them.
	$(BIN)/python -m config.translations

bench: $(VENV)/dev.stamp ## Run the benchmarks.
	$(BIN)/python -m benchmarks $(ARGS)

soak: $(VENV)/dev.stamp ## Run the long suites.
	$(BIN)/python -m benchmarks.soak $(ARGS)
	$(BIN)/python -m benchmarks.soak_nights
	$(BIN)/python -m benchmarks.soak_nights --nights 5 --points 5
	$(BIN)/python -m benchmarks.soak_messages
	$(BIN)/python -m benchmarks.soak_outages

venv: $(VENV)/dev.stamp ## Make the virtual environment with everything.

wheel: $(VENV)/dev.stamp ## Build the wheel and the source distribution into dist/.
	rm -rf dist
	$(BIN)/python -m build $(ARGS)

clean: ## Remove what the targets made.
	rm -rf $(VENV) build dist .demo .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

ifdef UV
INSTALL = $(UV) pip install --quiet --python $(BIN)/python
else
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check
endif

$(BIN)/python:
ifdef UV
	$(UV) venv --quiet --allow-existing --python "$(or $(PYTHON),>=3.11)" $(VENV)
else
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer with venv is needed; name one with PYTHON=/path/to/python3." >&2; exit 1; }
	"$(PYTHON)" -m venv $(VENV)
endif

$(VENV)/demo.stamp: pyproject.toml | $(BIN)/python
	$(INSTALL) --editable '.[demo]'
	@touch $@

# The larger set holds the smaller one.
$(VENV)/dev.stamp: pyproject.toml | $(BIN)/python
	$(INSTALL) --editable '.[dev]'
	@touch $(VENV)/demo.stamp $@
