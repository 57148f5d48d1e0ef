"""Pictures of chemical equilibria, from plain arrays."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .style import COLOURS, new_figure, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_CYCLE = [COLOURS[name] for name in ("blue", "vermilion", "green", "orange", "purple", "sky", "black", "grey")]


def formula(text: str) -> str:
    """A formula as Matplotlib prints it.

    >>> formula("2 CH4"), formula("C(gr)")
    ('2 CH$_{4}$', 'C(gr)')
    """
    import re

    return re.sub(r"(?<=[A-Za-z)])(\d+)", r"$_{\1}$", text)


def mole_fractions(
    x: Any, y: Mapping[str, Any], *, xlabel: str, ylabel: str = "mole fraction", log: bool = False,
    low: float = 1e-8, title: str | None = None,
) -> "Figure":  # fmt: skip
    """Curves of composition against one variable, each named at its right end or where it is highest.

    Arguments: `x` (n,); `y`, name -> (n,); `log`, a logarithmic axis from `low`.
    """
    with style():
        figure = new_figure(6.8, 4.6)
        axes = figure.subplots()
        for k, (name, values) in enumerate(y.items()):
            colour, values = _CYCLE[k % len(_CYCLE)], np.asarray(values, float)
            axes.plot(x, values, color=colour, linestyle="-" if k < len(_CYCLE) else "--", label=formula(name))
        if log:
            axes.set(yscale="log", ylim=(low, 2.0))
        axes.set(xlabel=xlabel, ylabel=ylabel, xlim=(np.min(x), np.max(x)))
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
        axes.set_title(title or "")
    return figure


def ellingham(T: Any, lines: Mapping[str, Any], *, title: str | None = None) -> "Figure":
    """Delta G (J per mole of O2) against T, each line named at its right end; the two of carbon in colour."""
    T = np.asarray(T, float)
    with style():
        figure = new_figure(7.4, 6.2)
        axes = figure.subplots()
        ends = []
        for name, values in lines.items():
            G = np.asarray(values, float) / 1e3
            carbon = name.replace("2 C ", "C ").startswith("C ")
            colour = COLOURS["vermilion"] if carbon else COLOURS["blue"] if "H2 " in name else COLOURS["black"]
            axes.plot(T, G, color=colour, linewidth=1.8 if carbon else 1.2)
            last = int(np.flatnonzero(np.isfinite(G))[-1])
            ends.append([G[last], T[last], name, colour])
        ends.sort(key=lambda end: end[0])
        height = ends[0][0]
        for G, t, name, colour in ends:
            height = max(height, G)
            axes.annotate(formula(name), (t, G), xytext=(T[-1] + 25, height), fontsize=8.5, color=colour, va="center",
                          arrowprops={"arrowstyle": "-", "color": COLOURS["grey"], "linewidth": 0.5})  # fmt: skip
            height += 34.0
        axes.set(xlabel="temperature  [K]", ylabel="ΔG of oxidation  [kJ per mole of O$_2$]",
                 xlim=(T[0], T[-1]))  # fmt: skip
        axes.set_title(title or "")
    return figure


def triangle(points: Any, values: Any, corners: tuple[str, str, str], *, label: str, title: str | None = None,
             edge: float | None = None) -> "Figure":  # fmt: skip
    """A quantity over the triangle of three fractions; NaN stays white, a line where the quantity crosses `edge`.

    Arguments: `points` (n, 3), fractions of the corners left, right, top; `values` (n,).
    """
    points, values = np.asarray(points, float), np.asarray(values, float)
    share = points / points.sum(axis=1, keepdims=True)
    x, y = share[:, 1] + 0.5 * share[:, 2], np.sqrt(0.75) * share[:, 2]
    with style():
        figure = new_figure(6.4, 5.2)
        axes = figure.subplots()
        axes.set_axis_off()
        picture = axes.scatter(x, y, c=values, s=max(4.0, 6e4 / len(x)), marker="h", linewidths=0, cmap="viridis")
        if edge is not None:
            axes.tricontour(x, y, values, levels=[edge], colors=COLOURS["vermilion"])
        figure.colorbar(picture, ax=axes, label=label, shrink=0.7)
        axes.plot([0, 1, 0.5, 0], [0, 0, np.sqrt(0.75), 0], color=COLOURS["black"], linewidth=0.9)
        top = np.sqrt(0.75)
        for name, (a, b), side in zip(corners, ((0, -0.03), (1, -0.03), (0.5, top + 0.02)), "ttb", strict=True):
            axes.text(a, b, name, ha="center", va="top" if side == "t" else "bottom", fontsize=13)
        axes.set_aspect("equal")
        axes.set_title(title or "")
    return figure
