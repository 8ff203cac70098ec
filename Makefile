# Two commands do everything on a machine with Python 3.11 to 3.13 and make: `make demo` and `make test`.
PYTHON ?= python3
CORES ?= $(shell nproc 2>/dev/null || echo 2)
BIN := .venv/bin
INSTALL := $(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode --constraint envs/constraints.txt

.PHONY: demo test stress bench check format docs constraints clean

demo: .venv/installed
	$(BIN)/vidgauge demo-data demo-data
	$(BIN)/snakemake --cores $(CORES) --forcerun table # shows the table also where nothing is stale
	@echo "Report: results/demo/report.html"

test: .venv/installed-dev
	$(BIN)/pytest -n $(CORES) --dist worksteal -m "not stress"

stress: .venv/installed-dev
	rm -rf .stress && VIDGAUGE_STRESS_RECORD=$(CURDIR)/.stress $(BIN)/pytest -n $(CORES) --dist worksteal -m stress
	$(BIN)/python tests/reliability.py .stress # fills the table of docs/reliability.md

bench: .venv/installed-dev
	$(BIN)/python -m benchmarks.performance # with nothing else running; fills the tables of docs/performance.md

check: .venv/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/snakemake --lint
	$(BIN)/python docs/tables.py --check

format: .venv/installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/snakefmt Snakefile workflow

docs: .venv/installed-dev
	$(BIN)/python docs/tables.py

constraints: .venv/installed-dev
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --upgrade --all-extras --no-header --no-annotate \
	  --no-emit-index-url pyproject.toml --output-file envs/constraints.txt

clean:
	rm -rf results demo-data

.venv/uv:
	$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14) and "Python 3.11, 3.12 or 3.13 is needed, this is " + sys.version.split()[0] + ": make PYTHON=/path/to/python3.12 demo")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $$(grep '^uv==' envs/constraints.txt)
	@touch $@

.venv/installed: .venv/uv pyproject.toml envs/constraints.txt
	@echo "Installing into .venv (with PyTorch: about 6 GB) ..."
	$(INSTALL) --editable .
	@touch $@

.venv/installed-dev: .venv/installed
	$(INSTALL) --editable '.[dev]'
	@touch $@
