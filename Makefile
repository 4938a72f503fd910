# `make demo` is where to begin. Everything lives in .venv, data/ and .dagster/.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.DEFAULT_GOAL := help
.PHONY: help setup demo train-demo dev ingest test lint types check aligner clean

help:  ## what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

setup: $(READY)  ## the environment, in .venv

.dagster/dagster.yaml:
	@mkdir -p .dagster && ln -s ../dagster.yaml $@

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q -c constraints.txt $(PIP_OPTIONS) -e '.[dev]'
	@touch $(READY)

demo: $(READY)  ## the demo songs, from files to training shards
	@$(BIN)/melisma demo

train-demo: $(READY)  ## a song model on the demo songs: three stages, samples, scores, in some twelve minutes
	@$(BIN)/melisma demo
	@$(BIN)/melisma train demo --size demo

dev: $(READY) .dagster/dagster.yaml  ## Dagster's page with all of it, on http://localhost:3000
	DAGSTER_HOME=$(CURDIR)/.dagster $(BIN)/dagster dev

ingest: $(READY)  ## your own music: make ingest SOURCE=/my/music
	@test -n "$(SOURCE)" || { echo 'say where your music is: make ingest SOURCE=/my/music'; exit 2; }
	@$(BIN)/melisma ingest "$(SOURCE)" --seal
	@$(BIN)/melisma run

test: $(READY)  ## the tests
	$(BIN)/python -m pytest

lint: $(READY)
	$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

check: lint types test  ## what CI runs
	$(BIN)/dg check defs

aligner: $(READY)  ## the CTC head anew: makes its audio, trains it (see bench/README.md)
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[dev,bench]'
	$(BIN)/python -m bench.ctc_audio --out data/aligner-audio
	$(BIN)/python -m training.ctc_head --audio data/aligner-audio --out resources/weights/ctc_head.safetensors
	$(BIN)/python bench/songmaker/songmaker.py --out data/gauge --count 44 --seed 660022 --voices kal,kate --jobs 2
	$(BIN)/python -m bench.ctc_timing data/gauge

clean:  ## takes away what was made here: data/ and .dagster/
	rm -rf data .dagster
