PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
OUT ?= runs/quickstart
VIDEOS ?=
N ?= 1000
PYTEST := $(BIN)/python -m pytest -q

.DEFAULT_GOAL := help
.PHONY: help setup quickstart test test-all check format bench fuzz chaos gpu clean

help: ## show the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(READY) ## create .venv from the lock file

# --no-deps: the lock file is complete, and no package can bring CUDA libraries along.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "densewalk needs Python 3.11 or newer; say PYTHON=/path/to/python3.11"; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) cannot create virtual environments; on Debian: apt-get install python3-venv"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@$(BIN)/python -c 'import torch' || { echo "torch does not import: the lock file wants the CPU build of torch; let pip find it with PIP_FIND_LINKS or PIP_EXTRA_INDEX_URL and repeat"; exit 2; }
	@touch $(READY)

quickstart: setup ## raw video to a scored tracker on this machine's CPU; VIDEOS=DIR takes your own
	$(BIN)/densewalk quickstart --out $(OUT) $(if $(VIDEOS),--videos $(VIDEOS))

# Tests that start Ray run by themselves: Ray may take down a process that has run much else before.
test: setup ## the tests of every part
	$(PYTEST) -n 2 --dist loadfile -m "not slow and not gpu and not ray"
	$(PYTEST) -m "ray and not slow and not gpu"

test-all: setup ## the slow tests too
	$(PYTEST) -n 2 --dist loadfile -m "not gpu and not ray"
	$(PYTEST) -m "ray and not gpu"

check: setup ## formatter, linter, type checker
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: setup ## rewrite files to the house format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup ## the benchmarks, as ratios
	$(BIN)/python -m tests.benchmarks

fuzz: setup ## N damaged videos through the stages that meet files from anywhere
	$(BIN)/python -m tests.fuzz --count $(N)

chaos: setup ## N preparations that are killed, starved and repeated until their bytes agree
	$(BIN)/python -m tests.chaos --count $(N)

gpu: setup ## every check and measurement that needs a GPU, as one table
	$(PYTEST) -m gpu
	$(BIN)/python -m tests.benchmarks --device cuda

clean: ## remove what the targets above made
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
