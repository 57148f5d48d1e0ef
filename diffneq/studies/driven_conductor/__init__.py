"""The driven steady state of the conductor: sum rules far from equilibrium, and the end of local equilibrium."""

from __future__ import annotations

import json
from pathlib import Path

from diffneq.json_record import as_json
from diffneq.studies.driven_conductor.local_equilibrium import local_equilibrium, wall_profiles
from diffneq.studies.driven_conductor.pictures import draw
from diffneq.studies.driven_conductor.plan import Plan
from diffneq.studies.driven_conductor.report import Report
from diffneq.studies.driven_conductor.response import driven_response
from diffneq.studies.driven_conductor.runs import Runs

__all__ = ["Plan", "Report", "Runs", "analyse", "study"]


def study(plan: Plan, folder, devices=None, progress: bool = True) -> Report:
    """Runs (or reads) everything under `folder`; writes table.txt, report.json and pictures there.

    Raises:
        ValueError: where the folder holds the runs of another plan.
    """
    folder = Path(folder)
    report = analyse(plan, Runs(plan, folder, devices, progress))
    report.pictures.extend(draw(report, folder))
    (folder / "table.txt").write_text(report.table() + "\n")
    (folder / "report.json").write_text(json.dumps(as_json(report.to_dict()), indent=1) + "\n")
    return report


def analyse(plan: Plan, runs: Runs) -> Report:
    """The estimators on all runs; those that are not there yet are made."""
    ladder, responses = {}, {}
    probed = runs.probed()
    for field in plan.ladder:
        steady = runs.steady(field)
        ladder[field] = local_equilibrium(plan, field, steady)
        if field in plan.fields:
            responses[field] = driven_response(plan, field, steady, probed)
    return Report(plan, responses, ladder, wall_profiles(plan, runs.walls()))
