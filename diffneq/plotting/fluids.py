"""Temperature-entropy and pressure-enthalpy diagrams of a fluid, from labelled datasets."""

from typing import TYPE_CHECKING, Any

import numpy as np

from .style import COLOURS, new_figure, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_DOME: Any = {"color": COLOURS["black"], "linewidth": 1.8, "zorder": 4}
_THIN: Any = {"linewidth": 0.8, "zorder": 2}
TINT = "#E9EFF5"


def temperature_entropy(dome: Any, qualities: Any = None, isobars: Any = None, title: str | None = None) -> "Figure":
    """T against s: the saturation dome with the critical point, isobars, lines of constant quality.

    Arguments: `dome`, `qualities`, `isobars`, datasets of `thermo.fluids.diagrams` (or with the same variables); the
    last two may be left out. Energies are shown in kJ where the basis is kg, in J where it is mol.
    """
    scale, basis = _scale(dome)
    with style():
        figure = new_figure(6.6, 4.9)
        axes = figure.subplots()
        axes.fill(*_closed(dome, "s", "T", scale, 1.0), color=TINT, zorder=1, linewidth=0.0)
        s = np.asarray(dome["s"].values) * scale
        T_top = float(np.nanmax((isobars if isobars is not None else dome)["T"].values))
        T_low, wide = float(dome["T"].values.min()), s.max() - s.min()
        axes.set(xlim=(s.min() - 0.03 * wide, s.max() + 0.06 * wide), ylim=(T_low, T_top + 0.02 * (T_top - T_low)))
        if qualities is not None:
            _lines(axes, qualities, "s", "T", scale, 1.0, "grey", None)
        if isobars is not None:
            _lines(axes, isobars, "s", "T", scale, 1.0, "blue", _pressure)
        _draw_dome(axes, dome, "s", "T", scale, 1.0)
        axes.set(xlabel=f"entropy s  [{'kJ' if basis == 'kg' else 'J'} {basis}$^{{-1}}$ K$^{{-1}}$]")
        axes.set(ylabel="temperature T  [K]")
        axes.set_title(title or f"{dome.attrs['fluid']}")
    return figure


def pressure_enthalpy(dome: Any, qualities: Any = None, isotherms: Any = None, title: str | None = None) -> "Figure":
    """p (logarithmic) against h: the saturation dome with the critical point, isotherms, lines of constant quality."""
    scale, basis = _scale(dome)
    with style():
        figure = new_figure(6.6, 4.9)
        axes = figure.subplots()
        axes.set_yscale("log")
        axes.fill(*_closed(dome, "h", "p", scale, 1e-6), color=TINT, zorder=1, linewidth=0.0)
        if qualities is not None:
            _lines(axes, qualities, "h", "p", scale, 1e-6, "grey", None)
        h = np.asarray(dome["h"].values) * scale
        low, high = float(dome["p"].values.min()) * 1e-6, float(dome["p"].values.max()) * 4e-6
        wide = h.max() - h.min()
        axes.set(xlim=(h.min() - 0.03 * wide, h.max() + 0.35 * wide), ylim=(low, high))
        if isotherms is not None:
            _lines(axes, isotherms, "h", "p", scale, 1e-6, "vermilion", lambda T: f"{T:g} K")
        _draw_dome(axes, dome, "h", "p", scale, 1e-6)
        axes.set(xlabel=f"enthalpy h  [{'kJ' if basis == 'kg' else 'J'} {basis}$^{{-1}}$]", ylabel="pressure p  [MPa]")
        axes.set_title(title or f"{dome.attrs['fluid']}")
    return figure


def _scale(dome: Any) -> tuple[float, str]:
    basis = dome.attrs["basis"]
    return (1e-3 if basis == "kg" else 1.0), basis


def _closed(dome: Any, x: str, y: str, x_scale: float, y_scale: float) -> tuple[np.ndarray, np.ndarray]:
    """The dome as one closed curve."""
    sides = [dome.sel(side=side) for side in ("liquid", "vapour")]
    join = lambda name: np.concatenate([sides[0][name].values, sides[1][name].values[::-1]])
    return join(x) * x_scale, join(y) * y_scale


def _draw_dome(axes: "Axes", dome: Any, x: str, y: str, x_scale: float, y_scale: float) -> None:
    axes.plot(*_closed(dome, x, y, x_scale, y_scale), **_DOME)
    top = dome.isel(point=-1, side=0)
    look: Any = {"markerfacecolor": "white", "markeredgecolor": COLOURS["black"], "markeredgewidth": 1.3, "zorder": 5}
    axes.plot(float(top[x]) * x_scale, float(top[y]) * y_scale, "o", **look)


def _lines(axes: "Axes", data: Any, x: str, y: str, x_scale: float, y_scale: float, colour: str, name: Any) -> None:
    """One thin line a value of `line`, with its name."""
    for k, value in enumerate(data["line"].values):
        here = data.isel(line=k)
        across, up = np.asarray(here[x].values) * x_scale, np.asarray(here[y].values) * y_scale
        axes.plot(across, up, color=COLOURS[colour], linestyle="-" if name else (0, (4, 3)), **_THIN)
        if name:
            _name(axes, across, up, name(float(value)), colour, k)


def _name(axes: "Axes", x: np.ndarray, y: np.ndarray, text: str, colour: str, order: int) -> None:
    """The name of a line inside the picture: upright at the foot of an isotherm, at the head of an isobar."""
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    inside = np.isfinite(x) & np.isfinite(y) & (x > left) & (x < right - 0.04 * (right - left))
    logarithmic = axes.get_yscale() == "log"
    if logarithmic:
        inside &= (y > 1.6 * low) & (y < high)
    else:  # neighbours at two heights, so that the names do not touch
        inside &= y < high - (0.03 + 0.055 * (order % 2)) * (high - low)
    if inside.any():
        place = int(np.flatnonzero(inside)[(np.argmin if logarithmic else np.argmax)(y[inside])])
        box: Any = {"facecolor": "white", "edgecolor": "none", "pad": 0.6, "alpha": 0.85}
        look: Any = {"color": COLOURS[colour], "fontsize": 8.0, "ha": "center", "bbox": box, "zorder": 6}
        turn = 90.0 if logarithmic else 0.0
        axes.text(x[place], y[place], text, rotation=turn, va="bottom" if logarithmic else "center", **look)


def _pressure(p: float) -> str:
    return f"{p / 1e6:g} MPa" if p >= 1e5 else f"{p / 1e3:g} kPa"
