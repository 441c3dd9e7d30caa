# Everything needs only git, make and Python 3.11 or newer; the environment lives in .venv.
# `make` alone lists the targets.

PYTHON ?= python3
UV_VERSION := 0.13.8
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.stamp
PLOT := results/digits.svg
ENGINE ?= docker
IMAGE ?= sparsesweep

# Compiled modules halve the start of every command and worker; they are written on first use.
unexport PYTHONDONTWRITEBYTECODE

.DELETE_ON_ERROR:
.PHONY: help install demo test lint format lock image clean distclean

help:
	@echo "make demo       train the shipped study 'digits' on a local Ray, print its table, write its plot"
	@echo "make test       run the tests (CI=true adds those marked slow, ray, slurm, gpu, browser)"
	@echo "make lint       check style, formatting, types and the Dockerfile"
	@echo "make format     rewrite the code in the project's format"
	@echo "make install    make .venv with the locked environment (every target above does so when needed)"
	@echo "make lock       resolve requirements.lock anew from pyproject.toml"
	@echo "make image      build the container image (ENGINE=podman for another engine than docker)"
	@echo "make clean      remove caches; make distclean also removes .venv. Neither touches results/"

install: $(STAMP)

# Without a stamp whatever is in .venv may be the half of an installation that was killed: begin anew.
# `--no-deps` because the lock is complete, and because torchattacks pins an old `requests`.
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	    || { echo "Python 3.11 or newer is needed; name one: make PYTHON=python3.12"; exit 1; }
	@test -e $@ || { set -x; $(PYTHON) -m venv --clear $(VENV); }
	@rm -f $@
	@if $(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION); then \
	    installer="$(BIN)/uv pip install --python $(BIN)/python"; \
	else \
	    echo "uv cannot be installed here; going on with pip"; \
	    installer="$(BIN)/python -m pip install --disable-pip-version-check"; \
	fi; \
	set -ex; \
	$$installer --quiet --no-deps --require-hashes -r requirements.lock; \
	$$installer --quiet --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(STAMP)
	$(BIN)/sparsesweep run digits --backend ray
	$(BIN)/sparsesweep table digits
	$(BIN)/sparsesweep plot digits --output $(PLOT)

test: $(STAMP)
	$(BIN)/python -m pytest

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/hadolint Dockerfile

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --extra dev \
	    --custom-compile-command "make lock" --output-file requirements.lock pyproject.toml

image:
	@$(ENGINE) info >/dev/null 2>&1 || { \
	    echo "No image can be built: '$(ENGINE) info' fails, so no container engine answers here."; \
	    echo "Start docker, or name another engine: make image ENGINE=podman"; \
	    exit 1; \
	}
	$(ENGINE) build --build-arg UV_VERSION=$(UV_VERSION) --tag $(IMAGE) \
	    --build-arg REVISION=$(shell git describe --always --dirty --abbrev=40 2>/dev/null || echo unknown) .

clean:
	rm -rf build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -path ./$(VENV) -prune -o -name __pycache__ -type d -exec rm -rf {} +

distclean: clean
	rm -rf $(VENV)
