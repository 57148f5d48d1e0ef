"""The displacement of a piston at long times: its rate function and its distribution."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from .style import COLOURS, columns, new_figure, points, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def rate_function(current: ArrayLike, rate: ArrayLike, kappa: Sequence[float]) -> "Figure":
    """I(j) (n,) [1/t] over the mean velocity j = X_t/t (n,) [L/t], beside what two cumulants alone would give.

    `kappa`: cumulant rates, at least kappa_1 and kappa_2. The lower panel shows the odd part I(-d) - I(d) about the
    mean, d = j - kappa_1, which is zero for a Gaussian and kappa_3 d^3/(3 kappa_2^3) to lowest order.
    """
    j, value = columns("rate_function", current=current, rate=rate)
    mean, spread, third = kappa[0], kappa[1], kappa[2]
    with style():
        figure = new_figure(6.4, 5.8)
        upper, lower = figure.subplots(2, 1, sharex=False, gridspec_kw={"height_ratios": [1.7, 1.0]})
        upper.plot(j, value, color=COLOURS["blue"], label="tilted generator")
        gauss = (j - mean) ** 2 / (2 * spread)
        upper.plot(j, gauss, color=COLOURS["grey"], linestyle=(0, (4, 3)), label="Gaussian, $\\kappa_1, \\kappa_2$")
        upper.axvline(mean, color=COLOURS["black"], linewidth=0.8, linestyle=":")
        upper.set(xlabel="$j = X_t/t$  [L/t]", ylabel="$I(j)$  [1/t]")
        upper.legend()
        reach = np.linspace(0, min(mean - j[0], j[-1] - mean), 60)
        odd = np.interp(mean - reach, j, value) - np.interp(mean + reach, j, value)
        lower.plot(reach, odd, color=COLOURS["blue"])
        cubic = third * reach**3 / (3 * spread**3)
        label = "$\\kappa_3 d^3/3\\kappa_2^3$"
        lower.plot(reach, cubic, color=COLOURS["vermilion"], linestyle=(0, (4, 3)), label=label)
        lower.set(xlabel="$d = j - \\kappa_1$  [L/t]", ylabel="$I(\\kappa_1-d)-I(\\kappa_1+d)$  [1/t]")
        lower.legend()
    return figure


def displacement_histogram(
    displacement: ArrayLike, time: float, kappa: Sequence[float], saddle: tuple[ArrayLike, ArrayLike], bins: int = 60
) -> "Figure":
    """The density of X_t, and its ratio to the Gaussian of kappa_1 t and kappa_2 t, which shows the skewness.

    Arguments: `displacement` (n,) [L] in windows of length `time`, freed of the ends of the window, which make its
    variance smaller by kappa_2 M/gamma_0: X_t + (M/gamma_0)(V_t - V_0); `kappa`, the first four cumulant rates, for
    Edgeworth's series; `saddle`, the pair X (m,), density (m,) of the saddle-point formula exp(-t I)/sqrt(2 pi t
    theta''). Error bars count the windows as independent.
    """
    sample = np.asarray(displacement, float).ravel()
    mean, spread = kappa[0] * time, np.sqrt(kappa[1] * time)
    counts, edges = np.histogram(sample, bins, range=(mean - 4 * spread, mean + 4 * spread))
    centre, width = (edges[1:] + edges[:-1]) / 2, edges[1] - edges[0]
    density, error = counts / (sample.size * width), np.sqrt(np.maximum(counts, 1)) / (sample.size * width)
    normal = lambda x: np.exp(-0.5 * ((x - mean) / spread) ** 2) / (np.sqrt(2 * np.pi) * spread)
    fine, (place, value) = np.linspace(edges[0], edges[-1], 300), (np.asarray(a, float) for a in saddle)
    near = (place > edges[0]) & (place < edges[-1])
    place, value, series = place[near], value[near], _edgeworth((fine - mean) / spread, kappa, time)
    with style():
        figure = new_figure(6.8, 6.0)
        upper, lower = figure.subplots(2, 1, sharex=True)
        for axes, base in ((upper, lambda x: 1.0), (lower, normal)):
            axes.plot(fine, normal(fine) / base(fine), color=COLOURS["grey"], linestyle=(0, (4, 3)), label="Gaussian")
            axes.plot(fine, normal(fine) * series / base(fine), color=COLOURS["vermilion"], label="Edgeworth's series")
            axes.plot(place, value / base(place), color=COLOURS["green"], label="saddle point")
            seen = counts >= (1 if axes is upper else 20)
            below = base(centre[seen])
            points(axes, centre[seen], density[seen] / below, error[seen] / below, "blue", label="simulation", ms=3)
        upper.set(yscale="log", ylabel="density  [1/L]", ylim=(0.3 / (sample.size * width), None))
        lower.set(ylabel="ratio to the Gaussian", ylim=(0.6, 1.4))
        lower.set_xlabel(f"$X_t + (M/\\gamma_0)(V_t-V_0)$, $t$ = {time:.3g}  [L]")
        upper.legend()
    return figure


def _edgeworth(z: np.ndarray, kappa: Sequence[float], time: float) -> np.ndarray:
    """1 + l_3 He_3/6 + l_4 He_4/24 + l_3^2 He_6/72 with the skewness l_3 and the excess l_4 of X_t."""
    skew = kappa[2] * time / (kappa[1] * time) ** 1.5
    excess = kappa[3] * time / (kappa[1] * time) ** 2
    he3, he4, he6 = z**3 - 3 * z, z**4 - 6 * z**2 + 3, z**6 - 15 * z**4 + 45 * z**2 - 15
    return 1 + skew * he3 / 6 + excess * he4 / 24 + skew**2 * he6 / 72
