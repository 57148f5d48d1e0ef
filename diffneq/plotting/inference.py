"""Effective Langevin equations: moments of steps, long-time cumulants, residuals, what displacements leave open."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from .style import COLOURS, columns, new_figure, points, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_CURVES = ("vermilion", "green", "purple", "orange", "sky", "grey", "black")


def drift_and_diffusion(
    x: ArrayLike,
    drift: ArrayLike,
    drift_error: ArrayLike,
    diffusion: ArrayLike,
    diffusion_error: ArrayLike,
    curves: Mapping[str, tuple[ArrayLike, ArrayLike, ArrayLike]] | None = None,
    *,
    dt: float | None = None,
    name: str = "x",
) -> "Figure":
    """Measured Kramers-Moyal moments with errors, and the laws of fitted models.

    Arguments: all (n,), <dx | x>/dt and <dx^2 | x>/2 dt over the sampling interval `dt`; `curves`, name -> (x, drift,
    diffusion), the same of a model; `name` of the variable.
    """
    x, drift, drift_error, diffusion, diffusion_error = columns(
        "drift_and_diffusion", x=x, drift=drift, drift_error=drift_error, diffusion=diffusion,
        diffusion_error=diffusion_error,
    )  # fmt: skip
    measured = "measured" if dt is None else f"measured over dt = {dt:g}"
    with style():
        figure = new_figure(9.6, 4.2)
        left, right = figure.subplots(1, 2)
        points(left, x, drift, drift_error, "blue", label=measured)
        points(right, x, diffusion, diffusion_error, "blue")
        for (label, (at, first, second)), colour in zip((curves or {}).items(), _CURVES * 3, strict=False):
            left.plot(at, first, color=COLOURS[colour], label=label)
            right.plot(at, second, color=COLOURS[colour])
        left.set(xlabel=f"${name}$", ylabel="$D_1 = \\langle dx\\rangle/dt$  [$x/t$]", title="mean step")
        right.set(xlabel=f"${name}$", ylabel="$D_2 = \\langle dx^2\\rangle/2dt$  [$x^2/t$]", title="mean square step")
        low, high = right.get_ylim()
        middle, half = (low + high) / 2, max((high - low) / 2, 0.15 * abs(low + high) / 2)
        right.set_ylim(middle - half, middle + half)  # a constant does not look like noise
        left.legend(fontsize=8)
    return figure


def long_time_rates(
    labels: Sequence[str], measured: ArrayLike, errors: ArrayLike, predicted: Mapping[str, ArrayLike]
) -> "Figure":
    """Long-time properties of models over the measured ones; bars are the errors of what was measured.

    Arguments: `labels` (n,), `measured` and `errors` (n,), `predicted`, name -> (n,).
    """
    values, error = columns("long_time_rates", measured=measured, errors=errors)
    place = np.arange(len(values))
    with style():
        figure = new_figure(7.2, 4.2)
        axes = figure.subplots()
        axes.axhline(1.0, color=COLOURS["grey"], linewidth=0.9)
        points(axes, place, np.ones(len(values)), np.abs(error / values), "blue", label="measured")
        width = 0.5 / max(len(predicted), 1)
        for i, ((label, model), colour) in enumerate(zip(predicted.items(), _CURVES * 3, strict=False)):
            shifted = place + width * (i + 1) - 0.1
            axes.plot(shifted, np.asarray(model, float) / values, "D", color=COLOURS[colour], label=label)
        axes.set_xticks(place, labels, fontsize=9)
        axes.set_ylabel("model / measured")
        axes.legend(fontsize=8)
    return figure


def residual_whiteness(
    residuals: ArrayLike, correlation: ArrayLike, error: ArrayLike, *, dt: float = 1.0, name: str = ""
) -> "Figure":
    """Standardised one-step errors of a model: their histogram with the normal density, and their autocorrelation.

    Arguments: `residuals` of any shape; `correlation` and `error` (lags,), from lag 1 on; `dt` [t].
    """
    left = np.asarray(residuals, float).ravel()
    rho, spread = columns("residual_whiteness", correlation=correlation, error=error)
    lag = dt * np.arange(1, len(rho) + 1)
    with style():
        figure = new_figure(9.6, 4.2)
        first, second = figure.subplots(1, 2)
        edge = np.linspace(-5, 5, 61)
        counts, _ = np.histogram(left, edge)
        density = counts / (len(left) * np.diff(edge))
        middle, seen = (edge[1:] + edge[:-1]) / 2, counts > 0
        bars = density / np.sqrt(np.maximum(counts, 1))
        points(first, middle[seen], density[seen], bars[seen], "blue", markersize=3.5, label="residuals")
        grid = np.linspace(-5, 5, 200)
        first.plot(grid, np.exp(-(grid**2) / 2) / np.sqrt(2 * np.pi), color=COLOURS["vermilion"], label="normal")
        first.set(yscale="log", xlabel="residual / its standard deviation", ylabel="density", title=name)
        first.legend(fontsize=9)
        second.axhline(0.0, color=COLOURS["vermilion"], linewidth=1.0)
        second.fill_between(lag, -2 * spread, 2 * spread, color=COLOURS["vermilion"], alpha=0.15, linewidth=0,
                            label="two errors")  # fmt: skip
        points(second, lag, rho, spread, "blue")
        second.set(xlabel="lag  [$t$]", ylabel="autocorrelation of residuals")
        second.legend(fontsize=9)
    return figure


def displacement_families(
    curves: Mapping[str, tuple[ArrayLike, ArrayLike, ArrayLike]],
    fields: ArrayLike,
    generating: Mapping[str, ArrayLike],
    *,
    gaussian: ArrayLike | None = None,
) -> "Figure":
    """Equations that differ, with one and the same theta(s): noise and drift on the left, theta on the right.

    Arguments: `curves`, name -> (V (n,), drift (n,), diffusion (n,)); `fields` s (k,); `generating`, name -> theta(s)
    (k,); `gaussian` (k,), the parabola that is subtracted to make the asymmetry visible.
    """
    s = np.asarray(fields, float)
    parabola = np.zeros_like(s) if gaussian is None else np.asarray(gaussian, float)
    with style():
        figure = new_figure(12.0, 4.0)
        drift, noise, theta = figure.subplots(1, 3)
        dashes = ((0, ()), (0, (5, 3)), (0, (1, 2)), (0, (6, 2, 1, 2)))
        for (label, (v, a, d)), colour, dash in zip(curves.items(), _CURVES, dashes * 2, strict=False):
            v, a = np.asarray(v, float), np.asarray(a, float)
            slope = np.polyfit(v, a, 2)[1]
            drift.plot(v, a - slope * v, color=COLOURS[colour], linestyle=dash)
            noise.plot(v, d, color=COLOURS[colour], linestyle=dash)
            theta.plot(s, np.asarray(generating[label]) - parabola, color=COLOURS[colour], linestyle=dash, label=label)
        drift.set(xlabel="$V$", ylabel="drift less its linear part  [$x/t^2$]", title="drift (Ito)")
        noise.set(xlabel="$V$", ylabel="$D(V)$  [$x^2/t^3$]", title="diffusion of $V$")
        what = r"$\theta(s)$" if gaussian is None else r"$\theta(s) - \kappa_2 s^2/2$"
        theta.set(xlabel="$s$", ylabel=f"{what}  [$1/t$]", title="displacement")
        theta.legend(fontsize=8)
    return figure
