# Each target sets up what it needs; a second call costs nothing.
PYTHON ?= python3
UV := 0.13.9
PIP_AUDIT := 2.10.1
AXE_CORE := 4.14.1
AXE := .venv/axe-$(AXE_CORE)/node_modules/axe-core/axe.min.js
BIN := .venv/bin
WORKERS ?= $(shell expr $$(nproc 2>/dev/null || echo 3) + 1)
READY := .venv/.ready

.DEFAULT_GOAL := help
.PHONY: help setup demo dev test test-all services browser bench reliability docs pictures lint audit lock clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(READY)  ## make .venv with everything in it, pinned

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
		|| { echo "calls_assets needs Python 3.11 to 3.13, and $(PYTHON) is something else: try make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing the pinned packages into .venv (once, about a minute) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode --require-hashes -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

demo: setup  ## run the real pipeline on the sandbox for the last 35 days and print the three answers
	@$(BIN)/calls-assets demo

dev: setup  ## the Dagster UI: on the sandbox, or on your account where CALLS_API_URL is set
	@$(BIN)/calls-assets dev

PYTEST = $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --durations 15

test: setup  ## the tests, in about eight minutes on two cores, but for the slow ones and what needs services or a browser
	@$(PYTEST) -m "not slow and not services and not browser"

test-all: setup  ## what make test leaves out: the slow tests, and every example of the properties; about eleven minutes
	@$(PYTEST) -m "(slow or examples) and not services and not browser" --hypothesis-profile all

services: setup  ## the tests on PostgreSQL, Redis, Celery workers and nginx; needs Debian's postgresql, redis-server and nginx-light
	@$(BIN)/python -m pytest -m services

browser: setup $(AXE)  ## the tests in a real browser; needs Debian's chromium, chromium-driver and npm
	@AXE=$(AXE) $(BIN)/python -m pytest -m browser

$(AXE):
	@npm install --silent --no-save --no-package-lock --prefix $(firstword $(subst /node_modules, ,$(AXE))) axe-core@$(AXE_CORE)

bench: setup  ## measure this project beside the floor and its peers, into docs/performance.md; about half an hour
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r bench/requirements.lock
	@$(BIN)/python bench/run.py

reliability: setup  ## run every bad night and attack, and write the tables of docs/reliability.md and docs/security.md
	@STOPS=9 $(BIN)/python -m pytest -q --hypothesis-profile all -n $(WORKERS) --dist worksteal -o timeout=3600 --junitxml=.pytest_cache/nights.xml $(addprefix calls_assets_tests/, \
		test_display.py test_loopback.py api commands/test_main.py commands/test_spreadsheet.py commands/test_sql.py dagster/test_alerts.py \
		dagster/test_home.py dagster/test_webserver.py metrics/test_connection.py report sandbox/test_attacked.py \
		system/test_any_account.py system/test_bad_records.py system/test_broken_files.py system/test_crashes.py \
		system/test_hostile_words.py system/test_nights.py system/test_secrets.py tables/test_store.py)
	@$(BIN)/python calls_assets_tests/reliability.py .pytest_cache/nights.xml docs

docs: setup  ## make docs/tables.md and .env.example anew from the code
	@$(BIN)/python -c "from calls_assets.tables.markdown import dictionary_page; print(dictionary_page(), end='')" > docs/tables.md
	@$(BIN)/python -c "from calls_assets.env_file import env_example; print(env_example(), end='')" > .env.example

pictures: setup  ## draw the docs' pictures anew from the demo's centre; needs Debian's chromium and chromium-driver
	@$(BIN)/python calls_assets_tests/pictures.py docs

lint: setup  ## ruff and mypy
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

audit: setup  ## ask of every pinned package whether a vulnerability is known; Error 3 where nobody could be asked
	@$(BIN)/python calls_assets_tests/audit.py requirements.lock deploy/requirements.lock bench/requirements.lock -- \
		$(BIN)/uv tool run --quiet pip-audit==$(PIP_AUDIT) --disable-pip --require-hashes --progress-spinner off

COMPILE = $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --quiet \
	--custom-compile-command "make lock"

lock: setup  ## pin every package anew
	$(COMPILE) --group dev --all-extras --output-file requirements.lock pyproject.toml
	$(COMPILE) --group bench --all-extras --constraint requirements.lock --output-file bench/requirements.lock pyproject.toml
	$(COMPILE) $(addprefix --extra ,alerts cluster kubernetes postgres s3) --constraint requirements.lock --override deploy/without.txt --output-file deploy/requirements.lock pyproject.toml

clean:  ## remove .venv and what the demo wrote; never your own data
	rm -rf .venv .calls_assets build dist
