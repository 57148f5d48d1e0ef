"""Local equilibrium and its end: velocity tails, temperatures against the field, profiles between walls."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from .style import COLOURS, columns, label, new_figure, number, points, stacked_axes, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Units = Mapping[str, str] | None
_SERIES = ("blue", "vermilion", "green", "purple", "orange", "sky")
_MARKERS = "o^sDv<"


def velocity_tails(curves: Mapping[str, Sequence[ArrayLike]], tails: Mapping[str, Any] | None = None) -> "Figure":
    """ln P(v_y) against m v_y^2/T_y: a Maxwellian is one straight line; below, the distance from it.

    Arguments: `curves`, name -> (u, value, error), arrays (n,): u = m v_y^2/T_y with T_y the kinetic temperature, and
    ln of the density of v_y sqrt(m/T_y), so that a Maxwellian is -u/2 - ln(2 pi)/2; `tails`, name -> (T_tail/T_y, the
    least u of the fit): a line of that slope through the tail. All is dimensionless.
    Raises ValueError for shapes that do not match.
    """
    with style():
        figure = new_figure(6.8, 5.8)
        upper, lower = stacked_axes(figure, 1.5)
        largest = 0.0
        for (name, curve), colour, marker in zip(curves.items(), _SERIES, _MARKERS, strict=False):
            u, value, error = columns("velocity_tails", u=curve[0], value=curve[1], error=curve[2])
            u, value, error = (x[error < 0.25] for x in (u, value, error))
            largest = max(largest, float(u[-1]))
            distance = value + u / 2 + np.log(2 * np.pi) / 2
            points(upper, u, value, error, colour, marker, markersize=4, label=name)
            points(lower, u, distance, error, colour, marker, markersize=4)
            if tails and name in tails and u[-1] > tails[name][1]:
                ratio, least = tails[name]
                far = u >= least
                weight = error[far] ** -2
                level = float(weight @ (value[far] + u[far] / (2 * ratio)) / weight.sum())
                grid = np.linspace(least, u[-1], 50)
                line = level - grid / (2 * ratio)
                lower.plot(grid, line + grid / 2 + np.log(2 * np.pi) / 2, color=COLOURS[colour], zorder=4)
        grid = np.linspace(0.0, largest, 50)
        upper.plot(grid, -grid / 2 - np.log(2 * np.pi) / 2, color=COLOURS["grey"], linestyle="--",
                   label="Maxwellian at $T_y$")  # fmt: skip
        lower.axhline(0.0, color=COLOURS["grey"], linestyle="--")
        upper.set_ylabel(r"$\ln P(v_y)$")
        lower.set_ylabel("distance from\nthe Maxwellian")
        lower.set_xlabel(r"$m v_y^2\,/\,k_\mathrm{B}T_y$")
        upper.legend(title="field" if len(curves) > 1 else None)
    return figure


def temperatures_against_field(
    field: ArrayLike, temperatures: Mapping[str, Sequence[Any]], bath: float, *, units: Units = None
) -> "Figure":
    """Kinetic, tail and phonon temperatures against the field, over the temperature of the bath.

    Arguments: `field` (n,); `temperatures`, name -> n Estimates (or pairs); `bath`; `units`, keys "field",
    "temperature".
    """
    with style():
        figure = new_figure(6.4, 4.4)
        axes = figure.subplots()
        axes.axhline(bath, color=COLOURS["grey"], linestyle="--", label="bath")
        for (name, values), colour, marker in zip(temperatures.items(), _SERIES, _MARKERS, strict=False):
            best, error = np.transpose([number(v) for v in values])
            x, best, error = columns("temperatures_against_field", field=field, temperature=best, error=error)
            axes.plot(x, best, color=COLOURS[colour], linewidth=0.8)
            points(axes, x, best, error, colour, marker, label=name)
        axes.set_ylim(bottom=0.0)
        axes.set_xlabel(label("field  $E$", "field", units))
        axes.set_ylabel(label("temperature", "temperature", units))
        axes.legend()
    return figure


def departures_against_field(
    field: ArrayLike, departures: Mapping[str, Sequence[Any]], *, units: Units = None
) -> "Figure":
    """Dimensionless departures from local equilibrium against the field, both axes logarithmic, with slopes 1 and 2.

    Arguments: `field` (n,); `departures`, name -> n Estimates (or pairs); for points below three times their error a
    dash marks the value plus two standard errors; `units`, key "field".
    """
    with style():
        figure = new_figure(6.8, 5.0)
        axes = figure.subplots()
        for (name, values), colour, marker in zip(departures.items(), _SERIES, _MARKERS, strict=False):
            best, error = np.transpose([number(v) for v in values])
            x, best, error = columns("departures_against_field", field=field, departure=best, error=error)
            seen = (x > 0) & (np.abs(best) > 3 * error)
            limit = (x > 0) & ~seen
            sign = "" if np.sum(best[seen]) >= 0 else "\u2212"
            axes.plot(x[seen], np.abs(best[seen]), color=COLOURS[colour], linewidth=0.8)
            points(axes, x[seen], np.abs(best[seen]), error[seen], colour, marker, label=sign + name)
            most = np.abs(best[limit]) + 2 * error[limit]
            axes.plot(x[limit], most, "_", color=COLOURS[colour], markersize=9, markeredgewidth=2)
        x = np.asarray(field, float)
        x = np.sort(x[x > 0])
        grid = np.array([x[0], x[-1]])
        axes.set(xscale="log", yscale="log")
        low, high = axes.get_ylim()
        for power, dash in ((1, ":"), (2, "--")):
            guide = 0.7 * high * (grid / x[-1]) ** power
            axes.plot(
                grid, guide, color=COLOURS["grey"], linestyle=dash, label=r"$\sim E$" if power == 1 else r"$\sim E^2$"
            )
        axes.set_ylim(max(low, 3e-3), high)
        axes.set_xticks(x, [f"{e:g}" for e in x])
        axes.minorticks_off()
        axes.set_xlabel(label("field  $E$", "field", units))
        axes.set_ylabel("departure from local equilibrium")
        figure.legend(loc="outside right upper", fontsize=9)
    return figure


def profiles_across(
    y: ArrayLike, panels: Mapping[str, Mapping[str, Sequence[ArrayLike]]], *, units: Units = None
) -> "Figure":
    """Profiles between two walls, one panel for each quantity.

    Arguments: `y` (n,), centres of the slices; `panels`, label of the axis -> {name of a curve -> (value, error)},
    arrays (n,); `units`, key "length" and the labels of the panels. Raises ValueError for shapes that do not match.
    """
    with style():
        rows = -(-len(panels) // 2)
        figure = new_figure(8.4, 2.7 * rows + 0.4)
        grid = figure.subplots(rows, 2, sharex=True, squeeze=False).ravel()
        for axes, (title, curves) in zip(grid, panels.items(), strict=False):
            for (name, curve), colour, marker in zip(curves.items(), _SERIES, _MARKERS, strict=False):
                x, value, error = columns("profiles_across", y=y, value=curve[0], error=curve[1])
                axes.plot(x, value, color=COLOURS[colour], linewidth=0.8)
                points(axes, x, value, error, colour, marker, label=name, markersize=4.5)
            axes.set_ylabel(label(title, title, units))
            if len(curves) > 1:
                axes.legend(fontsize=9)
        for axes in grid[-2:]:
            axes.set_xlabel(label("distance from the wall  $y$", "length", units))
    return figure
