"""Pictures of ternary mixtures: two liquids with tie lines, and residue curves, in a Gibbs triangle."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .sections import _frame, _plane
from .style import COLOURS, new_figure, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ROLES = {"stable node": ("o", "black"), "unstable node": ("o", "white"), "saddle": ("D", "grey")}


def _triangle(axes: "Axes", names: Sequence[str]) -> None:
    axes.set_axis_off()
    axes.set_aspect("equal")
    _frame(axes, list(names))


def tie_line_diagram(first: Any, second: Any, *, names: Sequence[str], plait: Any = None, title: str | None = None):
    """The binodal of a ternary liquid and its tie lines.

    Arguments: `first`, `second` (lines, 3) mole fractions of the liquids at the ends of each tie line, in an order
    along the gap, NaN rows left out; `names` of the components: left, right and upper corner; `plait`, a critical
    point (3,); `title`. Raises ValueError for other shapes.
    """
    first, second = np.asarray(first, float), np.asarray(second, float)
    if first.shape != second.shape or first.ndim != 2 or first.shape[1] != 3 or len(names) != 3:
        raise ValueError(f"tie_line_diagram: both ends must have shape (lines, 3), got {first.shape}, {second.shape}.")
    known = np.isfinite(first).all(axis=1) & np.isfinite(second).all(axis=1)
    with style():
        figure = new_figure(6.2, 5.6)
        axes = figure.subplots()
        _triangle(axes, names)
        a, b = _plane(first[known]), _plane(second[known])
        for start, end in zip(a, b, strict=True):
            axes.plot(*np.stack([start, end]).T, color=COLOURS["sky"], linewidth=0.8, zorder=2)
        middle = [] if plait is None else [_plane(np.asarray(plait, float))[None]]
        outline = np.concatenate([a, *middle, b[::-1]])
        axes.plot(*outline.T, color=COLOURS["blue"], zorder=3)
        if plait is not None:
            axes.plot(*middle[0].T, "o", color=COLOURS["vermilion"], markersize=5, zorder=4, label="plait point")
            axes.legend(loc="upper left")
        axes.set_title(title or "")
    return figure


def residue_map(curves: Any, *, names: Sequence[str], points: Sequence[Any] = (), title: str | None = None) -> "Figure":
    """Residue curves with arrows towards higher boiling temperatures, and the singular points.

    Arguments: `curves` (curves, points, 3) mole fractions along the curves, in the direction of time; `names` of the
    components: left, right and upper corner; `points`, `Singular` points with x, T and role; `title`. Raises ValueError
    for other shapes.
    """
    curves = np.asarray(curves, float)
    if curves.ndim != 3 or curves.shape[2] != 3 or len(names) != 3:
        raise ValueError(f"residue_map: curves must have shape (curves, points, 3), got {curves.shape}.")
    with style():
        figure = new_figure(6.4, 5.8)
        axes = figure.subplots()
        _triangle(axes, names)
        for curve in _plane(curves):
            axes.plot(*curve.T, color=COLOURS["blue"], linewidth=0.9, zorder=2)
            _arrow(axes, curve)
        for point in points:
            marker, face = _ROLES[point.role]
            at = _plane(np.asarray(point.x, float))
            look: Any = {"color": COLOURS["black"], "markerfacecolor": COLOURS.get(face, face), "markersize": 7}
            axes.plot(*at, marker, zorder=5, clip_on=False, label=point.role, **look)
            box: Any = {"facecolor": "white", "edgecolor": "none", "pad": 0.5, "alpha": 0.8}
            axes.annotate(f"{float(point.T) - 273.15:.1f} °C", at, xytext=(9, 5), textcoords="offset points",
                          fontsize=8.5, zorder=6, bbox=box)  # fmt: skip
        handles, labels = axes.get_legend_handles_labels()
        once = dict(zip(labels, handles, strict=True))
        axes.legend(once.values(), once.keys(), loc="upper left", bbox_to_anchor=(-0.05, 1.0))
        axes.set_title(title or "")
    return figure


def _arrow(axes: "Axes", curve: np.ndarray) -> None:
    """In the middle of a curve by length, pointing onward."""
    pace = np.linalg.norm(np.diff(curve, axis=0), axis=1)
    along = np.concatenate([[0.0], np.cumsum(pace)])
    if along[-1] < 0.02:
        return
    middle = 0.5 * along[-1]
    at = lambda s: np.array([np.interp(s, along, curve[:, k]) for k in (0, 1)])
    axes.annotate("", at(middle + 0.012), xytext=at(middle - 0.012),
                  arrowprops={"arrowstyle": "-|>", "color": COLOURS["blue"], "linewidth": 0.9})  # fmt: skip
