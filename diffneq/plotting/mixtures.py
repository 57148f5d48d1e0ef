"""Pictures of binary mixtures: T-x-y, P-x-y, x-y, and the Gibbs energy of mixing with its common tangent."""

from typing import TYPE_CHECKING, Any

import numpy as np

from .style import COLOURS, columns, new_figure, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def boiling_diagram(
    x: Any, y: Any, level: Any, *, name: str = "1", isobaric: bool = True, azeotropes: Any = (),
    three_phase: Any = None, data: Any = None, title: str | None = None,
) -> "Figure":  # fmt: skip
    """T against x and y at constant P (or P at constant T): the bubble line, the dew line and the two-phase field.

    Arguments: `x`, `y` (n,) mole fractions of the component `name` in liquid and vapour, `level` (n,) temperatures in K
    (pressures in Pa where not `isobaric`), NaN where the liquid is not stable; `azeotropes`, pairs (x, level);
    `three_phase`, (x', x'', y, level) of a heteroazeotrope; `data`, measured (x, y, level), y may be NaN; `title`.
    Raises ValueError for arrays of different lengths.
    """
    x, y, level = columns("boiling_diagram", x=x, y=y, level=level)
    scale = 1.0 if isobaric else 1e-3
    with style():
        figure = new_figure(6.2, 4.6)
        axes = figure.subplots()
        known = np.isfinite(level)
        for part in _pieces(known):
            axes.plot(x[part], scale * level[part], color=COLOURS["blue"], label="liquid, boiling")
            axes.plot(y[part], scale * level[part], color=COLOURS["vermilion"], label="vapour, condensing")
        _ties(axes, x[known], y[known], scale * level[known])
        if three_phase is not None:
            first, second, gas, at = (float(v) for v in three_phase)
            ends = [min(first, second, gas), max(first, second, gas)]
            axes.plot(ends, [scale * at] * 2, color=COLOURS["black"], linewidth=1.2, label="two liquids and vapour")
            axes.plot([first, second, gas], [scale * at] * 3, "o", color=COLOURS["black"], markersize=3.5)
        for at, value in azeotropes:
            axes.plot(
                [float(at)], [scale * float(value)], "o", color=COLOURS["black"], markerfacecolor="white", zorder=5
            )
            above = (float(value) < np.nanmedian(level)) == isobaric  # into the field where the curves are not
            axes.annotate(f"azeotrope {float(at):.3f}", (float(at), scale * float(value)), ha="center", fontsize=9,
                          xytext=(0, 9 if above else -16), textcoords="offset points")  # fmt: skip
        if data is not None:
            _measured(axes, data, scale)
        axes.set(xlim=(0, 1), xlabel=f"mole fraction of {name}",
                 ylabel="temperature  [K]" if isobaric else "pressure  [kPa]")  # fmt: skip
        _legend(axes)
        if title:
            axes.set_title(title)
    return figure


def _pieces(known: np.ndarray) -> list[np.ndarray]:
    """Indices of unbroken stretches."""
    at = np.flatnonzero(known)
    return [part for part in np.split(at, np.flatnonzero(np.diff(at) > 1) + 1) if len(part)]


def _ties(axes: "Axes", x: np.ndarray, y: np.ndarray, level: np.ndarray) -> None:
    """A few thin tie lines."""
    shown = np.linspace(0, len(x) - 1, 12).astype(int)[1:-1]
    for k in shown:
        axes.plot([x[k], y[k]], [level[k]] * 2, color=COLOURS["grey"], linewidth=0.5, zorder=1)


def _measured(axes: "Axes", data: Any, scale: float) -> None:
    at_x, at_y, at_level = columns("boiling_diagram", x=data[0], y=data[1], level=data[2])
    look: Any = {"linestyle": "none", "markersize": 4.5, "markerfacecolor": "white", "zorder": 4}
    axes.plot(at_x, scale * at_level, "o", color=COLOURS["blue"], label="measured", **look)
    axes.plot(at_y, scale * at_level, "s", color=COLOURS["vermilion"], **look)


def _legend(axes: "Axes") -> None:
    """Each label once."""
    handles, labels = axes.get_legend_handles_labels()
    once = dict(zip(labels, handles, strict=True))
    axes.legend(once.values(), once.keys(), loc="best")


def equilibrium_curve(
    x: Any, y: Any, *, name: str = "1", azeotropes: Any = (), data: Any = None, title: str | None = None
) -> "Figure":
    """y against x with the diagonal: McCabe and Thiele's picture.

    Arguments: `x`, `y` (n,) of the component `name`, NaN where the liquid is not stable; `azeotropes`, values of x;
    `data`, measured (x, y); `title`. Raises ValueError for arrays of different lengths.
    """
    x, y = columns("equilibrium_curve", x=x, y=y)
    with style():
        figure = new_figure(5.0, 4.8)
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], color=COLOURS["grey"], linewidth=0.9)
        axes.plot(x, y, color=COLOURS["blue"])
        for at in azeotropes:
            axes.plot([float(at)], [float(at)], "o", color=COLOURS["black"], markerfacecolor="white", zorder=5)
            axes.annotate(f"{float(at):.3f}", (float(at), float(at)), xytext=(8, -12), textcoords="offset points",
                          fontsize=9)  # fmt: skip
        if data is not None:
            at_x, at_y = columns("equilibrium_curve", x=data[0], y=data[1])
            axes.plot(at_x, at_y, "o", color=COLOURS["vermilion"], markerfacecolor="white", markersize=4.5)
        axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal", xlabel=f"mole fraction of {name} in the liquid",
                 ylabel=f"mole fraction of {name} in the vapour")  # fmt: skip
        if title:
            axes.set_title(title)
    return figure


def mixing_energy(
    x: Any, g: Any, *, tangents: Any = (), spinodal: Any = (), name: str = "1", title: str | None = None
) -> "Figure":
    """g_mix(x) with common tangents and spinodal points.

    Arguments: `x` (n,) mole fraction of `name`, `g` (n,) in J/mol; `tangents`, tuples (x', x'', mu_1, mu_2) of the ends
    of a gap and of the ends of the tangent at x = 1 and x = 0, J/mol; `spinodal`, pairs (x, g); `title`. Raises
    ValueError for arrays of different lengths.
    """
    x, g = columns("mixing_energy", x=x, g=g)
    with style():
        figure = new_figure(6.0, 4.4)
        axes = figure.subplots()
        axes.plot(x, g, color=COLOURS["blue"], label="one phase")
        for first, second, mu_1, mu_2 in tangents:
            line = lambda at, a=float(mu_1), b=float(mu_2): at * a + (1.0 - at) * b
            ends = np.array([float(first), float(second)])
            axes.plot([0, 1], [line(0.0), line(1.0)], color=COLOURS["grey"], linewidth=0.8, linestyle="--")
            axes.plot(ends, line(ends), color=COLOURS["vermilion"], label="two phases")
            axes.plot(ends, line(ends), "o", color=COLOURS["vermilion"], markerfacecolor="white", label="binodal")
        for at, value in spinodal:
            axes.plot([float(at)], [float(value)], "x", color=COLOURS["black"], markersize=6, label="spinodal")
        axes.set(xlim=(0, 1), xlabel=f"mole fraction of {name}", ylabel="Gibbs energy of mixing  [J/mol]")
        _legend(axes)
        if title:
            axes.set_title(title)
    return figure
