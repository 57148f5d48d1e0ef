"""Steady currents: their approach in time, their dependence on field and size, the power they spend."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from .style import COLOURS, columns, label, new_figure, number, points, short, stacked_axes, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Units = Mapping[str, str] | None


def current_voltage(
    field: ArrayLike,
    current: ArrayLike,
    error: ArrayLike | None = None,
    *,
    conductivity: Any = None,
    cubic: Any = None,
    units: Units = None,
) -> "Figure":
    """j(E) with the line j = sigma E and the bend j = sigma E + sigma_3 E^3; below it, j/E.

    Arguments: `field`, `current`, `error` (n,); `conductivity` sigma and `cubic` sigma_3, each an Estimate, a
    pair (value, error) or a number; `units`, keys "field", "current", "conductivity". The points of the lower
    panel leave out E = 0. Raises ValueError for shapes that do not match.
    """
    field, current, error = columns("current_voltage", field=field, current=current, error=error)
    with style():
        figure = new_figure(6.4, 5.6)
        upper, lower = stacked_axes(figure, 1.7)
        reach = 1.06 * np.max(np.abs(field)) or 1.0
        grid = np.linspace(-reach if np.min(field) < 0 else 0.0, reach, 301)
        if conductivity is not None:
            sigma, spread = number(conductivity)
            line: dict[str, Any] = {"color": COLOURS["grey"], "linestyle": "--"}
            upper.plot(grid, sigma * grid, **line, label=rf"$\sigma E$,  $\sigma$ = {short(sigma, spread)}")
            lower.axhline(sigma, **line)
            lower.axhspan(sigma - spread, sigma + spread, color=COLOURS["grey"], alpha=0.2, linewidth=0)
            if cubic is not None:
                third, width = number(cubic)
                name = rf"$\sigma E+\sigma_3E^3$,  $\sigma_3$ = {short(third, width)}"
                upper.plot(grid, sigma * grid + third * grid**3, color=COLOURS["vermilion"], label=name)
                lower.plot(grid, sigma + third * grid**2, color=COLOURS["vermilion"])
        points(upper, field, current, error, "blue", label="simulation")
        driven = field != 0
        size = field[driven]
        points(lower, size, current[driven] / size, error[driven] / np.abs(size), "blue")
        upper.set_ylabel(label("current density  $j$", "current", units))
        lower.set_ylabel(label("$j/E$", "conductivity", units))
        lower.set_xlabel(label("field  $E$", "field", units))
        upper.legend()
    return figure


def conductivity_against_size(
    inverse_length: ArrayLike,
    conductivity: ArrayLike,
    error: ArrayLike | None = None,
    *,
    limit: Any = None,
    slope: Any = None,
    units: Units = None,
) -> "Figure":
    """sigma against 1/L with the fit sigma = sigma_infinity + slope/L: is there any dependence on size?

    Arguments: `inverse_length` (of a length L of the caller's choice, sqrt(A) for one), `conductivity`, `error`
    (n,); `limit` sigma_infinity and `slope`, each an Estimate, a pair (value, error) or a number; `units`, keys
    "inverse length", "conductivity". The band takes the errors of both as independent.
    Raises ValueError for shapes that do not match.
    """
    x, sigma, error = columns(
        "conductivity_against_size", inverse_length=inverse_length, conductivity=conductivity, error=error
    )
    with style():
        figure = new_figure(6.4, 4.2)
        axes = figure.subplots()
        grid = np.linspace(0.0, 1.08 * np.max(x), 101)
        if limit is not None:
            best, spread = number(limit)
            rise, width = number(0.0 if slope is None else slope)
            line, band = best + rise * grid, np.hypot(spread, width * grid)
            text = rf"$\sigma_\infty$ = {short(best, spread)}"
            text += "" if slope is None else f",  slope = {short(rise, width)}"
            axes.plot(grid, line, color=COLOURS["vermilion"], label=text)
            look: dict[str, Any] = {"color": COLOURS["vermilion"], "alpha": 0.15, "linewidth": 0}
            axes.fill_between(grid, line - band, line + band, **look)
        points(axes, x, sigma, error, "blue", label="simulation")
        centre, spread = np.mean(sigma), max(1.5 * np.ptp(sigma), 0.12 * abs(np.mean(sigma)))
        axes.set(xlim=(0, grid[-1]), ylim=(centre - spread, centre + spread))
        axes.set_xlabel(label("inverse length  $1/L$", "inverse length", units))
        axes.set_ylabel(label(r"conductivity  $\sigma$", "conductivity", units))
        axes.legend()
    return figure


def time_series(
    time: ArrayLike,
    current: ArrayLike,
    *,
    steady: Any = None,
    transient: float | None = None,
    units: Units = None,
) -> "Figure":
    """j(t) after the field is switched on: each run thin, their mean bold, the steady value it settles to.

    Arguments: `time` (n,); `current` (n,), or (R, n) for R runs; `steady`, an Estimate, a pair (value, error)
    or a number; `transient`, the time from which the steady value is averaged; `units`, keys "time",
    "current". Raises ValueError for shapes that do not match.
    """
    runs = np.atleast_2d(np.asarray(current, np.float64))
    time, mean = columns("time_series", time=time, current=np.mean(runs, axis=0))
    with style():
        figure = new_figure(7.2, 3.8)
        axes = figure.subplots()
        if transient is not None:
            axes.axvspan(time[0], transient, color="#E4E4E4", linewidth=0)
            middle = 0.5 * (time[0] + transient)
            axes.text(middle, 0.97, "transient", ha="center", va="top", transform=axes.get_xaxis_transform())
        if len(runs) > 1:
            axes.plot(time, runs.T[:, :12], color=COLOURS["sky"], linewidth=0.5, alpha=0.6)
        name = "one run" if len(runs) == 1 else f"mean of {len(runs)} runs"
        axes.plot(time, mean, color=COLOURS["blue"], label=name)
        if steady is not None:
            best, spread = number(steady)
            start = time[0] if transient is None else transient
            axes.hlines(best, start, time[-1], color=COLOURS["vermilion"], zorder=4,
                        label=f"steady, {short(best, spread)}")  # fmt: skip
        axes.axhline(0.0, color=COLOURS["black"], linewidth=0.8)
        axes.set(xlim=(min(0.0, time[0]), time[-1]))
        axes.set_xlabel(label("time  $t$", "time", units))
        axes.set_ylabel(label("current density  $j$", "current", units))
        axes.legend(ncols=3, loc="lower right")
    return figure


def power_balance(
    field: ArrayLike,
    work: ArrayLike,
    heat: ArrayLike,
    work_error: ArrayLike | None = None,
    heat_error: ArrayLike | None = None,
    *,
    units: Units = None,
) -> "Figure":
    """Joule's power W' = j E A and the heat given to the bath Q' against E; below, Q'/W' = 1.

    Arguments: all (n,); `work` and `heat` as powers, both positive in a steady state; `units`, keys "field",
    "power". Points without power are left out. Raises ValueError for shapes that do not match.
    """
    field, work, heat, work_error, heat_error = columns(
        "power_balance", field=field, work=work, heat=heat, work_error=work_error, heat_error=heat_error
    )
    keep = (field != 0) & (work > 0)
    if not np.any(keep):
        raise ValueError("power_balance: no point has a field and a positive power; give driven runs.")
    field, work, heat, work_error, heat_error = (x[keep] for x in (field, work, heat, work_error, heat_error))
    with style():
        figure = new_figure(6.4, 5.2)
        upper, lower = stacked_axes(figure, 2.0)
        points(upper, field, work, work_error, "blue", label=r"work of the field, $j\,E\,A$", markersize=8)
        points(upper, field, heat, heat_error, "vermilion", "^", label="heat given to the bath", markersize=5)
        ratio = heat / work
        spread = np.abs(ratio) * np.hypot(np.nan_to_num(work_error) / work, np.nan_to_num(heat_error) / heat)
        points(lower, field, ratio, spread, "black")
        lower.axhline(1.0, color=COLOURS["grey"], linestyle="--")
        upper.set_ylabel(label("power", "power", units))
        upper.set_yscale("log")
        lower.set_ylabel("heat / work")
        lower.set_xlabel(label("field  $E$", "field", units))
        upper.legend()
    return figure
