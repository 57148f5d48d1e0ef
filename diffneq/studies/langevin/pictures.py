"""The pictures of fitted Langevin equations."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np

from diffneq.inference import Langevin, kramers_moyal
from diffneq.inference.transition import moments
from diffneq.plotting.inference import drift_and_diffusion, long_time_rates, residual_whiteness

if TYPE_CHECKING:
    from diffneq.studies.langevin.report import Report


def draw(report: Report, folder: Path, left: np.ndarray, rho: np.ndarray, error: np.ndarray) -> list[Path]:
    """drift-and-diffusion.png, residuals.png, and long-time.png after long-time matching; their paths."""
    figures = {"residuals": residual_whiteness(left, rho, error, dt=report.series.dt, name=report.best)}
    measured = kramers_moyal(report.series, orders=2, blocks=report.options.blocks)
    keep = np.isfinite(measured.drift[:, 0])
    centres = measured.centres[keep, 0]
    x = np.linspace(centres.min(), centres.max(), 200)
    curves = {}
    for name, fit in report.fits.items():
        if isinstance(fit.model, Langevin):
            curves[name] = (x, *_over(fit.model, x, report.series.dt, report.options.substeps))
    figures["drift-and-diffusion"] = drift_and_diffusion(
        centres, measured.drift[keep, 0], measured.drift_error[keep, 0], measured.diffusion[keep, 0, 0],
        measured.diffusion_error[keep, 0, 0], curves, dt=report.series.dt,
    )  # fmt: skip
    if report.long_time is not None:
        predicted = {name: fit.diagnostics["predicted"] for name, fit in report.fits.items()}
        errors = np.sqrt(np.diag(report.long_time.covariance))
        labels = [report.long_time[target].name for target in report.long_time.targets]
        figures["long-time"] = long_time_rates(labels, report.long_time.values, errors, predicted)
    paths = []
    for name, figure in figures.items():
        path = folder / f"{name}.png"
        figure.savefig(path)
        paths.append(path)
    return paths


def _over(model: Langevin, x: np.ndarray, dt: float, substeps: int) -> tuple[np.ndarray, np.ndarray]:
    """<dx | x>/dt and <dx^2 | x>/2 dt of the model, over the dt of the record as the measured ones are."""
    both = jax.vmap(lambda at: moments(model, at, dt, substeps))(jnp.asarray(x))
    mean, variance = (np.asarray(part) for part in both)
    return (mean - x) / dt, (variance + (mean - x) ** 2) / (2 * dt)
