"""Fluctuations and response: correlations in time, the admittance, the Johnson-Nyquist theorem."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from .style import COLOURS, columns, label, new_figure, points, stacked_axes, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Units = Mapping[str, str] | None
_FITS = (("vermilion", "--"), ("green", "-."), ("purple", ":"), ("orange", (0, (5, 1, 1, 1, 1, 1))))


def autocorrelation(
    time: ArrayLike,
    correlation: ArrayLike,
    error: ArrayLike | None = None,
    fits: Mapping[str, ArrayLike] | None = None,
    *,
    units: Units = None,
) -> "Figure":
    """C(t)/C(0) = <J(t) J(0)>/<J^2> with a band of one standard error; the inset shows its size, logarithmic.

    Arguments: `time`, `correlation`, `error` (n,), with time[0] = 0; `fits`, curves (n,) by name, on the same
    times (NaN where a curve is not meant to hold); `units`, key "time". The inset stops where the correlation
    is first below its error. Raises ValueError for shapes that do not match, or C(0) <= 0.
    """
    extra = {f"fits[{name!r}]": curve for name, curve in (fits or {}).items()}
    time, value, error, *curves = columns("autocorrelation", time=time, correlation=correlation, error=error, **extra)
    if not value[0] > 0:
        raise ValueError(f"autocorrelation: C(0) must be positive to divide by it, got {value[0]}.")
    scale = value[0]
    with style():
        figure = new_figure(6.8, 4.6)
        axes = figure.subplots()
        inset = axes.inset_axes((0.46, 0.42, 0.52, 0.54))
        for panel in (axes, inset):
            low, high = (value - error) / scale, (value + error) / scale
            look: dict[str, Any] = {"color": COLOURS["blue"], "alpha": 0.25, "linewidth": 0}
            panel.fill_between(time, low, high, label="one standard error", **look)
            panel.plot(time, value / scale, color=COLOURS["blue"], label="simulation")
            for (colour, dash), name, curve in zip(_FITS, fits or {}, curves, strict=False):
                panel.plot(time, curve / scale, color=COLOURS[colour], linestyle=dash, label=name, zorder=3)
        axes.axhline(0.0, color=COLOURS["black"], linewidth=0.8)
        axes.set(xlim=(time[0], time[-1]))
        axes.set_xlabel(label("time  $t$", "time", units))
        axes.set_ylabel(r"$\langle J(t)\,J(0)\rangle\,/\,\langle J^2\rangle$")
        axes.legend(loc="upper left", bbox_to_anchor=(0.47, 0.34), borderaxespad=0.0, fontsize=9)
        _logarithmic(inset, time, value / scale, error / scale)
    return figure


def _logarithmic(inset: "Axes", time: np.ndarray, value: np.ndarray, error: np.ndarray) -> None:
    """The part of the correlation that stands out of its error, on a logarithmic axis."""
    lost = np.flatnonzero(~(value > np.nan_to_num(error)))
    end = lost[0] if lost.size else len(time) - 1
    floor = float(np.min(value[: max(end, 1)]))
    inset.set_yscale("log")
    inset.set(xlim=(time[0], time[min(int(1.15 * end) + 1, len(time) - 1)]), ylim=(0.5 * floor, 1.4))
    inset.tick_params(labelsize=9)


def _predictions(axes, grid, real, imag, real_error=None, imag_error=None) -> None:
    grid, real, imag, real_error, imag_error = columns(
        "admittance, kramers_kronig", omega=grid, real=real, imag=imag, real_error=real_error, imag_error=imag_error
    )
    order = np.argsort(grid)
    for value, error, colour, line, name in (
        (real, real_error, "blue", "-", r"Re $Y$ from Im $Y$ (Kramers–Kronig)"),
        (imag, imag_error, "vermilion", "--", r"Im $Y$ from Re $Y$ (Kramers–Kronig)"),
    ):
        axes.plot(grid[order], value[order], color=COLOURS[colour], linestyle=line, label=name)
        low, high = (value + sign * np.nan_to_num(error) for sign in (-1, 1))
        axes.fill_between(grid[order], low[order], high[order], color=COLOURS[colour], alpha=0.2, linewidth=0)


def admittance(
    omega: ArrayLike,
    real: ArrayLike,
    imag: ArrayLike,
    real_error: ArrayLike | None = None,
    imag_error: ArrayLike | None = None,
    *,
    kramers_kronig: Sequence[ArrayLike] | None = None,
    units: Units = None,
) -> "Figure":
    """Re Y and Im Y (time factor e^{-i omega t}), each with the Kramers-Kronig transform of the other.

    Arguments: `omega` (n,) > 0 and the driven `real`, `imag` with errors, (n,); `kramers_kronig`, arrays (m,):
    omega, Re Y predicted from Im Y, Im Y predicted from Re Y and, for bands, the errors of both; `units`, keys
    "omega", "admittance". Raises ValueError for shapes that do not match.
    """
    omega, real, imag, real_error, imag_error = columns(
        "admittance", omega=omega, real=real, imag=imag, real_error=real_error, imag_error=imag_error
    )
    with style():
        figure = new_figure(6.8, 4.4)
        axes = figure.subplots()
        if kramers_kronig is not None:
            _predictions(axes, *kramers_kronig)
        points(axes, omega, real, real_error, "blue", label=r"Re $Y$, driven")
        points(axes, omega, imag, imag_error, "vermilion", "^", label=r"Im $Y$, driven")
        axes.axhline(0.0, color=COLOURS["black"], linewidth=0.8)
        axes.set_xscale("log")
        axes.set_xlabel(label(r"angular frequency  $\omega$", "omega", units))
        axes.set_ylabel(label(r"admittance  $Y(\omega)$", "admittance", units))
        axes.legend()
    return figure


def johnson_nyquist(
    omega: ArrayLike,
    spectrum: ArrayLike,
    spectrum_error: ArrayLike | None,
    response: ArrayLike,
    response_error: ArrayLike | None,
    *,
    units: Units = None,
) -> "Figure":
    """g_I(omega) = 2 k_B T Re Y(omega): noise of the undriven, response of the driven conductor, their ratio.

    Arguments: all (n,): `omega` > 0, `spectrum` g_I and `response` 2 k_B T Re Y, with errors; `units`, keys
    "omega", "spectrum". Printed: chi^2 per frequency of g_I - 2 k_B T Re Y. Raises ValueError for shapes that
    do not match.
    """
    omega, noise, noise_error, driven, driven_error = columns(
        "johnson_nyquist", omega=omega, spectrum=spectrum, spectrum_error=spectrum_error, response=response,
        response_error=response_error,
    )  # fmt: skip
    variance = np.nan_to_num(noise_error) ** 2 + np.nan_to_num(driven_error) ** 2
    with style():
        figure = new_figure(6.8, 5.8)
        upper, lower = stacked_axes(figure, 2.2)
        name = r"$g_I(\omega)$, equilibrium noise"
        points(upper, omega, noise, noise_error, "blue", markersize=7.5, label=name)
        points(upper, omega, driven, driven_error, "vermilion", "^", markersize=6,
               label=r"$2k_\mathrm{B}T\,\mathrm{Re}\,Y(\omega)$, driven")  # fmt: skip
        ratio = noise / driven
        spread = np.abs(ratio) * np.hypot(noise_error / noise, np.nan_to_num(driven_error) / driven)
        points(lower, omega, ratio, spread, "black", markersize=4.5)
        lower.axhline(1.0, color=COLOURS["grey"], linestyle="--")
        off = max(0.1, 1.3 * float(np.max(np.abs(ratio - 1) + np.nan_to_num(spread))))
        lower.set_ylim(1 - min(off, 1.0), 1 + min(off, 1.0))
        upper.set(xscale="log", yscale="log")
        upper.set_ylabel(label("spectral intensity", "spectrum", units))
        lower.set_ylabel("ratio")
        lower.set_xlabel(label(r"angular frequency  $\omega$", "omega", units))
        upper.legend(loc="lower left")
        if np.all(variance > 0):
            chi = float(np.mean((noise - driven) ** 2 / variance))
            text = rf"$\chi^2$ per frequency: {chi:.2f}"
            upper.text(0.98, 0.95, text, transform=upper.transAxes, ha="right", va="top")
    return figure
