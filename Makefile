# Two commands are enough: `make run` and `make test`.
PYTHON ?= python3.11
VENV := .venv/bin
MAKEFLAGS += --no-print-directory

.DEFAULT_GOAL := help
.PHONY: help run demo test lint bench security leak-drill live-drill twenty-drill stream-drill skill-drill kill-drill walk-drill backup clean checked installed installed-test assets

help:
	@echo "Bolt. make <target>; settings are variables: make run PORT=8051 BOLT_DATA=/srv/bolt"
	@awk -F '## ' '/^[a-z-]+:.*## /{split($$1, t, ":"); printf "  make %-13s %s\n", t[1], $$2}' Makefile

run: checked installed assets ## install, check, start everything; Ctrl-C ends it
	@exec $(VENV)/python -m dashapp up

demo: checked installed assets ## as run, with the demo exchange whether or not a real one answers
	@DEMO=on exec $(VENV)/python -m dashapp up

test: lint assets ## lint, types, import law, then all tests against real servers
	@$(VENV)/python -m pytest -q -n $${TEST_WORKERS:-3} --dist loadfile

lint: installed-test ## ruff, types, import law, shell, container and schema checks
	@$(VENV)/ruff check .
	@$(VENV)/ruff format --check .
	@$(VENV)/mypy
	@$(VENV)/mypy docs/examples/bolt_client.py
	@$(VENV)/lint-imports
	@$(VENV)/shellcheck .ci/run deploy/*.sh
	@$(VENV)/hadolint Dockerfile
	@$(VENV)/check-jsonschema --builtin-schema vendor.compose-spec compose.yaml

bench: installed-test ## measure Bolt beside its peers, as ratios in one table
	@$(VENV)/python -m tests.bench

leak-drill: installed-test ## the leak lab with the LSTM as its probe, on planted leaks and clean pipelines
	@$(VENV)/python -m tests.leak_drill

skill-drill: installed-test ## the verdict on random walks and on a planted direction: SKILL=--full takes twenty walks
	@$(VENV)/python -m tests.drills.skill $(SKILL)

kill-drill: installed-test ## kill a walk-forward, then a training of one split, ten times each; one version must come of it
	@$(VENV)/python -m tests.drills.training_kills
	@$(VENV)/python -m tests.drills.training_kills --single

walk-drill: installed-test ## the walk-forward on hourly candles of six coins, with the reference folder, in an hour at most
	@$(VENV)/python -m tests.drills.walk_forward_real $(WALK)

security: installed-test assets ## scanners over the source, and over a desk of their own; about a quarter of an hour
	@deploy/security.sh
	@BOLT_REQUIRE_TOOLS=$${BOLT_REQUIRE_TOOLS-1} $(VENV)/python -m tests.security.scan $(STEPS)

live-drill: installed-test ## follow ten markets of replayed exchanges for 15 minutes, compare every candle: LIVE=--faults
	@$(VENV)/python -m tests.drills.live_replay $(LIVE)

twenty-drill: installed-test ## 5,000 candles of twenty markets within three minutes of following them
	@$(VENV)/python -m tests.drills.follow_twenty $(TWENTY)

stream-drill: installed-test ## 200 browsers listen while 50 people use the desk
	@$(VENV)/python -m tests.drills.streams

backup: installed ## one file with the database and the models: make backup FILE=bolt.tar
	@$(VENV)/python -m dashapp backup $(FILE)

clean: ## remove .venv and caches; never touches BOLT_DATA
	rm -rf .venv .venv-security .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -not -path './var/*' -prune -exec rm -rf {} +

installed:
	@command -v $(PYTHON) >/dev/null || { echo "Bolt needs Python 3.11: install it (Debian: apt install python3.11 python3.11-venv), or name it: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@PYTHON=$(PYTHON) deploy/install.sh run

checked: # before a start only: a backup is taken while Bolt runs
	@command -v $(PYTHON) >/dev/null || exit 0; $(PYTHON) -m dashapp.supervisor.preflight

installed-test:
	@PYTHON=$(PYTHON) deploy/install.sh test

assets:
	@$(VENV)/python -m dashapp build-assets
