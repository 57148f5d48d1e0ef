"""What error bars to expect of each route, and how much sooner a held current has them: formula and measurement."""

from __future__ import annotations

from math import sqrt

from diffneq.statistics import Estimate


def driven_error(sigma: float, current_density: float, volume: float, temperature: float, time: float) -> float:
    """Relative error of sigma from a driven run: sqrt(2 k_B T sigma/(V j^2 t)), of sigma = j/E at either held.

    From the white part of the noise, <dj dj>(w = 0) = 2 k_B T sigma/V: to leading order alike at constant current and
    at constant field, j = sigma E. Arguments: `time` t [time], of all runs together.

    Source: derived from the fluctuation-dissipation theorem; 2 k_B T/W with the work W = V j E t that is dissipated.

    >>> round(driven_error(0.5, current_density=0.1, volume=100.0, temperature=1.0, time=400.0), 4)
    0.05
    """
    return sqrt(2 * temperature * sigma / (volume * current_density**2 * time))


def equilibrium_error(lag: float, dimension: int, time: float) -> float:
    """Relative error of sigma by Einstein and Helfand: sqrt(2 lag/(d t)) from windows of length `lag`, t in all.

    >>> round(equilibrium_error(lag=1.5, dimension=3, time=100.0), 4)
    0.1
    """
    return sqrt(2 * lag / (dimension * time))


def speed_up(
    sigma: float, current_density: float, volume: float, temperature: float, lag: float, dimension: int = 3
) -> float:
    """S = V j^2 lag/(d k_B T sigma): time of equilibrium over time of constant current, at equal relative error.

    `lag` [time] is what the displacement of the charge needs to become diffusive, the length of the windows of an
    equilibrium estimate; it grows as ions are trapped for longer. S is proportional to the size of the system.

    >>> round(speed_up(0.5, 0.1, 1000.0, 1.0, lag=30.0), 9)
    200.0
    """
    return volume * current_density**2 * lag / (dimension * temperature * sigma)


def measured_speed_up(equilibrium: Estimate, equilibrium_cost: float, driven: Estimate, driven_cost: float) -> Estimate:
    """(relative variance x cost) of equilibrium over that of a driven run, costs in one unit.

    The error of the ratio is that of two variances with the degrees of freedom behind them.
    """
    parts = []
    for found, cost in ((equilibrium, equilibrium_cost), (driven, driven_cost)):
        if not (found.value > 0 and found.error > 0 and cost > 0):
            raise ValueError(f"a speed-up needs positive values, errors and costs, got {found} at a cost of {cost:g}.")
        parts.append((found.error / found.value) ** 2 * cost)
    ratio = parts[0] / parts[1]
    relative = sqrt(2 / equilibrium.dof + 2 / driven.dof)
    warnings = tuple(dict.fromkeys((*equilibrium.warnings, *driven.warnings)))
    return Estimate(ratio, ratio * relative, "", "speed-up", "relative variance times cost", warnings)
