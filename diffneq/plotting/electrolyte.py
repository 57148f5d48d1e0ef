"""Ionic conductors: structure, displacement of the charge, driven records, Arrhenius plot, speed-up."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from .style import COLOURS, new_figure, points, stacked_axes, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_ORDER = ("vermilion", "sky", "green", "grey", "purple", "orange")
_ROUTES = {
    "constant current": ("vermilion", "o"),
    "Einstein-Helfand": ("blue", "s"),
    "Green-Kubo": ("sky", "^"),
    "constant field": ("green", "D"),
    "Nernst-Einstein": ("grey", "v"),
}


def ions(positions: ArrayLike, species: ArrayLike, names: Sequence[str], cell: ArrayLike) -> "Figure":
    """The ions of a cell seen along its third edge, those in front drawn last.

    Arguments: `positions` (N, 3) [A], taken modulo the cell; `species` (N,) below len(names); `cell` (3, 3), edges as
    rows [A].
    """
    edges = np.asarray(cell, float)
    fraction = np.asarray(positions, float) @ np.linalg.inv(edges)
    place = (fraction % 1.0) @ edges
    kinds = np.asarray(species)
    with style():
        figure = new_figure(6.0, 5.6)
        axes = figure.subplots()
        order = np.argsort(place[:, 2])
        size = 2.2e4 / max(len(place), 100) ** 0.9
        colours = np.array([COLOURS[_ORDER[k % len(_ORDER)]] for k in range(len(names))])
        weights = np.array([0.9 if k == 0 else 0.7 for k in range(len(names))])
        axes.scatter(
            place[order, 0], place[order, 1], s=size * weights[kinds[order]], c=colours[kinds[order]],
            edgecolors="white", linewidths=0.4,
        )  # fmt: skip
        for k, name in enumerate(names):
            axes.scatter([], [], s=60, color=colours[k], label=name)
        corner = np.array([[0, 0], edges[0, :2], edges[0, :2] + edges[1, :2], edges[1, :2], [0, 0]])
        axes.plot(corner[:, 0], corner[:, 1], color=COLOURS["black"], linewidth=0.8)
        axes.set(aspect="equal", xlabel="x  [Å]", ylabel="y  [Å]")
        axes.grid(False)
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def mean_squared_displacements(curves: Mapping[str, tuple[ArrayLike, ArrayLike, float]]) -> "Figure":
    """<|dM|^2>/3 of the charge against time, with the time from which a line was fitted.

    Arguments: `curves`, label -> (time (n,) [ps], displacement (n,) [e^2 A^2], lag [ps]).
    """
    if not curves:
        raise ValueError("mean_squared_displacements: there is no curve to draw.")
    with style():
        figure = new_figure(6.4, 4.6)
        axes = figure.subplots()
        for number, (name, (time, value, lag)) in enumerate(curves.items()):
            colour = COLOURS[("blue", "green", "orange", "vermilion", "purple", "black", "sky", "grey")[number % 8]]
            t, y = np.asarray(time, float), np.asarray(value, float)
            axes.plot(t, y, color=colour, label=name)
            axes.plot([lag], [np.interp(lag, t, y)], "o", color=colour, markerfacecolor="white")
        t = np.asarray(next(iter(curves.values()))[0], float)
        top = max(float(np.max(y)) for _, y, _ in curves.values())
        axes.plot(t, 0.5 * top * t / t.max(), ":", color=COLOURS["black"], linewidth=1.0)
        axes.annotate("slope 1", (t[len(t) // 2], 0.5 * top * t[len(t) // 2] / t.max()), (4, -12),
                      textcoords="offset points", fontsize=10)  # fmt: skip
        axes.set(xscale="log", yscale="log", xlabel="time  [ps]")
        axes.set_ylabel("$\\langle|\\Delta M|^2\\rangle/3$  [e$^2$Å$^2$]")
        axes.legend(title="fitted from the circles on")
    return figure


def driven_records(time: ArrayLike, density: ArrayLike, field: ArrayLike, settled: float) -> "Figure":
    """The current that is held, and the field that this takes with its running mean from `settled` [ps] on.

    Arguments: `time` (n,) [ps], `density` j (n,) [A/cm^2], `field` (n,) [V/A].
    """
    t, j, e = (np.asarray(x, float) for x in (time, density, field))
    late = t > settled
    with style():
        figure = new_figure(7.2, 4.6)
        lower, upper = stacked_axes(figure)
        power = int(np.floor(np.log10(np.abs(j).max())))
        upper.plot(t, j / 10.0**power, color=COLOURS["blue"])
        upper.set(xlabel="time  [ps]", ylim=(0, 1.3 * j.max() / 10.0**power))
        upper.set_ylabel(f"$j$  [10$^{{{power}}}$ A/cm$^2$]")
        lower.plot(t, e, color=COLOURS["grey"], linewidth=0.4, alpha=0.6, label="record")
        running = np.cumsum(e[late]) / np.arange(1, late.sum() + 1)
        lower.plot(t[late], running, color=COLOURS["vermilion"], linewidth=2.0, label="mean so far")
        lower.axhline(0.0, color=COLOURS["black"], linewidth=0.8)
        lower.set(ylabel="multiplier $\\lambda/e$  [V/Å]")
        spread = 3.5 * float(np.std(e))
        lower.set_ylim(float(e.mean()) - spread, float(e.mean()) + spread)
        lower.legend(loc="upper right", ncols=2)
    return figure


def arrhenius_plot(
    measured: Mapping[str, np.ndarray], curves: Mapping[str, tuple[np.ndarray, np.ndarray]] | None = None
) -> "Figure":
    """sigma T against 1000/T by every route, with fits.

    Arguments: `measured`, route -> rows (temperature [K], sigma [S/m], error); `curves`, route -> (temperature, sigma).
    """
    if not measured:
        raise ValueError("arrhenius_plot: there is no conductivity to draw.")
    with style():
        figure = new_figure(6.8, 4.8)
        axes = figure.subplots()
        shift = np.linspace(-0.004, 0.004, len(measured))
        for (name, rows), move in zip(measured.items(), shift, strict=True):
            colour, marker = _ROUTES.get(name, ("black", "o"))
            t, value, error = np.asarray(rows, float).T
            points(axes, 1000 / t * (1 + move), value * t, error * t, colour, marker, label=name)
        for name, (t, value) in (curves or {}).items():
            colour = _ROUTES.get(name, ("black", "o"))[0]
            axes.plot(1000 / np.asarray(t), np.asarray(value) * np.asarray(t), color=COLOURS[colour], linewidth=1.2)
        axes.set(yscale="log", xlabel="1000 K/$T$", ylabel="$\\sigma T$  [S K/m]")
        above = axes.secondary_xaxis("top", functions=(_inverse, _inverse))
        above.set_xlabel("$T$  [K]")
        axes.legend()
    return figure


def _inverse(x):
    return 1000 / np.maximum(np.asarray(x, float), 1e-9)


def speed_ups(rows: np.ndarray) -> "Figure":
    """Measured speed-up over equilibrium against that of the formula V j^2 tau/(d k_B T sigma).

    Arguments: `rows` (n, 5): temperature [K], current density [A/cm^2], measured, its error, predicted.
    """
    table = np.atleast_2d(np.asarray(rows, float))
    with style():
        figure = new_figure(6.0, 4.8)
        axes = figure.subplots()
        kinds = np.unique(table[:, 0])
        for number, t in enumerate(kinds):
            here = table[table[:, 0] == t]
            colour = ("blue", "green", "orange", "vermilion", "purple", "black", "sky", "grey")[number % 8]
            low = np.minimum(here[:, 3], 0.95 * here[:, 2])
            axes.errorbar(
                here[:, 4], here[:, 2], yerr=np.stack([low, here[:, 3]]), fmt="o", color=COLOURS[colour],
                markerfacecolor="white", label=f"{t:g} K",
            )  # fmt: skip
        span = np.array([table[:, [2, 4]].min() / 2, table[:, [2, 4]].max() * 2])
        axes.plot(span, span, ":", color=COLOURS["black"], linewidth=1.0)
        axes.axhline(100.0, color=COLOURS["grey"], linewidth=0.8)
        axes.set(xscale="log", yscale="log", ylabel="measured speed-up")
        axes.set_xlabel("predicted  $V j^2\\tau/(3 k_BT\\sigma)$")
        axes.legend()
    return figure
