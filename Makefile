# Everything runs in a virtual environment inside the checkout, .venv, which the first target that
# needs it creates. An environment that happens to be active is neither used nor changed.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help install demo test bench lint format clean

help:  ## List the targets.
	@grep -E '^[a-z]+:.*## ' $(firstword $(MAKEFILE_LIST)) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 10

install: $(STAMP)  ## Create .venv with the tested versions (the other targets do it by themselves).

# The stamp goes first and comes back last, so that an installation that failed or was interrupted
# is done again. A virtual environment that works is kept: only what changed is installed.
# torch comes before the rest, at the tested version: what follows then finds it there and cannot
# fetch another build of several gigabytes.
$(STAMP): pyproject.toml constraints.txt
	@rm -f $@
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "error: Python 3.11 or newer is needed, and '$(PYTHON)' is" \
			"$$($(PYTHON) --version 2>/dev/null || echo 'not there')." \
			"Name another one, as in: make PYTHON=python3.12 test" >&2; \
		exit 1; }
	@$(BIN)/python -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
		|| $(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet -c constraints.txt torch
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	@touch $@

# Small networks are slower with several threads each than with one.
demo test bench: export OMP_NUM_THREADS = 1

demo: $(STAMP)  ## Find planted label errors in handwritten digits; results in demo-output/.
	$(BIN)/sklearn-difficulty demo --out demo-output

# A process for each core, but no more of them than memory is likely to hold: each has torch loaded.
test: $(STAMP)  ## Run the tests and the docstring examples; ARGS='-k action' passes options on.
	$(BIN)/python -m pytest -n auto --maxprocesses=8 --dist=worksteal $(ARGS)

bench: $(STAMP)  ## Measure a short form of benchmarks/speed.py; ARGS='--only training'.
	$(BIN)/python benchmarks/speed.py --short $(ARGS)

lint: $(STAMP)  ## Check style, formatting and types.
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: $(STAMP)  ## Sort imports and format the code.
	$(BIN)/ruff check --fix --select I
	$(BIN)/ruff format

clean:  ## Remove the environment, caches and outputs.
	rm -rf $(VENV) build dist *.egg-info demo-output htmlcov .coverage \
		.mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
