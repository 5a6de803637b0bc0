# Every target bootstraps what it needs on a fresh machine and is quick when nothing changed:
# what a step made is its stamp. `make` alone lists the targets.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# Only to create .venv; everything else runs inside it.
PYTHON ?= python3
# For `make run` and the test targets: ARGS="-k offer -x".
ARGS ?=
# For the benchmarks: BENCH_ARGS="--rate 5000".
BENCH_ARGS ?=
# `make chaos FAULTS=200 SEED=7`: so many random faults, from this seed, and a long simulation.
FAULTS ?=
SEED ?=
# `make sim RUNS=10000 FROM=2001`: so many simulations of each kind, from this seed on.
RUNS ?=
FROM ?=
# `make fuzz SECONDS=600`, or RUNS=1000000: how long.
SECONDS ?=
# `make lock UPGRADE=1` takes newer versions.
UPGRADE ?=

# What `make bench` runs; grows with bench/.
BENCHES ?= start offer rescore match journal email idle storm push day failover

VENV := .venv
BIN := $(VENV)/bin
# The lock is complete, so there is nothing to resolve (--no-deps); Python compiles what it
# imports when it imports it (--no-compile). Both halve the wait on a fresh machine.
# -qq: a mirror's warnings are not ours.
PIP := $(BIN)/python -m pip install -qq --no-deps --no-compile
PYTEST := $(BIN)/python -m pytest
NPM := scripts/npm --prefix push/web

# Python keeps what it compiled, also where the environment says otherwise (images do): a node
# that compiles its eight hundred modules at each start takes twice as long, and tests start many.
export PYTHONDONTWRITEBYTECODE :=

# Whoever sets CI wants nothing skipped: tests/conftest.py reads it, and so does scripts/peers.
ifdef CI
export CI
endif

.PHONY: help run test unit integration sim e2e chaos fuzz web-test check fmt bench shots web lock \
	peers wheel clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z][a-zA-Z0-9%_-]*:.*## / { sub(/%/, "NAME", $$1); printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

## ── the main job ────────────────────────────────────────────────────────────────────────

run: $(VENV)/.base push/static/index.html ## the demo: nothing to configure, opens every channel on loopback (ARGS)
	@exec $(BIN)/switchroom demo $(ARGS)

## ── tests ───────────────────────────────────────────────────────────────────────────────

# Workers beside one another. Pure tests keep a processor each busy; tests with real services
# mostly wait for them. A module stays with one worker, which has its own PostgreSQL, Dovecot and
# browser; those marked `long` come first. ARGS="-n 0" does without workers.
BUSY := -n logical --dist loadgroup
WAITING := --dist loadfile --no-loadscope-reorder -n
# Where a stage's tests are (tests/unit/test_house.py holds it): every worker looks at each file.
# Or where ARGS says: make integration ARGS=tests/store/test_faults.py
in = $(or $(filter tests/%,$(ARGS)),$1) $(filter-out tests/%,$(ARGS))
WITH_SERVICES = $(shell grep -rl --include='test_*.py' 'mark\.integration' tests | sort)

# Each stage runs by itself too; a stage that collects no test fails, as pytest means it.
# Half of the kills that `make chaos` makes.
test: export CHAOS_ROUNDS ?= 25
test: peers $(VENV)/.dev push/static/index.html ## every test, in stages; with CI set nothing is skipped
	@scripts/stages unit 'sim&' integration e2e+chaos web-test

unit: $(VENV)/.dev ## the quick ones: pure parts, no services, some two minutes (ARGS)
	@$(PYTEST) $(BUSY) --ignore=tests/e2e --ignore=tests/chaos \
		-m "not integration and not e2e and not chaos and not sim" $(ARGS)

sim: $(VENV)/.dev ## seeded simulations of one node and of several on a virtual clock (ARGS, RUNS, FROM)
	@$(if $(RUNS),SIM_RUNS=$(RUNS) SIM_CLUSTER_RUNS=$(RUNS)) $(if $(FROM),SIM_FROM=$(FROM)) \
		$(PYTEST) $(BUSY) -m sim $(call in,tests/sim)

integration: $(VENV)/.dev ## against real peers: PostgreSQL, Dovecot, SMTP (ARGS)
	@$(PYTEST) $(WAITING) 4 -m integration --durations=5 $(call in,$(WITH_SERVICES))

e2e: $(VENV)/.dev push/static/index.html ## journeys in Chromium, from customer to agent and back (ARGS)
	@$(PYTEST) $(WAITING) 2 -m e2e --durations=5 $(call in,tests/e2e)

