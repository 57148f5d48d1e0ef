#!/usr/bin/env bash
# Sets everything up, then runs the main job, the driven conductor:  bash scripts/run.sh [options]
# The options are those of `diffneq conductor`; `bash scripts/run.sh --help` lists them.

. "$(dirname "$0")/_environment.sh"
prepare_environment core
exec .venv/bin/python -m diffneq conductor "$@"
