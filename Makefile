# The two commands of the README are `make demo` and `make test`; both call `setup` by themselves.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: setup demo test test-slow check bench clean

setup: .venv/.installed

.venv/.installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
# torch first and pinned: a later, unpinned resolution would fetch gigabytes of CUDA.
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt torch
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

demo: setup
	$(BIN)/delineate demo --out demo-ultrasound --overwrite

test: check
# One process a core, and one thread a process: more would only wait for each other.
	OMP_NUM_THREADS=1 $(BIN)/pytest -n auto -m "not slow"

test-slow: setup
	$(BIN)/pytest -m slow

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup
	$(BIN)/python -m benchmarks

clean:
	rm -rf .venv demo-*
