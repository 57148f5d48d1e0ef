"""Temperature-composition diagrams of binary systems, from labelled datasets."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

import numpy as np

from .phase_names import element, printed
from .style import COLOURS, new_figure, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Composition = Literal["mole fraction", "mole percent", "mass percent"]
TINT = "#E9EFF5"
_LINE: Any = {"color": COLOURS["black"], "linewidth": 1.4, "solid_capstyle": "round", "solid_joinstyle": "round"}
_CHARACTER, _HEIGHT = 0.0155, 0.042  # size of a printed character, of the width and the height of the axes


class _Scale(NamedTuple):
    """From mole fractions and kelvin to what the axes show."""

    masses: tuple[float, float]
    composition: str
    zero: float  # K that the axis calls 0
    span: float

    def x(self, x: Any) -> np.ndarray:
        x = np.asarray(x, float)
        if self.composition == "mass percent":
            first, second = self.masses
            return 100.0 * x * second / (x * second + (1.0 - x) * first)
        return 100.0 * x if self.composition == "mole percent" else x

    def T(self, T: Any) -> np.ndarray:
        return np.asarray(T, float) - self.zero

    @property
    def width(self) -> float:
        return 1.0 if self.composition == "mole fraction" else 100.0


def binary_phase_diagram(
    data: Any,
    *,
    composition: Composition = "mole percent",
    celsius: bool = False,
    names: Mapping[str, str] | None = None,
    title: str | None = None,
) -> "Figure":
    """The phase diagram of a binary system: phase boundaries, invariant lines, names in the fields.

    Two-phase fields are tinted. Dots on an invariant line are the phases that react there; circles are congruent and
    critical points.

    Arguments: `data`, the `dataset` of `thermo.calphad.diagrams.binary` (or the file written from it);
    `composition`, what the horizontal axis shows; `celsius`, temperatures in degrees Celsius instead of K; `names`,
    what to print instead of the names of phases in the database; `title`. Raises ValueError for another composition.
    """
    if composition not in get_args(Composition):
        raise ValueError(f"composition must be {', '.join(get_args(Composition))}, got {composition!r}.")
    low, high = float(data.attrs["T_low"]), float(data.attrs["T_high"])
    masses = tuple(float(m) for m in np.atleast_1d(data.attrs["masses"]))
    scale = _Scale((masses[0], masses[1]), composition, 273.15 if celsius else 0.0, high - low)
    elements = [str(e) for e in data["element"].values]
    with style():
        figure = new_figure(6.6, 4.9)
        axes = figure.subplots()
        axes.grid(False)
        axes.spines[["top", "right"]].set_visible(True)
        axes.tick_params(top=True, right=True, direction="in")
        _regions(axes, data, scale)
        _reactions(axes, data, scale)
        _points(axes, data, scale)
        _fields(axes, data, scale, lambda text: printed(text, elements, names))
        first, second = (element(e) for e in elements)
        unit = {"mole fraction": f"mole fraction of {second}"}.get(composition, f"{second}  [{composition}]")
        axes.set(xlim=(0, scale.width), ylim=(low - scale.zero, high - scale.zero), xlabel=unit,
                 ylabel="temperature  [°C]" if celsius else "temperature  [K]")  # fmt: skip
        axes.set_title(title or f"{first}\u2013{second}")
    return figure


def _regions(axes: "Axes", data: Any, scale: _Scale) -> None:
    number, T, x = (np.asarray(data[name].values) for name in ("region", "T", "x"))
    for k in np.unique(number):
        own = number == k
        y, left, right = scale.T(T[own]), scale.x(x[own, 0]), scale.x(x[own, 1])
        axes.fill_betweenx(y, left, right, color=TINT, linewidth=0, zorder=1)
        for side in (left, right):
            if not (np.all(side < 1e-6 * scale.width) or np.all(side > (1 - 1e-6) * scale.width)):
                axes.plot(side, y, zorder=3, **_LINE)


def _reactions(axes: "Axes", data: Any, scale: _Scale) -> None:
    for T, x in zip(data["invariant_T"].values, data["invariant_x"].values, strict=True):
        at, y = scale.x(x), float(scale.T(T))
        axes.plot([at[0], at[-1]], [y, y], zorder=3, **_LINE)
        axes.plot(at, [y] * 3, "o", color=COLOURS["black"], markersize=3.4, zorder=4, clip_on=False)
        widths = np.diff(at)
        side = int(np.argmax(widths))
        if widths[side] > 0.075 * scale.width:
            axes.annotate(f"{y:.0f}", (0.5 * (at[side] + at[side + 1]), y), xytext=(0, 2), textcoords="offset points",
                          ha="center", va="bottom", fontsize=8.5, color=COLOURS["vermilion"], zorder=5)  # fmt: skip


def _points(axes: "Axes", data: Any, scale: _Scale) -> None:
    for T, x, kind in zip(data["point_T"].values, data["point_x"].values, data["point_kind"].values, strict=True):
        if "congruent" in str(kind) or "critical" in str(kind):
            at, y = float(scale.x(x)), float(scale.T(T))
            axes.plot([at], [y], "o", color=COLOURS["vermilion"], markerfacecolor="white", markersize=4.2, zorder=5)
            axes.annotate(f"{y:.0f}", (at, y), xytext=(0, 4), textcoords="offset points", ha="center", va="bottom",
                          fontsize=8.5, color=COLOURS["vermilion"], zorder=5)  # fmt: skip


def _fields(axes: "Axes", data: Any, scale: _Scale, shown: Any) -> None:
    columns = ("field_phase", "field_x", "field_T", "field_room_x", "field_span")
    for name, x, T, wide, reach in zip(*(data[c].values for c in columns), strict=True):
        text, single = shown(str(name)), "+" not in str(name)
        low, high = _clear(data, float(x), *(float(t) for t in reach))
        tall, middle = (high - low) / scale.span, float(scale.T(0.5 * (low + high)))
        at = float(scale.x(x))
        length = _CHARACTER * len(text.replace("$", "").replace("_", "").replace("\\", ""))
        look: Any = {"ha": "center", "va": "center", "fontsize": 10.5 if single else 9.5, "zorder": 6}
        if wide > length + 0.01 and tall > _HEIGHT:
            axes.text(at, float(scale.T(T)), text, **look, fontweight="bold" if single else "normal")
        elif wide > 0.036 and tall > 1.4 * length:
            axes.text(at, middle, text, rotation=90, **look)
        elif single and tall > 1.4 * length:
            # A nearly vertical line: its name stands beside it, towards the middle of the diagram.
            box: Any = {"facecolor": TINT, "edgecolor": "none", "pad": 0.6}
            aside = (-1.0 if x > 0.5 else 1.0) * (0.5 * wide + 0.021) * scale.width
            axes.text(at + aside, middle, text, rotation=90, bbox=box, **look)
        elif single:
            _outside(axes, text, (at, float(scale.T(T))), x, scale, look)


def _clear(data: Any, x: float, low: float, high: float) -> tuple[float, float]:
    """The longest stretch of temperatures at x that no invariant line crosses or touches."""
    ends = data["invariant_x"].values[:, [0, 2]]
    crossing = (ends[:, 0] - 0.06 < x) & (x < ends[:, 1] + 0.06)
    inner = [t for t in data["invariant_T"].values[crossing] if low < t < high]
    stops = [low, *sorted(inner), high]
    k = int(np.argmax(np.diff(stops)))
    return stops[k], stops[k + 1]


def _outside(axes: "Axes", text: str, place: tuple[float, float], x: float, scale: _Scale, look: Any) -> None:
    """The name of a field too small for it, with a line to the field."""
    aside = (-0.09 if x > 0.5 else 0.09) * scale.width
    axes.annotate(text, place, xytext=(place[0] + aside, place[1] + 0.05 * scale.span), **look,
                  arrowprops={"arrowstyle": "-", "color": COLOURS["grey"], "linewidth": 0.7})  # fmt: skip
