# make demo: the main job, live.   make test: everything.   make help: the rest.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PY := .venv/bin/python
NODE = $(shell cat .venv/node-program 2>/dev/null || command -v node)
NODE_PATHS = PATH="$(dir $(NODE)):$$PATH" WATTEST_NODE="$(NODE)"

WINDOWS ?= 0
STATE ?= .wattest/demo
ADVERSARY ?=
DEMO ?=

.PHONY: help setup demo trials test check format pytest contracts-test devnet-test bench costs coverage conservation mutants interfaces stories simulate sabotage kill-loop fuzz clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 16

setup: ## install everything the project needs into this folder
	@sh deploy/setup.sh

demo: setup ## the main job, live; WINDOWS=5 stops after five windows on chain; ADVERSARY=equivocate has a traitor
	@$(NODE_PATHS) $(PY) -m deploy.demo --windows $(WINDOWS) \
		--state $(STATE)$(if $(ADVERSARY),-$(ADVERSARY) --adversary $(ADVERSARY)) $(DEMO)

trials: setup ## the demo with each adversary in turn: all must be caught and pay
	$(NODE_PATHS) $(PY) -m deploy.demo.trials

STORY ?=
stories: setup ## one story a seed, end to end on a devnet of its own: STORY=001 tells that one
	@$(NODE_PATHS) $(PY) -m examples $(STORY)

test: setup check pytest contracts-test devnet-test ## every check and every test

check: setup ## ruff, mypy strict, import-linter
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	.venv/bin/lint-imports

format: setup ## let ruff format and fix
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix .

pytest: setup
	$(NODE_PATHS) $(PY) -m pytest

contracts-test: setup
	cd contracts && $(NODE_PATHS) "$(NODE)" node_modules/vitest/vitest.mjs run

devnet-test: setup
	cd deploy/devnet && $(NODE_PATHS) "$(NODE)" --test --test-timeout=40000 tests/*.test.mjs

bench: setup ## the figures: agreement, contract costs, a year's audit
	$(NODE_PATHS) $(PY) -m benchmarks

costs: setup ## what each contract call and a whole window costs; writes contracts/COSTS.md
	cd contracts && $(NODE_PATHS) "$(NODE)" scripts/costs.mjs

coverage: setup ## which lines and branches of the contracts the tests run, and why not the rest: contracts/COVERAGE.md
	cd contracts && $(NODE_PATHS) "$(NODE)" scripts/coverage.mjs

RUNS ?= 10000
MODEL ?=
conservation: setup ## the contracts' books under random calls, against models: RUNS=10000 MODEL=marketplace
	cd contracts && RUNS=$(RUNS) $(NODE_PATHS) "$(NODE)" node_modules/vitest/vitest.mjs run $(if $(MODEL),$(MODEL)-conservation,conservation)

CONTRACT ?=
mutants: setup ## leave out each check of the contracts that hold money in turn and name those that no test notices: CONTRACT=roles
	cd contracts && $(NODE_PATHS) "$(NODE)" scripts/mutate.mjs $(addprefix --contract ,$(CONTRACT))

interfaces: setup ## what follows from the contracts: interfaces.json, EVENTS.md, then oracle/chain/suite
	cd contracts && $(NODE_PATHS) "$(NODE)" scripts/interfaces.mjs
	$(PY) -m oracle.chain.generator

SEED ?= 1
SEEDS ?= 100
HEIGHTS ?=
NODES ?=
SIMULATE ?=
simulate: setup ## many seeds, every adversary: SEEDS=100 or HEIGHTS=100000, SEED=1 NODES=4 ADVERSARY=equivocate
	$(PY) -m tests.simulation --seed $(SEED) $(if $(HEIGHTS),--heights $(HEIGHTS),--seeds $(SEEDS)) \
		$(if $(NODES),--nodes $(NODES)) --adversary $(or $(ADVERSARY),all) $(SIMULATE)

KILLS ?= 200
kill-loop: setup ## kill -9 at random moments over a running network, counted: KILLS=200 SEED=1
	$(NODE_PATHS) $(PY) -m tests.end_to_end.kill_loop --kills $(KILLS) --seed $(SEED)

JOBS ?= 2
sabotage: setup ## break each rule of the protocol in turn; every time a test must notice
	$(NODE_PATHS) $(PY) -m tests.sabotage --jobs $(JOBS)

SECONDS ?= 60
TARGET ?= all
fuzz: setup ## coverage-guided fuzzing of every parser: SECONDS=60 (each) TARGET=all
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-fuzz.lock
	$(PY) -m tests.fuzz --target $(TARGET) --seconds $(SECONDS) --keep

clean: ## remove what was installed and made here, but for the demo's state
	rm -rf .venv contracts/node_modules deploy/devnet/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis
