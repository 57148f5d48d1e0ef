"""The long-time displacement of Rayleigh's piston: what `diffneq piston` does."""

from __future__ import annotations

import json
import time

from diffneq.json_record import as_json
from diffneq.options.piston import PistonOptions
from diffneq.studies.piston.analysis import curves, from_generator, from_simulation, piston_of
from diffneq.studies.piston.pictures import draw
from diffneq.studies.piston.report import Report

__all__ = ["PistonOptions", "Report", "run"]


def run(options: PistonOptions) -> Report:
    """Cumulant rates by the method asked for, the rate function by the generator; everything into a folder."""
    started, records = time.monotonic(), None
    if options.method == "generator":
        kappa, variance = from_generator(options)
    else:
        kappa, variance, records = from_simulation(options)
    shapes, leading = curves(options), _leading(options)
    provenance = {"seconds": round(time.monotonic() - started, 1)}
    if records is not None:
        provenance["collisions"] = int(records.collisions.sum())
    report = Report(options, kappa, variance, leading, shapes, records, provenance)
    options.folder.mkdir(parents=True, exist_ok=True)
    report.pictures.extend(draw(report, options.folder))
    if records is not None:
        records.to_xarray().to_netcdf(options.folder / "records.nc")
    (options.folder / "table.txt").write_text(report.table() + "\n")
    (options.folder / "report.json").write_text(json.dumps(as_json(report.to_dict()), indent=1) + "\n")
    return report


def _leading(options: PistonOptions) -> dict[str, float]:
    """The formulas to leading order in m/M."""
    piston = piston_of(options)
    rates = {f"kappa_{n}": float(value) for n, value in enumerate(piston.leading_cumulant_rates(), 1)}
    return rates | {
        "Var V": float(piston.temperature / piston.mass),
        "gamma_0": float(piston.friction),
        "gamma_1": float(piston.friction_slope),
        "temperature": float(piston.temperature),
        "relaxation_time": float(piston.relaxation_time),
    }
