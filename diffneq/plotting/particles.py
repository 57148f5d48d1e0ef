"""The particles themselves."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from .style import COLOURS, label, new_figure, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ORDER = ("blue", "orange", "black", "green", "purple", "sky")


def snapshot(
    positions: ArrayLike,
    species: ArrayLike,
    box: ArrayLike,
    radius: ArrayLike,
    names: Sequence[str] = ("electrons", "phonons", "impurities"),
    *,
    field: bool = True,
    walls: bool = False,
    window: float | None = None,
    units: Mapping[str, str] | None = None,
) -> "Figure":
    """The particles at one instant as discs of their true size; an arrow shows the field, along x.

    Arguments: `positions` (N, 2) [L], taken modulo the box; `species` (N,) integers below S = len(names);
    `box` (2,) [L]; `radius` [L], scalar or (S,); `walls`, thick lines at y = 0 and y = L_y; `window` [L],
    draw only 0 <= x < window of a long box; `units`, keys "length". Raises ValueError for shapes that do not
    match.
    """
    points = np.asarray(positions, np.float64)
    kinds = np.asarray(species)
    sides = np.asarray(box, np.float64)
    if points.ndim != 2 or points.shape[1] != 2 or kinds.shape != points.shape[:1] or sides.shape != (2,):
        raise ValueError(
            f"snapshot: need positions (N, 2), species (N,), box (2,), got {points.shape}, {kinds.shape}, "
            f"{sides.shape}; of a tuple of arrays make np.stack(positions, axis=-1)."
        )
    if kinds.size and (kinds.min() < 0 or kinds.max() >= len(names)):
        raise ValueError(f"snapshot: species must be from 0 to {len(names) - 1}, one name each.")
    radii = np.broadcast_to(np.asarray(radius, np.float64), (len(names),))
    points = points % sides
    width = min(float(window), sides[0]) if window else float(sides[0])
    seen = points[:, 0] < width
    with style():
        figure = new_figure(9.0, float(np.clip(8.2 * sides[1] / width, 1.2, 8.0)) + 1.15)
        axes = figure.subplots()
        _discs(axes, points[seen], kinds[seen], radii, names)
        axes.set(xlim=(0, width), ylim=(0, sides[1]), aspect="equal")
        axes.set_xlabel(label("x", "length", units))
        axes.set_ylabel(label("y", "length", units))
        _frame(axes, walls)
        axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=len(names), borderaxespad=0.2)
        if field:
            _arrow(axes)
    return figure


def _discs(axes: "Axes", points: np.ndarray, kinds: np.ndarray, radii: np.ndarray, names: Sequence[str]):
    from matplotlib.collections import EllipseCollection

    for kind, name in enumerate(names):
        here = points[kinds == kind]
        size = np.full(len(here), 2.0 * radii[kind])
        colour = COLOURS[_ORDER[kind % len(_ORDER)]]
        axes.add_collection(
            EllipseCollection(
                size, size, np.zeros(len(here)), units="xy", offsets=here, offset_transform=axes.transData,
                facecolor=colour, edgecolor="white", linewidth=0.2, alpha=0.95,
            )
        )  # fmt: skip
        axes.plot([], [], "o", color=colour, markersize=7, label=f"{len(here)} {name}")


def _frame(axes: "Axes", walls: bool) -> None:
    axes.grid(False)
    for side in ("top", "bottom", "left", "right"):
        wall = walls and side in ("top", "bottom")
        axes.spines[side].set(visible=True, linewidth=3.0 if wall else 0.8, color=COLOURS["black"])


def _arrow(axes: "Axes") -> None:
    """The field, above the right end of the frame: an arrow whose length is in points, whatever the box."""
    from matplotlib.transforms import offset_copy

    colour = COLOURS["vermilion"]
    head, tail = (offset_copy(axes.transAxes, axes.get_figure(root=True), x=x, y=11, units="points") for x in (0, -52))
    look: dict[str, Any] = {"arrowstyle": "-|>", "color": colour, "linewidth": 2.0, "mutation_scale": 15}
    look |= {"shrinkA": 0, "shrinkB": 0}
    axes.annotate("", (1, 1), (1, 1), xycoords=head, textcoords=tail, arrowprops=look)
    axes.annotate("$E$", (1, 1), (-58, 11), textcoords="offset points", color=colour, ha="right", va="center",
                  xycoords="axes fraction", fontsize=13)  # fmt: skip
