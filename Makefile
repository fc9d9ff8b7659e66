# Everything from a fresh checkout: `make train`, `make test`. Needs Python 3.11 or newer, and make.
PYTHON ?= python3
BIN := .venv/bin
, := ,
TYPED := $(subst $() ,$(,),$(addprefix eggroll_ray.,lowrank.parameter es.noise rl.normalize))
ENVIRONMENT := .venv/environment
INSTALLED := .venv/installed
DOCS_INSTALLED := .venv/docs
# Without compiling every module of every package at once: Python does that for those that are imported.
INSTALL := $(BIN)/python -m pip install --quiet --no-compile --constraint constraints.txt

.PHONY: train test test-slow docs docs-notebooks mutation bench bench-full lint format clean

# Only what training CartPole needs; the suites and the tools of the tests come with `make test`.
train: $(ENVIRONMENT)
	$(BIN)/eggroll-ray train --env gymnax/CartPole-v1 --target 475 --workers 2

# Shapes and types of arrays are checked in the first half; what they are checked by cannot travel to Ray's workers.
test: lint docs
	$(BIN)/python -m pytest -n auto --dist worksteal -m "not slow and not ray" --jaxtyping-packages=$(TYPED),beartype.beartype
	$(BIN)/python -m pytest -m "ray and not slow" $$(grep -rl --include="test_*.py" "mark[.]ray" tests)

test-slow: $(INSTALLED) $(DOCS_INSTALLED)
	$(BIN)/python -m pytest -m slow --timeout 3600

# The documentation site, into build/docs; a warning is an error. Nothing is fetched but the packages.
docs: $(DOCS_INSTALLED)
	$(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going docs build/docs
	@echo "open build/docs/index.html"

# Runs the notebooks of the site again and writes their outputs into them: some minutes.
docs-notebooks: $(DOCS_INSTALLED)
	$(BIN)/python docs/notebooks/execute.py

# Changes one module in many ways, and counts what its tests notice: make mutation MODULE=es.shaping
mutation: $(INSTALLED)
	$(INSTALL) --editable ".[mutation]"
	$(BIN)/python -m tests.mutation $(MODULE)

# The rows that decide, in about five minutes, printed; the whole suite, in about two hours, into bench/. Its last part
# asks for the program dieharder. Not in it: benchmarks.peers.end_to_end, whose peers need environments of their own.
bench: $(INSTALLED)
	$(BIN)/python -m benchmarks.speed.speed --short

bench-full: $(INSTALLED)
	for part in speed.speed speed.linear speed.memory speed.compile cluster.plan rl.laws noise.noise_quality; do \
	  echo "benchmarks.$$part"; $(BIN)/python -m benchmarks.$$part --docs bench || exit; \
	done

lint: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright

format: $(INSTALLED)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

$(ENVIRONMENT): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "eggroll_ray needs Python 3.11 or newer; set PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(INSTALL) --editable ".[gymnax,report]"
	touch $@

$(INSTALLED): $(ENVIRONMENT)
	$(INSTALL) --editable ".[test]"
	$(INSTALL) --no-deps craftax kinetix-env  # they ask for pygame beside pygame-ce, or for an older JAX
	touch $@

$(DOCS_INSTALLED): $(ENVIRONMENT)
	$(INSTALL) --editable ".[docs]"
	touch $@

clean:
	rm -rf .venv .pytest_cache .ruff_cache .hypothesis build dist
