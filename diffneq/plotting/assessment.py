"""Fits of thermodynamic databases: residuals by dataset, phase diagrams and properties with bands of error."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from .phase_names import element, printed
from .style import COLOURS, new_figure, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MARKERS = "osD^vP*X<>hp"
_COLOURS = ("vermilion", "green", "orange", "purple", "sky", "grey")


def fit_residuals(groups: Mapping[str, ArrayLike], *, failed: Mapping[str, int] | None = None) -> "Figure":
    """Residuals in standard deviations, one row for every dataset; the band is one standard deviation.

    Arguments: `groups`, name of a dataset -> its residuals; `failed`, name -> how many could not be computed (they are
    not drawn, but counted in the margin). Raises ValueError for nothing to draw.
    """
    if not groups:
        raise ValueError("fit_residuals: there is nothing to draw, no dataset is given.")
    with style():
        figure = new_figure(6.8, 1.3 + 0.3 * len(groups))
        axes = figure.subplots()
        axes.axvspan(-1, 1, color=COLOURS["grey"], alpha=0.2, linewidth=0)
        axes.axvline(0.0, color=COLOURS["grey"], linewidth=0.8)
        for row, (name, values) in enumerate(groups.items()):
            r = np.asarray(values, float)
            axes.plot(r, np.full(len(r), row), "o", color=COLOURS["blue"], markerfacecolor="none", markersize=4.0)
            lost = (failed or {}).get(name, 0)
            words = f"$\\chi^2/n$ = {np.mean(r**2):.2f}" if len(r) else ""
            axes.annotate(words + (f", {lost} failed" if lost else ""), (1.0, row), xytext=(4, 0), va="center",
                          xycoords=("axes fraction", "data"), textcoords="offset points", fontsize=9)  # fmt: skip
        axes.set_yticks(range(len(groups)), list(groups), fontsize=9)
        axes.set(ylim=(len(groups) - 0.5, -0.5), xlabel="(model \u2212 data) / standard deviation")
        reach = max([1.5, *(1.1 * np.max(np.abs(v)) for v in map(np.asarray, groups.values()) if v.size)])
        axes.set_xlim(-reach, reach)
        axes.grid(axis="y", visible=False)
    return figure


def diagram_with_errors(
    regions: Sequence[Any],
    invariants: Sequence[Any],
    elements: tuple[str, str],
    *,
    data: Mapping[str, tuple[ArrayLike, ArrayLike]] | None = None,
    start: Sequence[Any] = (),
    widen: float = 1.0,
    span: tuple[float, float] | None = None,
    title: str | None = None,
) -> "Figure":
    """A binary phase diagram whose lines carry bands of `widen` standard errors, with the data that were fitted.

    The band has the width of the error across the line: s_x at given T times the sine of the angle of the line, in
    the proportions of the axes, so that flat lines have finite bands.

    Arguments: `regions` with phases, T (n,), x, error and slope dx/dT (n, 2), `invariants` with phases, T and x
    (Estimates), from `thermo.calphad.assessment.bands.diagram_bands`; `elements`, x is the fraction of the second;
    `data`, label -> (x, T); `start`, regions of another diagram, drawn as thin dashed lines; `span`, lowest and
    highest T in K.
    """
    every = [t for r in regions for t in r.T]
    low, high = span or (min(every), max(every))
    with style():
        figure = new_figure(6.8, 5.2)
        axes = figure.subplots()
        axes.grid(False)
        for region in start:
            for side in range(2):
                axes.plot(region.x[:, side], region.T, color=COLOURS["grey"], linewidth=0.9, dashes=(4, 3), zorder=1)
        for region in regions:
            for side in range(2):
                x, T, s = region.x[:, side], np.asarray(region.T), region.error[:, side]
                _band(axes, x, T, widen * s, np.asarray(region.slope)[:, side], high - low)
                axes.plot(x, T, color=COLOURS["black"], linewidth=1.2, zorder=3)
        for each in invariants:
            _invariant(axes, each, widen)
        for k, (label, (x, T)) in enumerate((data or {}).items()):
            axes.plot(x, T, _MARKERS[k % len(_MARKERS)], label=label, color=COLOURS[_COLOURS[k % len(_COLOURS)]],
                      markerfacecolor="none", markersize=4.0, markeredgewidth=0.9, zorder=4)  # fmt: skip
        axes.set(xlim=(0, 1), ylim=(low, high), xlabel=f"mole fraction of {element(elements[1])}",
                 ylabel="temperature  [K]")  # fmt: skip
        _names(axes, regions, elements, low, high)
        axes.set_title(title or f"{element(elements[0])}\u2013{element(elements[1])}")
        if data:
            axes.legend(fontsize=8, loc="upper right", handletextpad=0.2)
    return figure


def _band(axes: "Axes", x: np.ndarray, T: np.ndarray, error: np.ndarray, slope: np.ndarray, height: float) -> None:
    """Filled between the two parallels of a line; slope is dx/dT."""
    if len(x) < 2:
        return
    t, steep = T / height, slope * height
    length = np.hypot(steep, 1.0)
    across = error / length  # from an error of x at given T to a distance
    nx, nt = 1.0 / length, -steep / length
    left = np.stack([x + across * nx, (t + across * nt) * height], axis=1)
    right = np.stack([x - across * nx, (t - across * nt) * height], axis=1)
    outline = np.concatenate([left, right[::-1]])
    axes.fill(outline[:, 0], outline[:, 1], color=COLOURS["blue"], alpha=0.3, linewidth=0, zorder=2)


def _invariant(axes: "Axes", each: Any, widen: float) -> None:
    left, right = min(x.value for x in each.x), max(x.value for x in each.x)
    low, high = each.T.value - widen * each.T.error, each.T.value + widen * each.T.error
    axes.fill_between([left, right], low, high, color=COLOURS["blue"], alpha=0.3, linewidth=0, zorder=2)
    axes.plot([left, right], [each.T.value] * 2, color=COLOURS["black"], linewidth=1.2, zorder=3)


def _names(axes: "Axes", regions: Sequence[Any], elements: tuple[str, str], low: float, high: float) -> None:
    """The two phases of every region that has room for them, in its middle."""
    box: Any = {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.8}
    for region in regions:
        seen = (region.T >= low) & (region.T <= high)
        if not seen.any():
            continue
        T, x = np.asarray(region.T)[seen], region.x[seen]
        width = np.abs(x[:, 1] - x[:, 0])
        room = np.where(width > 0.2, width * np.minimum(T - T.min(), T.max() - T), 0.0)
        k = int(np.argmax(room))
        if room[k] > 0 and T.max() - T.min() > 0.07 * (high - low):
            axes.text(float(np.mean(x[k])), float(T[k]), printed(" + ".join(region.phases), elements), ha="center",
                      va="center", fontsize=8.5, color=COLOURS["black"], bbox=box, zorder=5)  # fmt: skip


def property_with_error(
    x: ArrayLike,
    value: ArrayLike,
    error: ArrayLike,
    *,
    data: Mapping[str, tuple[ArrayLike, ArrayLike]] | None = None,
    start: ArrayLike | None = None,
    xlabel: str = "",
    ylabel: str = "",
) -> "Figure":
    """A property against a condition, with its band of one standard error and the data that were fitted.

    Arguments: `x`, `value`, `error` (n,); `data`, label -> (x, value); `start` (n,), the property before the fit.
    """
    x, value, error = (np.asarray(a, float) for a in (x, value, error))
    with style():
        figure = new_figure(6.4, 4.2)
        axes = figure.subplots()
        if start is not None:
            axes.plot(x, np.asarray(start), color=COLOURS["grey"], dashes=(4, 3), linewidth=1.0, label="start")
        axes.fill_between(x, value - error, value + error, color=COLOURS["blue"], alpha=0.3, linewidth=0,
                          label="one standard error")  # fmt: skip
        axes.plot(x, value, color=COLOURS["black"], label="fit")
        for k, (label, (at, measured)) in enumerate((data or {}).items()):
            axes.plot(at, measured, _MARKERS[k % len(_MARKERS)], label=label, zorder=4, markerfacecolor="none",
                      color=COLOURS[_COLOURS[k % len(_COLOURS)]])  # fmt: skip
        axes.set(xlabel=xlabel, ylabel=ylabel)
        axes.legend()
    return figure


def correlations(matrix: ArrayLike, names: Sequence[str]) -> "Figure":
    """The matrix of correlations of fitted parameters; blue is positive, red negative."""
    matrix = np.asarray(matrix, float)
    with style():
        size = 2.2 + 0.42 * len(names)
        figure = new_figure(size + 1.2, size)
        axes = figure.subplots()
        axes.grid(False)
        image = axes.imshow(matrix, vmin=-1, vmax=1, cmap="RdBu")
        axes.set_xticks(range(len(names)), list(names), rotation=45, ha="right", fontsize=8)
        axes.set_yticks(range(len(names)), list(names), fontsize=8)
        for i, j in np.ndindex(matrix.shape):
            shade = "white" if abs(matrix[i, j]) > 0.6 else COLOURS["black"]
            text = f"{matrix[i, j]:.2f}".replace("-", "\u2212")
            axes.text(j, i, text, ha="center", va="center", fontsize=7, color=shade)
        figure.colorbar(image, ax=axes, label="correlation", shrink=0.8)
    return figure
