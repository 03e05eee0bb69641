# Every target sets up .venv by itself; `make demo` and `make test` are all a newcomer needs.
# Variables: PYTHON (a Python 3.11 or newer), DEMO_USER (a MovieLens-100K user id), PYTEST_ARGS, EVAL_DATA (a folder
# with real benchmark files for eval-smoke, in folders such as locomo and prefeval).
# DEMO_USER is not called USER because make inherits that one from the shell.

PYTHON ?= python3
DEMO_USER ?= 196
PYTEST_ARGS ?=
EVAL_DATA ?=
GPU_MODEL ?=

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.stamp
# vLLM pins its own versions of nearly everything, so it lives by itself; where there is no GPU this is its build for processors.
VLLM_VENV := .venv-vllm
VLLM_STAMP := $(VLLM_VENV)/.stamp
VLLM_PYTHON ?= $(VLLM_VENV)/bin/python

.DEFAULT_GOAL := help
.PHONY: help venv demo conversations test test-engine test-data test-vllm bench-gpu test-ray test-train test-crash test-isolation eval-smoke coverage lint format types layers docs build clean

help: ## Show the targets.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-14s %s\n", $$1, $$2 }'

# The stamp is written last, so an interrupted set-up is started afresh and never taken for a finished one.
$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "limner needs Python 3.11 or newer, and $(PYTHON) is %d.%d; name another one: make PYTHON=python3.11 ..." % sys.version_info[:2])'
	@test -f $@ || rm -rf $(VENV)
	@rm -f $@
	@echo "Setting up $(VENV); the first time this takes a few minutes and downloads about 1 GB."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -qq --upgrade pip
	$(BIN)/pip install -qq torch==2.13.0
	$(BIN)/pip install -qq -c constraints.txt -e '.[embedded,convert,lenskit,implicit,evals,ray,train,dev,docs]'
	@touch $@

$(VLLM_STAMP): tests/vllm/environment.py
	rm -rf $(VLLM_VENV)
	@echo "Setting up $(VLLM_VENV); the first time this takes a few minutes and downloads about 1 GB."
	$(PYTHON) -m venv $(VLLM_VENV)
	$(VLLM_VENV)/bin/python tests/vllm/environment.py
	@touch $@

venv: $(STAMP) ## Create .venv with everything that developing takes.

demo: $(STAMP) ## Draw a portrait of a MovieLens user and recommend from it (DEMO_USER=196).
	$(BIN)/limner demo --user $(DEMO_USER)

test: $(STAMP) ## Run the tests: no network, no model.
	$(BIN)/pytest -n logical --maxprocesses 4 --dist loadfile $(PYTEST_ARGS)

test-engine: $(STAMP) ## Run the tests that drive the embedded engine on a small real model.
	$(BIN)/pytest -m engine $(PYTEST_ARGS)

test-data: $(STAMP) ## Run the tests on MovieLens-100K, which is fetched first.
	$(BIN)/limner data fetch ml-100k
	$(BIN)/pytest -m data $(PYTEST_ARGS)

test-vllm: $(STAMP) $(if $(filter $(VLLM_VENV)/%,$(VLLM_PYTHON)),$(VLLM_STAMP)) ## Run the tests that drive real vLLM, on the processor (VLLM_PYTHON=another one's Python, VLLM_MODEL=folder).
	VLLM_PYTHON=$(VLLM_PYTHON) $(BIN)/pytest -m vllm tests/vllm $(PYTEST_ARGS)

test-ray: $(STAMP) ## Run the batch reflection on a Ray cluster of this machine, and kill its workers.
	$(BIN)/pytest -m ray tests/cluster $(PYTEST_ARGS)

bench-gpu: $(STAMP) ## Measure serving on a GPU, and run its tests there (VLLM_PYTHON=a Python with vLLM, GPU_MODEL=name or folder).
	$(BIN)/python benchmarks/gpu.py $(if $(filter-out $(VLLM_VENV)/%,$(VLLM_PYTHON)),--vllm-python $(VLLM_PYTHON)) $(if $(GPU_MODEL),--model $(GPU_MODEL))

test-train: $(STAMP) ## Train an adapter on a tiny model, and kill the training (LettinGo).
	$(BIN)/pytest -m train $(PYTEST_ARGS)

test-crash: $(STAMP) ## Kill processes two hundred times, and let eight write at once (minutes; CRASH_SEED=1).
	$(BIN)/pytest -m crash $(PYTEST_ARGS)

test-isolation: $(STAMP) ## Let users do ten thousand things, and look for one's in another's (minutes; ISOLATION_SEED=1).
	$(BIN)/pytest -m isolation $(PYTEST_ARGS)

eval-smoke: $(STAMP) ## Run a few items of every benchmark on a small real model.
	$(BIN)/limner data fetch ml-100k
	$(BIN)/python benchmarks/eval_smoke.py $(if $(EVAL_DATA),--data $(EVAL_DATA))

conversations: $(STAMP) ## Let simulated seekers hold 1,000 conversations with limner on MovieLens-100K, without a model (tens of minutes).
	$(BIN)/limner data fetch ml-100k
	$(BIN)/limner eval conversation --data ml-100k --half dev --conversations 1000 --systems base,limner --strict

coverage: $(STAMP) ## Run the tests and report which lines they leave out.
	$(BIN)/pytest --cov --cov-report=term-missing:skip-covered $(PYTEST_ARGS)

lint: $(STAMP) ## Check style and formatting.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(STAMP) ## Mend style and formatting.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(STAMP) ## Check types, strictly.
	$(BIN)/mypy

layers: $(STAMP) ## Check that imports run downwards only.
	$(BIN)/lint-imports

docs: $(STAMP) ## Build the documentation into site/.
	$(BIN)/mkdocs build --strict

build: $(STAMP) ## Build the sdist and, from it, the wheel into dist/.
	rm -rf dist
	$(BIN)/python -m build --quiet --outdir dist .

clean: ## Remove what the other targets made.
	rm -rf $(VENV) $(VLLM_VENV) build dist site src/limner.egg-info .coverage .coverage.* htmlcov \
		.pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks .import_linter_cache
	find src tests examples benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
