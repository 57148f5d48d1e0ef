"""Work distributions with free energy differences."""

from typing import TYPE_CHECKING

import numpy as np

from .style import COLOURS, label, new_figure, short, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from diffneq.fluctuations.free_energy import Comparison


def comparison(found: "Comparison") -> "Figure":
    """P_F(W) and P_R(-W), which cross at dF, over the estimates of dF with error bars of one standard error.

    Argument: `found`, a `Comparison`. Estimates without an honest error are hollow, with dashes across the picture; a
    value outside the range of the works is an arrow at the edge.
    """
    forward, mirrored = found.forward[np.isfinite(found.forward)], -found.reverse[np.isfinite(found.reverse)]
    if min(len(forward), len(mirrored)) == 0:
        raise ValueError("comparison: no finite work in one direction, there is nothing to draw.")
    units = {"work": found.unit}
    with style():
        figure = new_figure(7.6, 6.0)
        upper, lower = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": [1.5, 1.0]})
        _histograms(upper, forward, mirrored)
        _estimates(lower, found, upper.get_xlim())
        upper.set_ylabel("probability density")
        upper.set_title(f"Bennett overlap {short(found.overlap.value, found.overlap.error)}", fontsize=10)
        upper.legend()
        lower.set_xlabel(label("work  $W$,  free energy difference  $\\Delta F$", "work", units))
    return figure


def _histograms(axes, forward: np.ndarray, mirrored: np.ndarray) -> None:
    both = np.concatenate([forward, mirrored])
    low, high = np.percentile(both, [0.1, 99.9])
    room = 0.05 * (high - low) or 1.0
    count = int(np.clip(2 * min(len(forward), len(mirrored)) ** 0.4, 12, 80))
    edges = np.linspace(low - room, high + room, count)
    for values, colour, name in ((forward, "blue", "$P_F(W)$"), (mirrored, "vermilion", "$P_R(-W)$")):
        density = np.histogram(values, edges)[0] / (len(values) * np.diff(edges))
        axes.stairs(density, edges, fill=True, color=COLOURS[colour], alpha=0.25)
        axes.stairs(density, edges, color=COLOURS[colour], label=name, linewidth=1.4)
    axes.set(ylim=(0, None), xlim=(edges[0], edges[-1]))


def _estimates(axes, found: "Comparison", limits: tuple[float, float]) -> None:
    names = list(found.estimates)
    low, high = limits
    for row, name in enumerate(names):
        estimate = found.estimates[name]
        colour = COLOURS["black" if name == "Bennett ratio" else "grey" if estimate.warnings else "green"]
        if not np.isfinite(estimate.value):
            axes.text((low + high) / 2, row, "declined", color=COLOURS["grey"], ha="center", va="center", fontsize=9)
            continue
        inside = low <= estimate.value <= high
        marker = "o" if inside else (">" if estimate.value > high else "<")
        sure = np.isfinite(estimate.error)
        if not sure:
            axes.plot(limits, [row, row], color=colour, linestyle=(0, (2, 3)), linewidth=0.9)
        axes.errorbar(
            [np.clip(estimate.value, low, high)],
            [row],
            xerr=[estimate.error] if sure and inside else None,
            fmt=marker,
            color=colour,
            markerfacecolor=colour if sure else "white",
            clip_on=False,
        )
    best = found.estimates.get("Bennett ratio")
    if best is not None and np.isfinite(best.value) and low <= best.value <= high:
        for panel in axes.figure.axes:
            panel.axvline(best.value, color=COLOURS["black"], linewidth=0.8, linestyle=(0, (4, 3)), zorder=0)
    labels = [f"{name} (!)" if found.estimates[name].warnings else name for name in names]
    axes.set_yticks(range(len(names)), labels, fontsize=9)
    axes.set(ylim=(len(names) - 0.4, -0.6), xlim=limits)
    axes.grid(axis="y", visible=False)
