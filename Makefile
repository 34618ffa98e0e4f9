# Every habit of this project, one target each. `make` alone lists them.
# Set-up needs Python 3.11, git and a package index; the first target that needs it does it by itself.

PYTHON ?= python3
PYTEST ?=
DEMO ?=
CIRCLE ?=
TRAINER ?= $(HOME)/.cache/r2egym-trainer
BIN := .venv/bin
RAY_TESTS := tests/jobs/test_ray.py tests/rollouts/test_cluster.py
COMPILE = $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	--no-header --no-emit-index-url --no-emit-find-links

.DEFAULT_GOAL := help
.PHONY: help demo test lint types pytest test-system test-long trainer circle bench docs format lock clean setup setup-run setup-system

help: ## list these targets
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1|\2/p' Makefile | column -t -s '|' 2>/dev/null || \
	sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1: \2/p' Makefile

demo: setup-run ## the whole loop on the bundled repository, offline, without a model (DEMO="--out DIR" keeps it)
	@$(BIN)/r2egym demo $(DEMO)

test: lint types pytest ## linter, types, tests: what a change must pass

lint: setup ## the linter and the formatter's check
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .

types: setup ## strict types
	@$(BIN)/mypy --no-error-summary

pytest: setup ## the tests alone (PYTEST="-k word" for some of them)
	@$(BIN)/python -m pytest -m "not system and not long" -n auto --dist loadfile $(PYTEST)

test-long: setup ## what takes many minutes: the whole demo, naive graders against every cheat, 200 kills
	@$(BIN)/python -m pytest -m long -n auto --dist loadfile $(PYTEST)
	@R2EGYM_TEST_KILLS=200 R2EGYM_TEST_CALLS=10000 $(BIN)/python -m pytest tests/rollouts/test_kills.py tests/tools/test_fuzz.py

test-system: setup-system trainer ## what needs root, apt or heavy extras: fresh Debian roots, Docker, a browser, Ray, LLaMA-Factory
	@$(BIN)/python -m pytest tests/system $(RAY_TESTS) -m "not long" $(PYTEST)

trainer: ## LLaMA-Factory for CPUs in an environment of its own, 2 GB (TRAINER=DIR)
	@test -x $(TRAINER)/bin/llamafactory-cli || { \
	$(PYTHON) -m venv $(TRAINER) && $(TRAINER)/bin/pip install --quiet torch==2.13.0 && \
	$(TRAINER)/bin/pip install --quiet --no-deps --require-hashes -r train/requirements.txt; }

circle: setup-run trainer ## rollouts, export, training, serving, rollouts again, on a CPU (CIRCLE="--out DIR --epochs N")
	@$(BIN)/python train/circle/circle.py --venv $(TRAINER) $(CIRCLE)

bench: setup-run ## how fast it is here, against the references
	@$(BIN)/r2egym bench mining
	@$(BIN)/r2egym bench sandbox
	@$(BIN)/r2egym bench proof
	@$(BIN)/r2egym bench viewer

format: setup ## let the formatter and the linter mend what they can
	@$(BIN)/ruff check --quiet --fix . ; $(BIN)/ruff format .

docs: setup ## write the generated pages of docs/ from commands, records and columns
	@$(BIN)/python scripts/write_docs.py

lock: setup ## pin the newest versions of everything, by hash
	@$(COMPILE) pyproject.toml -o requirements/run.txt
	@$(COMPILE) pyproject.toml --group dev -c requirements/run.txt -o requirements/dev.txt
	@$(subst --universal,--python-platform linux,$(COMPILE)) pyproject.toml --group dev --extra ray --extra swebench -c requirements/dev.txt -o requirements/system.txt
	@$(COMPILE) requirements/build.in -o requirements/build.txt
	@echo uv | $(COMPILE) - --no-annotate -c requirements/run.txt -o requirements/uv.txt

setup: ## the environment with what tests and linters need
	@$(PYTHON) scripts/bootstrap.py dev

setup-run:
	@$(PYTHON) scripts/bootstrap.py run

setup-system:
	@$(PYTHON) scripts/bootstrap.py system

clean: ## remove what these targets made here (never the layers in R2EGYM_HOME)
	rm -rf .venv .uv .mypy_cache .ruff_cache .pytest_cache .hypothesis demo-out
	find src tests scripts -name __pycache__ -type d -prune -exec rm -rf {} +
