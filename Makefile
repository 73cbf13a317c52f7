# Every target does its own set-up; `make help` lists them.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
PORT   ?= 8080
AWS_PORT ?= 4566
STORE  ?= memory
# One process more than there are cores: tests often wait for processes of their own.
PROCESSES ?= $(shell $(PYTHON) -c 'import os; print(min(4, 1 + (os.cpu_count() or 1)))')
PARALLEL = --numprocesses $(PROCESSES) --dist loadfile

LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate
# What this checkout builds itself.
OURS = --no-emit-package sfn-workflow-manager

.DEFAULT_GOAL := help
.PHONY: help setup demo run test test-all check lint types imports fuzz clients openapi openapi-check docs dist lock fmt clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

setup: $(READY) ## make the virtual environment in .venv

$(READY): pyproject.toml sdk/pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed; name one with: make PYTHON=python3.12" >&2; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "Python cannot make virtual environments; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@echo "installing into $(VENV) (once) ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable './sdk[worker,local]' --editable '.[local,dev]'
	@touch $(READY)

demo: $(READY) ## run one workflow from end to end and show it
	@$(if $(filter dynamodb,$(STORE)),$(BIN)/python -m scripts.dynamodb_local) $(BIN)/workflow-manager demo --store $(STORE)

run: $(READY) ## start the service on the embedded AWS and stay up
	@exec $(BIN)/workflow-manager serve --local --store $(STORE) --port $(PORT) --aws-port $(AWS_PORT)

test: $(READY) ## run the tests
	@$(BIN)/pytest -q $(PARALLEL) -m "not slow"

test-all: $(READY) ## run the tests, the slow ones too
	@$(BIN)/pytest -q $(PARALLEL)

check: lint types imports openapi-check test ## everything that must hold before a commit

lint: $(READY)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(READY)
	@$(BIN)/mypy

imports: $(READY)
	@$(BIN)/lint-imports

fuzz: $(READY) ## drive the API with generated requests
	@$(BIN)/pytest -q -m slow tests/app/api

clients: $(READY) ## make clients from openapi.json and walk with them
	@tests/generated_clients/run

openapi: $(READY) ## write openapi.json
	@$(BIN)/workflow-manager openapi -o openapi.json

openapi-check: $(READY)
	@$(BIN)/workflow-manager openapi | diff -u openapi.json - || { echo "openapi.json is out of date; run: make openapi" >&2; exit 1; }

docs: $(READY) ## write the reference in docs/cli.md
	@$(BIN)/python -m scripts.cli_reference docs/cli.md

lock: $(READY) ## choose the newest versions of all packages anew
	@$(LOCK) $(OURS) pyproject.toml sdk/pyproject.toml --all-extras --upgrade --output-file constraints.txt
	@$(LOCK) $(OURS) --generate-hashes --constraint constraints.txt pyproject.toml --extra oidc --output-file deploy/image/service.txt
	@$(LOCK) $(OURS) --generate-hashes --constraint constraints.txt pyproject.toml --extra local --extra oidc --output-file deploy/image/local.txt
	@echo hatchling | $(LOCK) --generate-hashes - --output-file deploy/image/build.txt

dist: $(READY) ## build the wheels and source archives into dist/
	@rm -rf dist
	@$(BIN)/python -m build --no-isolation --outdir dist sdk
	@$(BIN)/python -m build --no-isolation --outdir dist .
	@$(BIN)/twine check --strict dist/*

fmt: $(READY) ## format the code
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .

clean: ## remove what the other targets made
	@rm -rf $(VENV) dist .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis
