# make run    set everything up and serve the shop (PORT=5005)
# make test   set everything up and run all tests
# make check  style, types, layers
# make bench  measure, beside Rasa 3.6.21 where there is a Python 3.10 to install it with
PORT   ?= 5005
PYTHON ?= python3.11
VENV   := .venv
BIN    := $(VENV)/bin
PYTHON310 ?= $(shell python3.10 -c "import sys; print(sys.executable)" 2>/dev/null)
PIP    := $(BIN)/python -m pip --disable-pip-version-check

# PyTorch's own index has a build without CUDA; PyPI's build for Linux brings several GB of CUDA libraries along.
TORCH     := torch==2.13.0
CPU_INDEX := https://download.pytorch.org/whl/cpu

.PHONY: run test check bench lock clean
run: $(VENV)/installed
	@$(BIN)/shoptalk run --project . --port $(PORT)

test: $(VENV)/installed-dev
	$(BIN)/python -m pytest

check: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/architecture

bench: $(VENV)/installed-dev $(if $(PYTHON310),var/rasa/installed)
	$(BIN)/python -m benchmarks.run $(if $(PYTHON310),--rasa-python var/rasa/bin/python)

var/rasa/installed:
	$(PYTHON310) -m venv var/rasa
	var/rasa/bin/python -m pip install --quiet rasa==3.6.21
	@touch $@

lock: $(VENV)/installed-dev
	$(BIN)/python .ci/lock.py

clean:
	rm -rf $(VENV) var models

$(VENV)/bin/python:
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 is needed: apt-get install python3.11 python3.11-venv, or PYTHON=/path/to/python3.11 make"; exit 1; }
	$(PYTHON) -m venv $(VENV)

# With an NVIDIA GPU: PyPI's build. Without: the CPU build where it can be reached, else what pip finds.
$(VENV)/torch: $(VENV)/bin/python
	@if command -v nvidia-smi >/dev/null 2>&1 && nvidia-smi >/dev/null 2>&1; then \
	  echo "GPU found: installing $(TORCH) with CUDA"; $(PIP) install --quiet $(TORCH); \
	elif $(BIN)/python -c "import urllib.request as u; u.urlopen('$(CPU_INDEX)/torch/', timeout=5)" 2>/dev/null; then \
	  echo "installing $(TORCH), CPU build"; $(PIP) install --quiet --no-deps $(TORCH) --index-url $(CPU_INDEX); \
	else \
	  echo "installing $(TORCH); $(CPU_INDEX) can't be reached, so pip takes what it finds"; $(PIP) install --quiet $(TORCH); \
	fi
	@touch $@

$(VENV)/installed: $(VENV)/torch requirements.lock pyproject.toml
	@echo "installing what requirements.lock names"
	@$(PIP) install --quiet --no-deps -r requirements.lock
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed requirements-dev.lock
	@$(PIP) install --quiet --no-deps -r requirements-dev.lock
	@touch $@
