"""The conductor from its particles to the fluctuation-dissipation theorem: runs, estimators, table, pictures."""

from __future__ import annotations

import json
import os
import platform
import sys
import time

import jax
import numpy as np

import diffneq
from diffneq.json_record import as_json
from diffneq.options import ConductorOptions
from diffneq.studies.conductor.analysis import alternating, equilibrium, size_dependence, steady_state
from diffneq.studies.conductor.pictures import draw
from diffneq.studies.conductor.plan import Plan
from diffneq.studies.conductor.report import Report
from diffneq.studies.conductor.runs import Runs

__all__ = ["ConductorOptions", "Plan", "Report", "analyse", "run"]


def run(options: ConductorOptions) -> Report:
    """Everything that `diffneq conductor` does: run or resume, estimate, draw, write the table and the record."""
    devices = options.devices or jax.local_device_count()
    return study(Plan.of(options, devices), options.folder, options.resume, options.devices, options.progress)


def study(plan: Plan, folder, resume: bool = False, devices=None, progress: bool = True) -> Report:
    """The study of one plan; stores, table.txt, report.json and pictures go to `folder`.

    Raises:
        ValueError: where the folder holds the runs of another plan, or runs and no `resume`.
    """
    os.makedirs(folder, exist_ok=True)
    started = time.monotonic()
    runs = Runs(plan, folder, resume, devices, progress)
    parts = runs.equilibrium(), runs.constant_fields(), runs.multisine(), runs.sizes()
    provenance = _provenance(plan, parts[0], time.monotonic() - started)
    report = analyse(plan, *parts, provenance)
    if progress:
        print("pictures ...", file=sys.stderr, flush=True)
    report.pictures.extend(draw(report, folder))
    (folder / "table.txt").write_text(report.table() + "\n")
    (folder / "report.json").write_text(json.dumps(as_json(report.to_dict()), indent=1) + "\n")
    return report


def analyse(plan: Plan, undriven, constant, multisine, sizes, provenance=None) -> Report:
    """The estimators on the records of the runs."""
    still = equilibrium(plan, undriven)
    report = Report(
        plan,
        still,
        steady_state(plan, constant),
        alternating(plan, multisine, still.series),
        size_dependence(plan, sizes, constant),
        provenance=provenance or {},
    )
    for dataset in (undriven, constant, multisine, *sizes.values()):
        for name in ("failures", "warnings"):
            if dataset.attrs.get(name):
                report.warnings.append(str(dataset.attrs[name]))
    return report


def _provenance(plan: Plan, dataset, seconds: float) -> dict:
    return {
        "diffneq": diffneq.__version__,
        "jax": jax.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "devices": [d.device_kind for d in jax.local_devices()],
        "precision": str(plan.model().mass.dtype),
        "particle_steps": plan.particle_steps(),
        "seconds": round(seconds, 1),
        "configuration_hash": dataset.attrs.get("configuration_hash", ""),
    }
