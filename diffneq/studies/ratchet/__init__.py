"""The Feynman-Smoluchowski ratchet on its three levels of description: what `diffneq ratchet` does."""

from __future__ import annotations

import json
import time

import equinox as eqx
import jax

from diffneq.json_record import as_json
from diffneq.models.ratchet import Ratchet
from diffneq.options.ratchet import RatchetOptions
from diffneq.studies.ratchet.pictures import draw
from diffneq.studies.ratchet.report import Report
from diffneq.studies.ratchet.runs import simulated
from diffneq.studies.ratchet.solution import against_mass, against_torque, solve

__all__ = ["RatchetOptions", "Report", "run"]


def run(options: RatchetOptions) -> Report:
    """Entropy production, current, hidden entropy production and efficiency; table, record and pictures in a folder."""
    started = time.monotonic()
    with jax.enable_x64(True):
        ratchet = _ratchet(options)
        lighter = eqx.tree_at(lambda r: r.mass, ratchet, ratchet.mass / 10)
        solution = solve(ratchet)
        loads = tuple(against_torque(r, solution.sufficient) for r in (ratchet, lighter))
        masses = against_mass(ratchet, solution.sufficient)
    rates = simulated(_ratchet(options), options) if options.method == "simulation" else {}
    report = Report(options, solution, rates, loads, masses, {"seconds": round(time.monotonic() - started, 1)})
    options.folder.mkdir(parents=True, exist_ok=True)
    report.pictures.extend(draw(report, options.folder))
    (options.folder / "table.txt").write_text(report.table() + "\n")
    (options.folder / "report.json").write_text(json.dumps(as_json(report.to_dict()), indent=1) + "\n")
    return report


def _ratchet(options: RatchetOptions) -> Ratchet:
    return Ratchet(options.temperatures, options.torque, options.mass)
