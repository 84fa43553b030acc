# Feira. `make` alone lists the targets.
PYTHON ?= python3
BIN    := .venv/bin
ARGS   ?=
TEST_JOBS ?= 2
TORTURE := tests/faults/test_torture.py::test_nothing_is_lost_and_nothing_happens_twice
BROKER_TESTS := $(addprefix tests/,faults/test_broker_under_load.py faults/test_flash_crowd.py journeys) \
                $(TORTURE)
LOCK   := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-strip-extras \
          $(if $(UPGRADE),--upgrade) pyproject.toml --extra build

# BROKER=kafka or rabbitmq starts one; a URL names one that is there (`up`, `bench`)
ifdef BROKER
export FEIRA_BROKER := $(BROKER)
endif

.DEFAULT_GOAL := help
.PHONY: help up kafka bench simulate mutants handlers test test-brokers on-kafka on-rabbitmq check lint fmt docs lock hooks python runtime dev clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

up: runtime $(filter kafka,$(BROKER)) ## Start the shop on this machine (Ctrl-C stops it; BROKER=kafka, rabbitmq or a URL)
	@exec $(BIN)/feira up $(ARGS)

kafka: python ## Have Maven fetch the jars of a single-node Apache Kafka into .cache/kafka
	@$(PYTHON) scripts/fetch_kafka.py

bench: runtime $(filter kafka,$(BROKER)) ## Measure purchases, accepts and reservations a second (BROKER= as above)
	@exec $(BIN)/feira bench $(ARGS)

simulate: dev ## Simulate 1,000,000 purchases with every fault (ARGS="--seeds 10" for less)
	@$(BIN)/feira simulate --seeds 1000 --orders 1000 $(ARGS)

test: dev kafka ## Run all tests (ARGS="-k saga" narrows them; FEIRA_REQUIRE=all forbids skips)
	@$(BIN)/python -m pytest --numprocesses $(TEST_JOBS) --dist loadgroup $(ARGS)

test-brokers: dev kafka ## Run all journeys and the broker's faults on Kafka and on RabbitMQ
	@echo "feira: on kafka and on rabbitmq, side by side; each tells its story when it has ended"
	@$(MAKE) --no-print-directory --jobs 2 --keep-going --output-sync=target on-kafka on-rabbitmq

on-kafka:
	@echo "feira: on kafka" && FEIRA_TEST_BROKER=kafka $(BIN)/python -m pytest $(BROKER_TESTS) $(ARGS)

on-rabbitmq:
	@echo "feira: on rabbitmq" && FEIRA_TEST_BROKER=rabbitmq $(BIN)/python -m pytest $(BROKER_TESTS) $(ARGS)

check: lint ## Check format, lint, types, imports and published messages; run the fast tests
	@$(BIN)/python -m pytest --quiet tests/unit tests/architecture

lint: dev ## The same without the tests
	@$(BIN)/ruff format --check
	@$(BIN)/ruff check
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python scripts/docs.py check

fmt: dev ## Format the code and mend what ruff can mend
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

docs: dev ## Write the documents that are made from the contracts (AsyncAPI, schemas, events.md)
	@$(BIN)/python scripts/docs.py write

mutants: dev ## Plant every known bug in a copy of the source: the tests must catch each (ARGS="--sample 8")
	@$(BIN)/python scripts/mutants.py $(ARGS)

handlers: dev kafka ## List the exception handlers that no test of units and adapters has executed
	@$(BIN)/python scripts/exception_coverage.py $(ARGS)

lock: dev ## Lock the dependencies of pyproject.toml (UPGRADE=1 takes the newest)
	@$(LOCK) --output-file requirements.lock
	@$(LOCK) --extra dev --constraints requirements.lock --output-file requirements-dev.lock

hooks: dev ## Run the checks before each commit
	@$(BIN)/pre-commit install

python: # any Python can say that it is too old
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("feira: needs Python 3.11 \
	or later, and $(PYTHON) is %d.%d: name another one, as in `make up PYTHON=python3.12`" \
	% sys.version_info[:2])'

runtime: python # .venv with what Feira needs to run
	@$(PYTHON) scripts/install.py runtime

dev: python # .venv with the tools of a developer too
	@$(PYTHON) scripts/install.py dev

clean: ## Remove .venv and the tools' caches (the shop's data in .feira/ stays)
	@rm -rf .venv .coverage .grimp_cache .hypothesis .import_linter_cache .mypy_cache \
	  .pytest_cache .ruff_cache build dist htmlcov
	@find src tests scripts -type d -name __pycache__ -prune -exec rm -rf {} +
