# Two commands matter: `make run` and `make test`. Everything else is in CONTRIBUTING.md.
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
PYTEST ?=

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev ccxt apprise run test check fmt bench soak messages lock clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

$(VENV)/.run: requirements/run.txt pyproject.toml tools/python.sh
	@echo "Setting up Liqwatch (Python packages) ..."
	@tools/python.sh $(VENV) requirements/run.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.web: bot/web/frontend/package-lock.json tools/frontend.sh | $(VENV)/.run
	@echo "Setting up Liqwatch (front-end libraries) ..."
	@tools/frontend.sh
	@touch $@

$(VENV)/.warm: $(VENV)/.run
	@echo "Setting up Liqwatch (compiling the engine, once) ..."
	@$(BIN)/python -m bot warm
	@touch $@

$(VENV)/.dev: requirements/dev.txt | $(VENV)/.run
	@echo "Setting up Liqwatch (tools for tests and checks) ..."
	@tools/python.sh $(VENV) requirements/dev.txt
	@touch $@

setup: $(VENV)/.run $(VENV)/.web $(VENV)/.warm ## set everything up (run and test do it by themselves)
	@if [ ! -d bot/web/frontend/node_modules ]; then rm -f $(VENV)/.web; $(MAKE) --no-print-directory $(VENV)/.web; fi

setup-dev: setup $(VENV)/.dev

ccxt: $(VENV)/.run ## add ccxt, through which venues are read that have no adapter of their own
	@tools/python.sh $(VENV) requirements/ccxt.txt

apprise: $(VENV)/.run ## add apprise, through which alerts go to services that have no channel of their own
	@tools/python.sh $(VENV) requirements/apprise.txt

run: setup ## start Liqwatch: make run ARGS="--port 8081"
	@exec $(BIN)/liqwatch run $(ARGS)

test: setup-dev ## run the whole test suite: make test PYTEST="-k zones"
	@tools/test.sh $(PYTEST)

check: setup-dev ## lint, formatting, types, import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fmt: setup-dev ## format and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup-dev ## run every benchmark and print its figures
	@for name in $$($(BIN)/liqwatch bench --names); do $(BIN)/liqwatch bench $$name || exit 1; done

soak: setup-dev ## what is too long for CI: kill loops, thousands of examples
	$(BIN)/python -m pytest -m soak -p no:randomly --timeout 3600 $(PYTEST)
	HYPOTHESIS_PROFILE=soak $(BIN)/python -m pytest -q -m "not soak" --timeout 3600 tests/engine tests/commands/test_parse.py

messages: setup-dev ## renew the catalogues of the languages from the code
	$(BIN)/python -m bot.lang.messages

lock: ## renew the lock files (needs uv)
	tools/lock.sh

clean: ## remove what set-up made (never your data directory)
	rm -rf $(VENV) bot/web/frontend/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage*
