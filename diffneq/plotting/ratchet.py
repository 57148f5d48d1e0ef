"""The Feynman-Smoluchowski ratchet: efficiency under load, and entropy production that coarse-graining hides."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from .style import COLOURS, new_figure, points, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LEVELS = ("1: two baths", "2: one bath $T_e(\\theta)$", "3: no inertia")
_COLOURS = ("blue", "vermilion", "green")


def ratchet_efficiency(curves: Mapping[str, tuple[ArrayLike, ArrayLike, ArrayLike]], carnot: float) -> "Figure":
    """P/Q_hot against the load -f, as levels 1, 2 and 3 see it, with Carnot's line.

    Arguments: `curves`, label -> (torque (n,), efficiency (n, 3), power (n, 3) of each level); a level is drawn where
    its power is positive, the first label in full, others dashed or dotted; `carnot` = 1 - T_cold/T_hot.
    """
    if not curves:
        raise ValueError("ratchet_efficiency: there is no curve to draw.")
    with style():
        figure = new_figure(7.6, 4.4)
        axes = figure.subplots()
        if carnot > 0:
            axes.axhline(carnot, color=COLOURS["black"], linewidth=1.0, linestyle=(0, (1, 1.5)))
            axes.annotate("Carnot", (0.99, carnot), (0, -4), ("axes fraction", "data"), textcoords="offset points",
                          ha="right", va="top", fontsize=10)  # fmt: skip
        works = False
        for (label, curve), dash in zip(curves.items(), ("-", "--", ":"), strict=False):
            torque, efficiency, power = (np.asarray(x, float) for x in curve)
            for level, (name, colour) in enumerate(zip(_LEVELS, _COLOURS, strict=True)):
                if level == 2 and dash != "-":
                    continue  # without inertia there is no mass
                seen = power[:, level] > 0
                if not seen.any():
                    continue
                works = True
                text = f"{name}, {label}" if level < 2 else name
                axes.plot(-torque[seen], efficiency[seen, level], dash, color=COLOURS[colour], label=text)
        axes.set(xlabel="load  $-f$  [energy/rad]", ylabel="efficiency  $P/Q_\\mathrm{hot}$")
        axes.locator_params(axis="x", nbins=6)
        if works:
            axes.set_yscale("log")
            axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
        else:
            axes.text(0.5, 0.5, "no work is done against the torque", transform=axes.transAxes, ha="center")
    return figure


def hidden_entropy(
    mass: ArrayLike,
    curves: Mapping[str, ArrayLike],
    limits: Mapping[str, ArrayLike],
    measured: Mapping[str, Sequence[float]] | None = None,
) -> "Figure":
    """Entropy production of each level and what is hidden between them, against the mass.

    Arguments: `mass` (n,); `curves` with the keys "sigma_1", "sigma_2", "sigma_3", "hidden_12", "hidden_23", (n,)
    each; `limits`, "hidden_12" and "hidden_23" for m -> 0, (n,) each; `measured`, name -> (mass, value, error).
    """
    x = np.asarray(mass, float)
    with style():
        figure = new_figure(8.6, 4.4)
        panels = figure.subplots(1, 2)
        for number, (name, colour) in enumerate(zip(_LEVELS, _COLOURS, strict=True), start=1):
            panels[0].plot(x, np.asarray(curves[f"sigma_{number}"], float), color=COLOURS[colour], label=name)
        pairs = (("hidden_12", "$\\sigma_1-\\sigma_2$", "purple"), ("hidden_23", "$\\sigma_2-\\sigma_3$", "orange"))
        for key, text, colour in pairs:
            panels[1].plot(x, np.asarray(curves[key], float), color=COLOURS[colour], label=text)
            panels[1].plot(x, np.asarray(limits[key], float), ":", color=COLOURS["black"], linewidth=1.3, zorder=3)
        panels[1].plot([], [], ":", color=COLOURS["black"], label="formula, $m\\to 0$")
        places = {f"sigma_{k}": (panels[0], _COLOURS[k - 1]) for k in (1, 2, 3)} | {"hidden_12": (panels[1], "purple")}
        for name, (at, value, error) in (measured or {}).items():
            axes, colour = places[name]
            points(axes, [at], [value], [error], colour)
        for axes, title in zip(panels, ("entropy production  $\\sigma$  [1/t]", "hidden part  [1/t]"), strict=True):
            axes.set(xscale="log", yscale="log", xlabel="moment of inertia  $m$", ylabel=title)
            axes.legend()
    return figure
