#!/usr/bin/env bash
# Sets everything up, then checks everything:  bash scripts/test.sh [options of pytest]
# In order: self-check of the installation, lint, types, documentation, notebooks (fast mode), tests.
# The first stage that fails ends the run; pytest's summary is the last line.
# Most of the time is compilation, and XLA's older emitters for CPUs need two thirds of it. They are used for notebooks
# and tests, unless options are given: `bash scripts/test.sh -m slow` and the self-check compile as users do.

. "$(dirname "$0")/_environment.sh"
prepare_environment dask,ase,notebook,test,lint,docs
export PATH="$PWD/.venv/bin:$PATH" MPLBACKEND=Agg JUPYTER_PREFER_ENV_PATH=1
started=$SECONDS
older_emitters="--xla_cpu_use_fusion_emitters=false"
(($#)) && older_emitters=""

stage() {
    heading "$1 ($((SECONDS - started)) s)"
    shift
    "$@" || stop "FAILED: $*"
}

selfcheck() {
    python -c 'import sys, diffneq; report = diffneq.selfcheck(); print(report); sys.exit(not report.passed)'
}

notebooks() {
    if ! compgen -G "notebooks/*.ipynb" >/dev/null; then
        echo "no notebooks yet"
        return
    fi
    DIFFNEQ_FAST=1 python -m pytest -q -n 2 --nbmake --nbmake-timeout=600 --nbmake-kernel=python3 notebooks/*.ipynb
}

stage "self-check of the installation" selfcheck
stage "lint: ruff" ruff check .
stage "types: pyright" pyright
stage "documentation: sphinx" sphinx-build -q -W --keep-going -b html docs docs/_build/html
export XLA_FLAGS="${XLA_FLAGS:-} $older_emitters"
stage "notebooks, fast mode" notebooks
stage "tests: pytest, two processes" python -m pytest -n 2 --dist loadfile "$@"
