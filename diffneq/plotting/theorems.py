"""Fluctuation theorems against data."""

from typing import TYPE_CHECKING

import numpy as np

from .style import COLOURS, new_figure, points, short, stacked_axes, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from diffneq.fluctuations.theorems import FiniteTimeTest, GeneratingFunction, HaradaSasaTest, SymmetryTest

_ORDER = ("blue", "vermilion", "green", "orange", "purple", "sky", "black", "grey")


def symmetry(test: "SymmetryTest") -> "Figure":
    """The log ratio in bins with errors, the fitted line, and the line of the theorem.

    Argument: `test`, a `SymmetryTest` that has a slope. Raises `ValueError` for one that has none.
    """
    if test.slope is None or test.intercept is None:
        raise ValueError(f"symmetry: the {test.name} data fix no slope; give the dual or reverse sample.")
    with style():
        figure = new_figure(6.4, 4.6)
        axes = figure.subplots()
        reach = test.x if len(test.x) else np.array([-1.0, 1.0])
        room = 0.08 * np.ptp(reach) or 0.5
        x = np.linspace(reach.min() - room, reach.max() + room, 2)
        if np.isfinite(test.slope.value):
            fitted = f"fit: slope {short(test.slope.value, test.slope.error)}"
            axes.plot(x, test.slope.value * x + test.intercept.value, color=COLOURS["blue"], label=fitted)
        wanted = test.expected_intercept
        if wanted is not None:
            dashes = {"color": COLOURS["black"], "linestyle": (0, (4, 3)), "linewidth": 1.1}
            axes.plot(x, test.expected_slope * x + wanted, label=f"theorem: slope {test.expected_slope:.4g}", **dashes)
        if len(test.x):
            points(axes, test.x, test.log_ratio, test.log_ratio_error, "vermilion", label="bins")
        inverse = test.slope.unit
        unit = f"  [{inverse[2:]}]" if inverse else ""
        axes.set(xlabel=f"{test.quantity}{unit}", ylabel="log ratio of densities")
        axes.set_title(test.name, fontsize=10)
        axes.legend()
    return figure


def finite_time(test: "FiniteTimeTest") -> "Figure":
    """Log ratios of every window, and 1/slope against 1/tau with its limit.

    Argument: `test`, a `FiniteTimeTest`.
    """
    with style():
        figure = new_figure(9.6, 4.2)
        left, right = figure.subplots(1, 2)
        for window, fit, colour in zip(test.window, test.fits, _ORDER * len(test.window), strict=False):
            if not fit.fault and fit.points.shape[1]:
                points(left, *fit.points, colour, label=f"$\\tau$ = {window:.4g}")
                x = np.array([0, fit.points[0].max()])
                left.plot(x, fit.slope * x + fit.intercept, color=COLOURS[colour], linewidth=1.0)
        left.axline((0, 0), slope=1, color=COLOURS["black"], linestyle=(0, (4, 3)), linewidth=1.0, label="slope 1")
        left.set(xlabel="entropy production in a window  $A$", ylabel="$\\ln\\,P(A)/P(-A)$")
        left.legend(fontsize=9)
        slope = np.array([(e.value, e.error) for e in test.slopes])
        known = np.isfinite(slope).all(1)
        inverse = 1 / slope[known, 0]
        points(right, 1 / test.window[known], inverse, slope[known, 1] * inverse**2, "vermilion", label="windows")
        if np.isfinite(test.slope.error):
            limit = 1 / test.slope.value
            look = {"markersize": 8, "label": f"limit: slope {short(test.slope.value, test.slope.error)}"}
            points(right, [0.0], [limit], [test.slope.error * limit**2], "blue", "s", **look)
        right.axhline(1.0, color=COLOURS["black"], linestyle=(0, (4, 3)), linewidth=1.0)
        per = f"  [1/{test.unit}]" if test.unit else ""
        right.set(xlabel=f"$1/\\tau${per}", ylabel="1/slope", xlim=(-0.03 / test.window.min(), None))
        right.legend(fontsize=9)
        left.set_title(test.name, fontsize=10)
    return figure


def generating_function(found: "GeneratingFunction") -> "Figure":
    """mu(l) with errors and its mirror image mu(1 - l).

    Argument: `found`, a `GeneratingFunction`; what is not resolved is left out.
    """
    with style():
        figure = new_figure(6.4, 4.4)
        axes = figure.subplots()
        known = np.isfinite(found.error)
        points(axes, found.tilt[known], found.value[known], found.error[known], "blue", label="$\\mu(\\lambda)$")
        mirrored = {"label": "$\\mu(1-\\lambda)$", "markersize": 9}
        points(axes, 1 - found.tilt[known], found.value[known], found.error[known], "vermilion", "D", **mirrored)
        axes.axvline(0.5, color=COLOURS["grey"], linewidth=0.8, linestyle=(0, (4, 3)))
        unit = found.intercept.unit
        axes.set(xlabel="$\\lambda$", ylabel="$\\mu(\\lambda)$" + (f"  [{unit}]" if unit else ""), xlim=(-0.03, 1.03))
        axes.legend()
    return figure


def harada_sasa(test: "HaradaSasaTest") -> "Figure":
    """C~ and 2 k_B T Re R~ of the velocity with errors, and the violation times frequency, whose area is seen.

    Argument: `test`, a `HaradaSasaTest`. Frequencies are gathered into about sixty bins of equal ratio.
    """
    w = test.frequency[1:]
    edges = np.geomspace(w[0] * 0.999, w[-1] * 1.001, 61)
    place = np.digitize(w, edges)
    used = np.unique(place)

    def gathered(values, error=False):
        x = values[1:] ** 2 if error else values[1:]
        means = np.array([x[place == b].mean() / (np.sum(place == b) if error else 1) for b in used])
        return np.sqrt(means) if error else means

    x, twice = gathered(test.frequency), 2 * test.temperature
    noise, noise_error = gathered(test.spectrum), gathered(test.spectrum_error, True)
    answer, answer_error = twice * gathered(test.response), twice * gathered(test.response_error, True)
    with style():
        figure = new_figure(6.8, 6.0)
        upper, lower = stacked_axes(figure, 1.6)
        points(upper, x, noise, noise_error, "blue", label="noise  $\\tilde C(\\omega)$")
        points(
            upper,
            x,
            answer,
            answer_error,
            "vermilion",
            "s",
            label="response  $2k_BT\\,\\mathrm{Re}\\,\\tilde R(\\omega)$",
        )
        upper.fill_between(x, answer, noise, color=COLOURS["grey"], alpha=0.25, linewidth=0)
        upper.set(xscale="log", ylabel="velocity noise and response")
        told = f"dissipation {short(test.dissipation.value, test.dissipation.error)}"
        if test.direct is not None:
            told += f",  from heat {short(test.direct.value, test.direct.error)}"
        upper.set_title(told, fontsize=10)
        upper.legend()
        scale = test.friction * x / np.pi
        points(lower, x, scale * (noise - answer), scale * np.hypot(noise_error, answer_error), "black")
        lower.axhline(0.0, color=COLOURS["grey"], linewidth=0.8)
        lower.set(xlabel="frequency  $\\omega$  [rad/time]", ylabel="$\\gamma\\omega(\\tilde C-2k_BT\\tilde R)/\\pi$")
    return figure
