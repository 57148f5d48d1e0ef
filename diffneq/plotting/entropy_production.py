"""Entropy production from trajectories: the learned force beside the exact one, and how an estimate came about."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from .style import COLOURS, new_figure, points, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Field = Callable[[np.ndarray], np.ndarray]


def thermodynamic_force(learned: Field, exact: Field | None, places: ArrayLike, *, number: int = 13) -> "Figure":
    """Arrows of the learned force F(x) over the places that were visited, beside those of the exact one.

    Arguments: `learned`, `exact` (or None), fields (n, 2) -> (n, 2); `places` (n, 2) of a record, shown as dots;
    the arrows stand on a grid of `number` by `number` where a place is near.
    """
    x = np.asarray(places, np.float64)
    if x.ndim != 2 or x.shape[1] != 2:
        raise ValueError(f"thermodynamic_force: places must have shape (n, 2), got {x.shape}.")
    grid = _visited(x, number)
    fields = [("learned", learned(grid), "vermilion")]
    if exact is not None:
        fields.append(("exact", exact(grid), "blue"))
    cell = (np.ptp(x, axis=0) / number)[None]
    longest = np.max([np.abs(arrows / cell).max() for _, arrows, _ in fields])
    with style():
        figure = new_figure(4.2 * len(fields), 4.0)
        panels = figure.subplots(1, len(fields), sharex=True, sharey=True, squeeze=False)[0]
        for axes, (name, arrows, colour) in zip(panels, fields, strict=True):
            axes.plot(*x[:: max(1, len(x) // 3000)].T, ".", color=COLOURS["grey"], markersize=1.0, alpha=0.35, zorder=1)
            axes.quiver(
                *grid.T,
                *arrows.T,
                color=COLOURS[colour],
                angles="xy",
                scale_units="xy",
                scale=longest / 1.5,
                width=0.005,
                zorder=3,
            )
            axes.set(title=name, xlabel="$x_1$  [length]")
        panels[0].set_ylabel("$x_2$  [length]")
    return figure


def _visited(x: np.ndarray, number: int) -> np.ndarray:
    """Points of a grid over the record that have at least one place of it in their cell."""
    sides = [np.linspace(*np.quantile(x[:, i], (0.005, 0.995)), number) for i in range(2)]
    cells = [np.abs(x[:, i, None] - sides[i]).argmin(1) for i in range(2)]
    near = np.zeros((number, number), int)
    np.add.at(near, tuple(cells), 1)
    one, two = np.nonzero(near >= 3)
    return np.stack([sides[0][one], sides[1][two]], axis=1)


def entropy_convergence(history: Mapping[str, ArrayLike], estimate=None, *, exact: float | None = None) -> "Figure":
    """The objective of every fold while its network learns, in units of the rate; the estimate as a band.

    Arguments: `history` of an `EntropyFit`: "step" (k,), "training" and "validation" (folds, k); `estimate`, an
    Estimate from blocks that were held out; `exact`, the rate, where it is known.
    """
    step = np.asarray(history["step"], float)
    with style():
        figure = new_figure(6.4, 4.2)
        axes = figure.subplots()
        for name, colour, line in (("training", "sky", ":"), ("validation", "blue", "-")):
            for fold, values in enumerate(np.atleast_2d(history[name])):
                label = f"{name}, one line a fold" if fold == 0 else None
                axes.plot(step, values, line, color=COLOURS[colour], linewidth=1.1, label=label)
        if estimate is not None:
            low, high = estimate.value - estimate.error, estimate.value + estimate.error
            axes.axhspan(low, high, color=COLOURS["vermilion"], alpha=0.25, linewidth=0, label=f"held out: {estimate}")
        if exact is not None:
            _level(axes, exact)
        seen = np.concatenate([np.ravel(history["validation"]), [0.0 if exact is None else 1.15 * exact]])
        axes.set(ylim=(0.0, 1.15 * float(np.max(seen))))
        axes.set_xlabel("steps of the optimiser")
        axes.set_ylabel(r"entropy production  $\sigma$  [$k_B$/time]")
        axes.legend(loc="lower right")
    return figure


def estimates_against_interval(
    intervals: ArrayLike, estimates: Mapping[str, ArrayLike], *, exact: float | None = None, sampled=None
) -> "Figure":
    """sigma against the sampling interval, for each method.

    Arguments: `intervals` (n,) [time]; `estimates`, name -> (2, n) of values and standard errors; `exact`, the rate;
    `sampled` (2, m), intervals and what a record with such an interval can tell.
    """
    dt = np.asarray(intervals, float)
    with style():
        figure = new_figure(6.4, 4.2)
        axes = figure.subplots()
        if sampled is not None:
            axes.plot(*np.asarray(sampled, float), color=COLOURS["grey"], label="all a record can tell", zorder=1)
        if exact is not None:
            _level(axes, exact)
        looks = (("vermilion", "o", 1.0), ("blue", "s", 1.03), ("green", "^", 0.97), ("orange", "D", 1.06))
        for (name, values), (colour, marker, shift) in zip(estimates.items(), looks, strict=False):
            value, error = np.asarray(values, float)
            points(axes, dt * shift, value, error, colour, marker, label=name)
        axes.set(xscale="log")
        axes.set_xlabel("sampling interval  [time]")
        axes.set_ylabel(r"entropy production  $\sigma$  [$k_B$/time]")
        axes.legend()
    return figure


def _level(axes, exact: float) -> None:
    axes.axhline(exact, color=COLOURS["black"], linewidth=1.0, linestyle=(0, (4, 3)), label=f"exact: {exact:.4g}")
