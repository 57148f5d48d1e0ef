"""Derivatives of averages by several methods, against the time horizon."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from .style import COLOURS, new_figure, points, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Curve = tuple[ArrayLike, ArrayLike, ArrayLike]
_COLOURS = ("blue", "vermilion", "green", "orange", "purple", "sky", "black", "grey")


def comparison(
    curves: Mapping[str, Curve],
    name: str,
    *,
    horizons: Mapping[str, float] | None = None,
    reference: float | None = None,
    unit: str = "",
) -> "Figure":
    """R(t) of each method with a band of one standard error; below, the errors.

    Arguments: `curves`, name -> (time (n,), value (n,), error (n,)); a curve of one time is a point, one at infinite
    time a level; `name` of the response, `unit`; `horizons`, name -> time past which a method is not to be read
    (dotted); `reference`, a number to compare with. The vertical range is that of the curves which are to be read.
    """
    if not curves:
        raise ValueError("comparison: there is no curve to draw.")
    end = max(float(np.max(t[np.isfinite(t)])) for t in (np.asarray(c[0]) for c in curves.values()) if _finite(t))
    with style():
        figure = new_figure(7.2, 6.2)
        upper, lower = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": [2.0, 1.0]})
        sound = []
        for (label, curve), colour in zip(curves.items(), _COLOURS * 2, strict=False):
            time, value, error = (np.asarray(x, float) for x in curve)
            until = (horizons or {}).get(label, np.inf)
            sound.append(_draw(upper, lower, time, value, error, until, end, COLOURS[colour], label.replace("_", " ")))
        if reference is not None:
            upper.axhline(reference, color=COLOURS["black"], linewidth=0.9, linestyle=(0, (4, 3)), label="reference")
            sound.append((reference, reference))
        low, high = min(s[0] for s in sound), max(s[1] for s in sound)
        room = 0.15 * (high - low or abs(high) or 1.0)
        upper.set(ylim=(low - room, high + room), xlim=(0, 1.02 * end))
        title = f"{_pretty(name)}  [{unit}]" if unit else _pretty(name)
        upper.set_title(title, fontsize=10)
        upper.set_ylabel("response  $R(t)$")
        lower.set(yscale="log", xlabel="time since the change  $t$", ylabel="standard error")
        upper.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize=9)
    return figure


def _finite(time) -> bool:
    return bool(np.isfinite(time).any())


def _pretty(name: str) -> str:
    """d<J>/d(x) with angle brackets of mathematics."""
    return name.replace("<", "⟨").replace(">", "⟩")


def _draw(upper, lower, time, value, error, until, end, colour, label) -> tuple[float, float]:
    """One method in both panels; the range of what is to be read."""
    if len(time) == 1:
        place = time[0] if np.isfinite(time[0]) else end
        upper.errorbar([place], value, yerr=error, fmt="s", color=colour, label=label, markerfacecolor="white")
        lower.plot([place], np.maximum(error, 1e-300), "s", color=colour, markerfacecolor="white")
        return (float(value[0] - error[0]), float(value[0] + error[0])) if place <= until else (np.inf, -np.inf)
    good = time <= until
    upper.fill_between(time, value - error, value + error, color=colour, alpha=0.2, linewidth=0)
    upper.plot(time[good], value[good], color=colour, label=label)
    upper.plot(time[~good], value[~good], color=colour, linestyle=":")
    seen = error > 0
    lower.plot(time[seen & good], error[seen & good], color=colour)
    lower.plot(time[seen & ~good], error[seen & ~good], color=colour, linestyle=":")
    if not good.any():
        return np.inf, -np.inf
    steady = good & (error < 0.5 * np.max(np.abs(value[good])) + 1e-300)
    chosen = steady if steady.any() else good
    return float((value - error)[chosen].min()), float((value + error)[chosen].max())


def current_voltage(transient: ArrayLike, direct: ArrayLike) -> "Figure":
    """j(E)/E over many decades of E: transient time correlation, and steady runs.

    Arguments: both (n, 3): field [k_B T/(e R)], j/E [e^2 t/m], its standard error.
    """
    left, right = np.asarray(transient, float), np.asarray(direct, float)
    with style():
        figure = new_figure(7.2, 4.4)
        axes = figure.subplots()
        points(axes, *left.T, "blue", label="transient time correlation")
        points(axes, *right.T, "vermilion", "s", label="steady driven runs")
        axes.set(xscale="log", ylim=(0.0, None))
        axes.set_xlabel("field  $E$  [$k_BT/(eR)$]")
        axes.set_ylabel("$j/E$  [$e^2t/m$]")
        axes.legend()
    return figure
