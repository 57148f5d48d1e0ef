"""Effective Langevin equations for a record in a file: what `diffneq fit-langevin` does."""

from __future__ import annotations

import json
import sys
import time

from tqdm import tqdm

from diffneq.inference import (
    Langevin,
    displacement_cumulants,
    fit,
    match,
    moment_matching,
    residuals,
    select,
    whiteness,
)
from diffneq.json_record import as_json
from diffneq.options.langevin import LangevinOptions
from diffneq.studies.langevin.catalogue import start
from diffneq.studies.langevin.pictures import draw
from diffneq.studies.langevin.reading import read
from diffneq.studies.langevin.report import Report

__all__ = ["LangevinOptions", "Report", "run"]


def run(options: LangevinOptions) -> Report:
    """Read the record, fit the models, select, draw; table, record and pictures in a folder."""
    began = time.monotonic()
    series, moved = read(options.data, options.dt, (options.variable, options.displacement))
    assert series is not None
    long_time, fits, refused, selection = None, {}, {}, None
    models = {}
    for name in options.names:
        try:
            models[name] = start(name, series, options)
        except ValueError as error:
            refused[name] = str(error)
    if options.method == "long-time":
        long_time = displacement_cumulants(
            None if moved is None else moved.scalar, series.dt, velocity=series.scalar, window=options.window,
            blocks=options.blocks,
        )  # fmt: skip
    if options.method == "likelihood" and len(models) > 1:
        print("held-out blocks:", file=sys.stderr) if options.progress else None
        selection = select(models, series, held_out=options.held_out, substeps=options.substeps, blocks=options.blocks)
        models = {name: found.model for name, found in selection.fits.items()}  # the search goes on from there
    for name, model in tqdm(models.items(), "fits", disable=not options.progress, file=sys.stderr, dynamic_ncols=True):
        try:
            fits[name] = _fitted(model, series, long_time, options)
        except ValueError as error:
            refused[name] = str(error)
    if not fits:
        raise ValueError("no model could be fitted: " + " ".join(f"{n}: {why}" for n, why in refused.items()))
    report = Report(options, series, fits, selection, long_time, None, refused, {})
    left = residuals(fits[report.best].model, series, options.substeps)
    rho, error, white = whiteness(left)
    seconds = round(time.monotonic() - began, 1)
    report = Report(options, series, fits, selection, long_time, white, refused, {"seconds": seconds})
    options.folder.mkdir(parents=True, exist_ok=True)
    report.pictures.extend(draw(report, options.folder, left, rho, error))
    (options.folder / "table.txt").write_text(report.table() + "\n")
    (options.folder / "report.json").write_text(json.dumps(as_json(report.to_dict()), indent=1) + "\n")
    return report


def _fitted(model, series, long_time, options: LangevinOptions):
    if options.method == "long-time":
        if not isinstance(model, Langevin):
            raise ValueError("long-time matching is for Langevin models of one variable without hidden ones.")
        return match(model, long_time)
    if options.method == "moments":
        return moment_matching(model, series, substeps=options.substeps, blocks=options.blocks)
    return fit(model, series, substeps=options.substeps, blocks=options.blocks)
