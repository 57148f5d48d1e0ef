"""A driven steady state: response to pulses, sum rules, effective temperature."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from .style import COLOURS, columns, label, new_figure, number, points, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Units = Mapping[str, str] | None
_SERIES = ("blue", "vermilion", "green", "purple")
_DASHES = ("--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))


def _band(axes: "Axes", x: Any, y: Any, error: Any, colour: str, name: str | None = None) -> None:
    axes.plot(x, y, color=COLOURS[colour], label=name)
    look: dict[str, Any] = {"color": COLOURS[colour], "alpha": 0.22, "linewidth": 0}
    axes.fill_between(x, y - np.nan_to_num(error), y + np.nan_to_num(error), **look)


def pulse_responses(
    curves: Mapping[str, Sequence[ArrayLike]],
    initial: Mapping[str, Any] | None = None,
    *,
    reach: float | None = None,
    start: float = 0.6,
    units: Units = None,
) -> "Figure":
    """phi(t)/phi(0+) after a pulse of the field; the inset shows its beginning against 1 - a t^2/2.

    Arguments: `curves`, name -> (time, phi, error), arrays (n,) with time[0] = 0 and phi(0) > 0; `initial`, name -> a =
    -phi''(0+)/phi(0+) from the sum rule, an Estimate, a pair (value, error) or a number; `reach`, end of the time axis;
    `start`, end of that of the inset; `units`, key "time". Raises ValueError for shapes that do not match.
    """
    with style():
        figure = new_figure(7.0, 4.6)
        axes = figure.subplots()
        inset = axes.inset_axes((0.47, 0.40, 0.51, 0.53))
        last = 0.0
        for (name, curve), colour in zip(curves.items(), _SERIES, strict=False):
            t, phi, error = columns(
                "pulse_responses", time=curve[0], phi=curve[1], error=curve[2] if len(curve) > 2 else None
            )
            last = max(last, float(t[-1]))
            _band(axes, t, phi / phi[0], error / phi[0], colour, name)
            early = t <= start
            _band(inset, t[early], phi[early] / phi[0], error[early] / phi[0], colour)
            if initial and name in initial:
                bend, doubt = number(initial[name])
                # Down to where the response itself goes within the inset.
                lowest = float(np.min(phi[early]) / phi[0])
                grid = np.linspace(0.0, min(start, np.sqrt(2 * (1 - lowest) / bend)), 60)
                look: dict[str, Any] = {"color": COLOURS[colour], "linestyle": "--", "linewidth": 1.1}
                inset.plot(grid, 1 - bend * grid**2 / 2, **look)
                low, high = (1 - (bend + sign * doubt) * grid**2 / 2 for sign in (1, -1))
                inset.fill_between(grid, low, high, color=COLOURS[colour], alpha=0.15, linewidth=0)
        axes.axhline(0.0, color=COLOURS["black"], linewidth=0.8)
        axes.set(xlim=(0.0, reach or last))
        inset.set(xlim=(0.0, start))
        inset.tick_params(labelsize=9)
        if initial:
            inset.set_title(r"dashed: $1-at^2/2$, $a$ from the potential", fontsize=9)
        axes.set_xlabel(label("time after the pulse  $t$", "time", units))
        axes.set_ylabel(r"response of the current  $\varphi(t)/\varphi(0^+)$")
        axes.legend(loc="upper left", bbox_to_anchor=(0.2, 0.98), borderaxespad=0.0)
    return figure


def running_sum_rules(
    cutoff: ArrayLike,
    moments: Mapping[str, ArrayLike],
    errors: Mapping[str, ArrayLike],
    exact: Mapping[str, Sequence[Any]],
    *,
    units: Units = None,
) -> "Figure":
    """The three moments of sigma(w) up to a cut-off, against what they must tend to, one panel each.

    Arguments: `cutoff` (K,); `moments`, `errors`, name of a state -> (3, K), in units of n e^2/m; `exact`, name -> the
    three limits, each an Estimate, a pair (value, error) or a number; `units`, keys "omega", "first moment", "second
    moment". Raises ValueError for shapes that do not match.
    """
    w = np.asarray(cutoff, float)
    for name, values in moments.items():
        if np.shape(values) != (3, len(w)) or np.shape(errors[name]) != (3, len(w)):
            raise ValueError(f"running_sum_rules: moments and errors of {name!r} must have shape (3, {len(w)}).")
    titles = (
        (r"$\int\frac{d\omega}{\pi}\,\mathrm{Re}\,\sigma$", ""),
        (r"$\int\frac{d\omega}{\pi}\,[\omega\,\mathrm{Im}\,\sigma-n e^2/m]$", "first moment"),
        (r"$\int\frac{d\omega}{\pi}\,\omega^2\,\mathrm{Re}\,\sigma$", "second moment"),
    )
    with style():
        figure = new_figure(6.8, 7.6)
        panels = figure.subplots(3, 1, sharex=True)
        for k, (axes, (title, key)) in enumerate(zip(panels, titles, strict=True)):
            for (name, values), colour in zip(moments.items(), _SERIES, strict=False):
                limit, doubt = number(exact[name][k])
                axes.axhline(limit, color=COLOURS[colour], linestyle="--", linewidth=1.1)
                if doubt:
                    axes.axhspan(limit - doubt, limit + doubt, color=COLOURS[colour], alpha=0.15, linewidth=0)
                _band(axes, w, np.asarray(values)[k], np.asarray(errors[name])[k], colour, name)
                if k == 1:  # w Im sigma - n e^2/m -> M_2/w^2: the way in which the first moment vanishes
                    far = w > w[-1] / 8
                    rest = limit - 2 * number(exact[name][2])[0] / (np.pi * w[far])
                    axes.plot(w[far], rest, color=COLOURS["black"], linestyle=":", linewidth=1.2, zorder=4)
            axes.set_xscale("log")
            axes.set_ylabel(label(title, key, units))
        panels[0].legend(loc="lower right", title="dashed: exact limit")
        panels[1].text(0.98, 0.06, r"dotted: $-2M_2/\pi\Omega$", transform=panels[1].transAxes, ha="right")
        panels[0].set(xlim=(w[0], w[-1]), title=r"integrals from $-\Omega$ to $\Omega$, in units of $n_e e^2/m$")
        panels[-1].set_xlabel(label(r"cut-off  $\Omega$", "omega", units))
    return figure


def effective_temperatures(
    curves: Mapping[str, Sequence[ArrayLike]],
    levels: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    units: Units = None,
) -> "Figure":
    """T_eff(w) = g_I(w)/(2 Re Y(w)) of several states; horizontal lines are temperatures to compare it with.

    Arguments: `curves`, name -> (omega, temperature, error), arrays (n,); points whose error exceeds half of the
    largest temperature drawn are left out; `levels`, name of a state -> {name of a temperature -> Estimate, pair or
    number}; `units`, keys "omega", "temperature". Raises ValueError for shapes that do not match.
    """
    with style():
        figure = new_figure(7.0, 4.6)
        axes = figure.subplots()
        for (name, curve), colour, marker in zip(curves.items(), _SERIES, "o^sD", strict=False):
            w, value, error = columns("effective_temperatures", omega=curve[0], temperature=curve[1], error=curve[2])
            here = (levels or {}).get(name, {})
            for (what, level), dash in zip(here.items(), _DASHES, strict=False):
                best, _ = number(level)
                axes.axhline(best, color=COLOURS[colour], linestyle=dash, linewidth=1.2, label=f"{name}: {what}")
            known = error < 0.5 * np.nanmedian(np.abs(value))
            points(axes, w[known], value[known], error[known], colour, marker,
                   label=rf"{name}: $g_I/2\,\mathrm{{Re}}\,Y$")  # fmt: skip
        axes.set_xscale("log")
        axes.set_ylim(bottom=0.0)
        axes.set_xlabel(label(r"angular frequency  $\omega$", "omega", units))
        axes.set_ylabel(label(r"effective temperature  $T_\mathrm{eff}(\omega)$", "temperature", units))
        figure.legend(loc="outside lower center", ncols=2, fontsize=9)
    return figure
