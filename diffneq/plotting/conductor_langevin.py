"""Candidates for the equation of motion of a current: what they make of its autocorrelation, and how they predict."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from .style import COLOURS, new_figure, points, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Row = tuple[
    str,
    tuple[ArrayLike, ArrayLike, ArrayLike],
    Mapping[str, ArrayLike],
    Mapping[str, Mapping[str, tuple[float, float]]],
]
_COLOURS = ("blue", "vermilion", "green", "orange")


def langevin_candidates(rows: Sequence[Row]) -> "Figure":
    """One row for each state: autocorrelation of V with fitted laws, and held-out gains over the plain equation.

    Arguments: `rows` of (title, (lag, correlation, error), law -> correlation at these lags, sampling interval ->
    {candidate -> (gain, error)}). Gains are drawn on a scale that is linear up to 0.001 nats/t.
    """
    if not rows:
        raise ValueError("langevin_candidates: there is nothing to draw.")
    with style():
        figure = new_figure(10.0, 3.6 * len(rows))
        panels = figure.subplots(len(rows), 2, squeeze=False, gridspec_kw={"width_ratios": [1.25, 1.0]})
        for (title, measured, laws, gains), (left, right) in zip(rows, panels, strict=True):
            _correlations(left, title, measured, laws)
            _gains(right, gains)
    return figure


def _correlations(axes, title: str, measured, laws: Mapping[str, ArrayLike]) -> None:
    lag, value, error = (np.asarray(x, float) for x in measured)
    seen = value > 4 * error
    last = int(np.argmin(seen)) if not seen.all() else len(lag)
    few = slice(0, last, max(1, last // 30))
    points(axes, lag[few], value[few], error[few], "black", label="measured", markersize=4)
    for (name, law), colour in zip(laws.items(), _COLOURS, strict=False):
        axes.plot(lag[:last], np.asarray(law, float)[:last], color=COLOURS[colour], label=name)
    axes.set(yscale="log", xlabel="time  $t$")
    axes.set_ylabel(r"$\langle\delta V(t)\,\delta V(0)\rangle/\langle\delta V^2\rangle$")
    axes.set_title(title)
    axes.legend()


def _gains(axes, gains: Mapping[str, Mapping[str, tuple[float, float]]]) -> None:
    names = list(next(iter(gains.values())))
    for number, (label, found) in enumerate(gains.items()):
        place = np.arange(len(names)) + 0.16 * (number - (len(gains) - 1) / 2)
        value, error = np.array([found[name] for name in names], float).T
        look = {"markerfacecolor": "white", "markeredgewidth": 1.3}
        axes.errorbar(value, place, xerr=error, fmt="os^"[number % 3], color=COLOURS[_COLOURS[number % 4]], label=label,
                      **look)  # fmt: skip
    axes.axvline(0.0, color=COLOURS["black"], linewidth=0.8)
    axes.set_xscale("symlog", linthresh=1e-3)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    ends = np.array([[v - e, v + e] for found in gains.values() for v, e in found.values()])
    axes.set_xlim(min(-1e-3, 1.5 * ends.min()), max(1e-3, 3 * ends.max()))
    axes.set_xlabel("held-out gain over plain  [nats/t]")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(gains))
