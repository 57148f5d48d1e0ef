"""The conductor's response by every method that applies: what `diffneq response` does."""

from __future__ import annotations

import json
import sys
import time

import numpy as np

from diffneq.json_record import as_json
from diffneq.options import ResponseOptions
from diffneq.studies.response.pictures import draw
from diffneq.studies.response.questions import conductivity, current_voltage, parameter_dependence
from diffneq.studies.response.report import Report

__all__ = ["Report", "ResponseOptions", "run"]


def run(options: ResponseOptions) -> Report:
    """Conductivity by all methods, current-voltage curve, dependence on parameters; table and pictures in a folder."""
    started = time.monotonic()
    say = lambda text: print(text, file=sys.stderr, flush=True) if options.progress else None
    say("conductivity at vanishing field:")
    ensemble, comparison = conductivity(options)
    say("current-voltage curve:")
    curve = current_voltage(options, ensemble)
    say("dependence on parameters:")
    slopes = parameter_dependence(options)
    seconds = time.monotonic() - started
    report = Report(options, comparison, curve, slopes, {"seconds": round(seconds, 1)})
    options.folder.mkdir(parents=True, exist_ok=True)
    report.pictures.extend(draw(report, options.folder))
    comparison.dataset().to_netcdf(options.folder / "response.nc")
    np.savetxt(options.folder / "current-voltage.csv", curve.rows(), delimiter=",", header=curve.header, comments="")
    (options.folder / "table.txt").write_text(report.table() + "\n")
    (options.folder / "report.json").write_text(json.dumps(as_json(report.to_dict()), indent=1) + "\n")
    return report
