#!/usr/bin/env bash
# Sets everything up, then checks everything:  bash scripts/test.sh [options of pytest]
# In order: self-check of the installation, lint, types, documentation, notebooks (fast mode), tests.
# The first stage that fails ends the run; pytest's summary is the last line.
# Nearly all of the time is compilation. XLA is asked for little optimisation in notebooks and tests, which halves it,
# unless options are given: the self-check and `bash scripts/test.sh -m slow` compile as users do.

. "$(dirname "$0")/_environment.sh"
prepare_environment dask,ase,notebook,test,lint,docs
export PATH="$PWD/.venv/bin:$PATH" MPLBACKEND=Agg JUPYTER_PREFER_ENV_PATH=1
started=$SECONDS
quick_compilation="--xla_cpu_use_fusion_emitters=false --xla_backend_optimization_level=0"
(($#)) && quick_compilation=""

stage() {
    heading "$1 ($((SECONDS - started)) s)"
    shift
    "$@" || stop "FAILED: $*"
}

selfcheck() {
    python -c 'import sys, diffneq; report = diffneq.selfcheck(); print(report); sys.exit(not report.passed)'
}

types_and_documentation() { # one process each, at the same time
    local report types failed=0
    report=$(mktemp)
    pyright >"$report" 2>&1 &
    types=$!
    sphinx-build -q -W --keep-going -b html docs docs/_build/html || failed=1
    wait "$types" || { cat "$report" && failed=1; }
    tail -n 1 "$report"
    rm -f "$report"
    return "$failed"
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
stage "types: pyright; documentation: sphinx" types_and_documentation
export XLA_FLAGS="${XLA_FLAGS:-} $quick_compilation"
stage "notebooks, fast mode" notebooks
stage "tests: pytest, two processes" python -m pytest -n 2 --dist loadfile "$@"
