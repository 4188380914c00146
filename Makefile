# `make demo` and `make test` need nothing but Python 3.11 or later; both make their own virtual environment.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test fast lint types layers check docs lock audit clean

demo: .venv/demo
	@$(BIN)/msgflash-apply demo

# All that CI runs; `make test T=tests/unit/plan` runs a folder, a file or one test, as often as one changes a line.
test: .venv/dev
ifdef T
	$(BIN)/pytest $(T)
else
	@.ci/prepare
	$(BIN)/pytest -n 3 --dist worksteal --cov=msgflash_apply/plan --cov=msgflash_apply/apply --cov=msgflash_apply/operations \
		--cov=msgflash_apply/state --cov=msgflash_apply/api \
		--cov-branch --cov-report=term-missing:skip-covered --cov-fail-under=100
endif

# What needs no server, no network and no root, but for the few tests that take seconds.
fast: .venv/dev
	$(BIN)/pytest -n 2 --dist worksteal -m 'not slow' tests/unit tests/golden tests/property

lint: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/dev
	$(BIN)/mypy

layers: .venv/dev
	$(BIN)/lint-imports

check: lint types layers test

docs: .venv/dev
	$(BIN)/python -m docs.generate

lock: .venv/dev
	.ci/lock

audit: .venv/dev
	.ci/audit

clean:
	rm -rf .venv .coverage .mypy_cache .ruff_cache .pytest_cache .hypothesis

.venv/bin/pip:
	$(PYTHON) -m venv .venv

# Locked and hashed: what was looked at is what runs. Without resolving (--no-deps): the locks are complete, and some versions
# of pip refuse them as soon as a newer release than the locked one exists. The build system comes from a lock as well.
INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check --no-deps

.venv/demo: .venv/bin/pip pyproject.toml .ci/build.txt .ci/runtime.txt
	@$(INSTALL) --require-hashes --requirement .ci/build.txt --requirement .ci/runtime.txt
	@$(INSTALL) --no-build-isolation --editable .
	@touch $@

.venv/dev: .venv/bin/pip pyproject.toml .ci/requirements.txt
	@$(INSTALL) --require-hashes --requirement .ci/requirements.txt
	@$(INSTALL) --no-build-isolation --editable .
	@touch $@ .venv/demo