chaos: $(VENV)/.dev push/static/index.html ## kill -9 and worse under load, then count what is lost or doubled (ARGS, FAULTS, SEED)
	@$(if $(FAULTS),CHAOS_FAULTS=$(FAULTS)) $(if $(SEED),CHAOS_SEED=$(SEED)) \
		$(PYTEST) $(if $(FAULTS),,$(WAITING) 3) --durations=5 -m chaos \
		$(call in,$(if $(FAULTS),tests/chaos/test_faults.py,tests/chaos))
	@$(if $(FAULTS),$(MAKE) sim RUNS=$(or $(RUNS),10000) FROM=$(or $(FROM),2001))

fuzz: $(VENV)/.fuzz ## mails that break the parser, led by what they reach in it (SECONDS, RUNS)
	@$(BIN)/python -m tests.support.fuzz \
		$(if $(RUNS),--runs $(RUNS)) $(if $(SECONDS),--seconds $(SECONDS))

web-test: push/web/node_modules/.package-lock.json ## types and unit tests of the web app
	@$(NPM) run --silent check
	@$(NPM) run --silent --if-present test

## ── checks ──────────────────────────────────────────────────────────────────────────────

DOCS_TESTS := $(wildcard tests/docs tests/test_docs*.py tests/*/test_docs*.py)

docs: $(VENV)/.dev ## write what the documents take from the code
	$(BIN)/python -m tests.support.documents

check: $(VENV)/.dev push/web/node_modules/.package-lock.json ## ruff, types, import contracts, TypeScript, docs
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy $(wildcard gateway channels push bench tests) hatch_build.py
	$(BIN)/lint-imports
	$(NPM) run --silent check
ifneq ($(DOCS_TESTS),)
	$(PYTEST) -q $(DOCS_TESTS)
endif

fmt: $(VENV)/.dev ## let ruff mend what it can
	@$(BIN)/ruff check --fix-only
	@$(BIN)/ruff format

## ── benchmarks ──────────────────────────────────────────────────────────────────────────

bench: $(addprefix bench-,$(BENCHES)) ## all benchmarks, one JSON line each (BENCH_ARGS)

# .NOTPARALLEL keeps `make -j bench` from measuring two at once.
.NOTPARALLEL:
bench-%: $(VENV)/.bench push/static/index.html ## one benchmark, e.g. make bench-offer (BENCH_ARGS)
	@$(BIN)/python -m bench $* $(BENCH_ARGS)

## ── the web app ─────────────────────────────────────────────────────────────────────────

shots: peers $(VENV)/.dev push/static/index.html ## screenshots of every page into var/shots/
	@$(BIN)/python -m tests.support.shots

web: push/static/index.html ## build push/web into push/static, if a source changed

WEB_SOURCES := $(shell find push/web \( -name node_modules -o -name tests -o -name dev \) -prune -o -type f -print 2>/dev/null)

push/static/index.html: push/web/node_modules/.package-lock.json $(WEB_SOURCES)
	@$(NPM) run --silent build
	@touch $@

# npm writes this file last, whoever calls it: its age is the age of node_modules.
push/web/node_modules/.package-lock.json: push/web/package-lock.json
	@$(NPM) ci --no-audit --no-fund
	@touch $@

## ── the floor ───────────────────────────────────────────────────────────────────────────

# What runs the product.
$(VENV)/.base: requirements/base.in requirements/base.txt requirements/build.txt pyproject.toml hatch_build.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Switchroom needs Python 3.11 or later: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV) || \
		{ rm -rf $(VENV); echo "python3 has no venv module: apt install python3-venv" >&2; exit 1; }
	@echo "installing Python packages" >&2
	@$(PIP) --require-hashes -r requirements/base.txt
	@$(PIP) --require-hashes -r requirements/build.txt
	@$(PIP) --no-build-isolation --editable .
	@touch $@

# What tests and checks it.
$(VENV)/.dev: $(VENV)/.base requirements/dev.txt
	@echo "installing the tools for tests and checks" >&2
	@$(PIP) --require-hashes -r requirements/dev.txt
	@touch $@

# What changes inputs until something breaks.
$(VENV)/.fuzz: $(VENV)/.dev requirements/fuzz.txt
	@echo "installing the fuzzer" >&2
	@$(PIP) --require-hashes -r requirements/fuzz.txt
	@touch $@

# What it is measured against.
$(VENV)/.bench: $(VENV)/.dev requirements/bench.txt
	@echo "installing the benchmarks' peers" >&2
	@$(PIP) --require-hashes -r requirements/bench.txt
	@touch $@

lock: ## compile requirements/*.in and push/web/package.json again (UPGRADE=1)
	@scripts/lock $(if $(UPGRADE),--upgrade)

peers: ## install Dovecot, Exim, Chromium and fonts with apt, where it may
	@scripts/peers

wheel: $(VENV)/.dev push/static/index.html ## sdist and wheel, web app included, into dist/
	@rm -rf dist
	@$(BIN)/python -m build --no-isolation

clean: ## remove everything that make made here; var/ (your data) stays
	rm -rf $(VENV) dist push/static push/web/node_modules \
		.mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -not -path './var/*' -prune -exec rm -rf {} +
