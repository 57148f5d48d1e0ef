"""Isothermal ternary sections in a Gibbs triangle, isopleths, and step diagrams, from labelled datasets."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .phase_names import element, printed
from .style import COLOURS, new_figure, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_CYCLE = ("blue", "vermilion", "green", "purple", "orange", "sky", "black", "grey")
_TIES, _TRIANGLE = "#9FB6CC", "#F6E3D5"
_SINE = np.sqrt(3.0) / 2.0


def ternary_section(data: Any, *, names: Mapping[str, str] | None = None, title: str | None = None) -> "Figure":
    """An isothermal section: boundaries of single-phase fields, tie-lines (thin), tie-triangles (tinted).

    Arguments: `data`, the `dataset` of `thermo.calphad.diagrams.ternary`; `names`, what to print instead of the names
    of phases in the database; `title`.
    """
    elements = [str(e) for e in data["element"].values]
    with style():
        figure = new_figure(6.4, 5.8)
        axes = figure.subplots()
        axes.set_axis_off()
        axes.set_aspect("equal")
        for x in data["triangle_x"].values:
            corners = _plane(x)
            axes.fill(*corners.T, facecolor=_TRIANGLE, edgecolor=COLOURS["black"], linewidth=1.0, zorder=3)
        _families(axes, data)
        _frame(axes, elements)
        for x, name in zip(data["label_x"].values, data["label"].values, strict=True):
            axes.text(*_plane(x), printed(str(name), elements, names), ha="center", va="center", fontsize=9.5,
                      fontweight="bold", zorder=6,
                      bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8, "alpha": 0.75})  # fmt: skip
        _corners(axes, data, elements, names)
        axes.set_title(title or f"{'–'.join(element(e) for e in elements)}, {float(data.attrs['T']):.0f} K")
    return figure


def _plane(x: Any) -> np.ndarray:
    """Corners: the first element left, the second right, the third above."""
    x = np.asarray(x, float)
    return np.stack([x[..., 1] + 0.5 * x[..., 2], _SINE * x[..., 2]], axis=-1)


def _families(axes: "Axes", data: Any) -> None:
    from matplotlib.collections import LineCollection

    family, x = data["family"].values, data["x"].values
    for k in np.unique(family):
        own = _plane(x[family == k])
        along = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(own, axis=0)).max(axis=(1, 2)))])
        shown = np.unique(np.round(np.searchsorted(along, np.arange(0.0, along[-1], 0.03))).astype(int))
        axes.add_collection(LineCollection(list(own[shown]), colors=_TIES, linewidths=0.7, zorder=2))
        for side in (0, 1):
            axes.plot(*own[:, side].T, color=COLOURS["black"], linewidth=1.3, zorder=4)


def _frame(axes: "Axes", elements: list[str]) -> None:
    corners = _plane(np.eye(3))
    axes.plot(*corners[[0, 1, 2, 0]].T, color=COLOURS["black"], linewidth=1.0, zorder=5, clip_on=False)
    shift = np.array([[-0.03, -0.035], [0.03, -0.035], [0.0, 0.03]])
    for name, place in zip(elements, corners + shift, strict=True):
        axes.text(*place, element(name), ha="center", va="center", fontsize=13)
    small: Any = {"fontsize": 8.5, "ha": "center", "va": "center", "color": COLOURS["grey"]}
    # On each side the fraction of the element at its far end: towards the second, the third, and the first corner.
    outward = np.array([[0.0, -1.0], [_SINE, 0.5], [-_SINE, 0.5]])
    for k in range(3):
        a, b = corners[k], corners[(k + 1) % 3]
        for f in (0.2, 0.4, 0.6, 0.8):
            at = (1 - f) * a + f * b
            axes.plot(*np.stack([at, at + 0.012 * outward[k]]).T, color=COLOURS["black"], linewidth=0.8, clip_on=False)
            axes.text(*(at + 0.038 * outward[k]), f"{f:.1f}", **small)
        end = element(elements[(k + 1) % 3])
        axes.text(*(0.5 * (a + b) + 0.085 * outward[k]), f"mole fraction of {end} →", fontsize=10, ha="center",
                  va="center", rotation=(0, -60, 60)[k], rotation_mode="anchor")  # fmt: skip


def _corners(axes: "Axes", data: Any, elements: list[str], names: Mapping[str, str] | None) -> None:
    """Phases that no single-phase field names, such as compounds of fixed composition, at corners of triangles."""
    known = {str(n) for n in data["label"].values}
    seen: list[np.ndarray] = []
    middle = _plane(np.full(3, 1 / 3))
    for x, phases in zip(data["triangle_x"].values, data["triangle_phase"].values, strict=True):
        for at, name in zip(_plane(x), phases, strict=True):
            if str(name) in known or any(np.abs(at - s).max() < 0.02 for s in seen):
                continue
            seen.append(at)
            away = at - middle
            away = away / max(float(np.linalg.norm(away)), 1e-9)
            axes.plot(*at, "o", color=COLOURS["black"], markersize=3.5, zorder=6)
            axes.annotate(printed(str(name), elements, names), at, xytext=tuple(-9 * away), textcoords="offset points",
                          fontsize=8, ha="center", va="center", zorder=7,
                          bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.4, "alpha": 0.75})  # fmt: skip


def isopleth_section(
    data: Any, *, axis: str | None = None, celsius: bool = False, title: str | None = None
) -> "Figure":
    """An isopleth: lines between fields of different sets of phases.

    Arguments: `data`, the `dataset` of `thermo.calphad.diagrams.isopleth`; `axis`, an element whose mole fraction the
    horizontal axis shows (default: the first that varies); `celsius`; `title`.
    """
    from matplotlib.collections import LineCollection

    ends = [dict(pair.split("=") for pair in str(data.attrs[k]).split()) for k in ("start", "end")]
    moving = [e for e in ends[0] if float(ends[0][e]) != float(ends[1][e])]
    shown = axis.upper() if axis else moving[0]
    if shown not in moving:
        raise ValueError(f"axis must be an element whose fraction varies: {', '.join(moving)}; got {axis!r}.")
    x0, x1 = (float(end[shown]) for end in ends)
    zero = 273.15 if celsius else 0.0
    with style():
        figure = new_figure(6.8, 5.0)
        axes = figure.subplots()
        axes.grid(False)
        axes.spines[["top", "right"]].set_visible(True)
        lines = data["segment"].values
        at = np.stack([x0 + (x1 - x0) * lines[..., 0], lines[..., 1] - zero], axis=-1)
        axes.add_collection(LineCollection(list(at), colors=COLOURS["black"], linewidths=1.3, capstyle="round"))
        width = abs(x1 - x0)
        columns = data["field"].values, data["field_at"].values, data["field_size"].values
        for name, (s, T), size in zip(*columns, strict=True):
            text = " + ".join(printed(part.strip(), ends[0]) for part in str(name).split("+"))
            if size > 0.9 * len(text.replace("$", "")) + 1:
                axes.text(x0 + (x1 - x0) * s, T - zero, text, fontsize=8, ha="center", va="center")
        axes.set(xlim=sorted((x0, x1)), ylim=(data.attrs["T_low"] - zero, data.attrs["T_high"] - zero),
                 xlabel=f"mole fraction of {element(shown)}",
                 ylabel="temperature  [°C]" if celsius else "temperature  [K]")  # fmt: skip
        axes.set_xmargin(0.0 * width)
        axes.set_title(title or f"{data.attrs['start']}  to  {data.attrs['end']}", fontsize=10)
    return figure


def step_diagram(data: Any, *, names: Mapping[str, str] | None = None, title: str | None = None) -> "Figure":
    """Amounts of phases and the heat capacity against temperature; `data` from `thermo.calphad.diagrams.step`."""
    elements = [str(e) for e in data["element"].values]
    with style():
        figure = new_figure(6.4, 5.0)
        upper, lower = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": [1.7, 1.0]})
        T = data["T"].values
        for k, name in enumerate(data["phase"].values):
            upper.plot(T, data["amount"].values[:, k], color=COLOURS[_CYCLE[k % len(_CYCLE)]],
                       label=printed(str(name), elements, names))  # fmt: skip
        for at in data["transitions"].values:
            for axes in (upper, lower):
                axes.axvline(at, color=COLOURS["grey"], linewidth=0.7, linestyle=":")
        upper.set(ylabel="moles of atoms", ylim=(-0.02, 1.02), xlim=(T[0], T[-1]))
        upper.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=min(6, data.sizes["phase"]))
        lower.plot(T, data["C_P"].values, color=COLOURS["black"])
        lower.set(xlabel="temperature  [K]", ylabel="$C_P$  [J/(mol K)]", ylim=(0.0, None))
        if title:
            upper.set_title(title, loc="right")
    return figure
