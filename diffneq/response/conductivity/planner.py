"""From a short pilot run to the currents and the length of the run that a wanted precision needs."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from diffneq.response.conductivity.error_law import speed_up
from diffneq.statistics import Estimate

# The weaker of two currents is half the stronger. The limit sigma_0 of an even fit is (4 sigma_weak - sigma_strong)/3,
# and of a total time t its variance is least, 81/9 of that of the stronger current alone, with 8/9 of t at the weaker.
_WEAKER = 0.5
_SHARE_OF_WEAKER = 8 / 9
_VARIANCE_OF_LIMIT = 9.0
_CORRECTION = 0.1
_HEATING = 0.02


@dataclass(frozen=True)
class CurrentPlan:
    """What to run: `field`, `currents` (weaker, stronger) as densities j, `times` for each [time], and what to expect.

    `relative_error` of the limit at no current, `single_time`, what the stronger current alone would need, `lag`, the
    time to the diffusive regime that was supposed, `predicted_speed_up` of the stronger current over equilibrium,
    `limited_by`, what the current is bounded by, and `warnings`.
    """

    field: float
    currents: tuple[float, float]
    times: tuple[float, float]
    relative_error: float
    single_time: float
    lag: float
    predicted_speed_up: float
    limited_by: str
    warnings: tuple[str, ...] = ()

    def sentence(self, time_unit: str = "", field_unit: str = "") -> str:
        """The plan in one line."""
        weak, strong = self.currents
        return (
            f"for {100 * self.relative_error:.2g} % of sigma at no current: j = {weak:.3g} for {self.times[0]:.3g} "
            f"{time_unit} and j = {strong:.3g} (field {self.field:.3g} {field_unit}, bounded by {self.limited_by}) for "
            f"{self.times[1]:.3g} {time_unit}; one current alone {self.single_time:.3g} {time_unit}; speed-up over "
            f"equilibrium at the stronger current {self.predicted_speed_up:.3g}"
        ).replace("  ", " ")


def plan_current(
    pilot: Estimate,
    *,
    volume: float,
    temperature: float,
    relative_error: float,
    hop: float,
    carriers: int,
    degrees_of_freedom: int,
    damping_rate: float,
    charge: float = 1.0,
    lag: float | None = None,
    dimension: int = 3,
) -> CurrentPlan:
    """The strongest current that stays near linear response and cool, and the time it needs.

    Field: q E a <= 2 k_B T sqrt(6 c), where a hop over a against a barrier has a correction sinh(x)/x - 1 = c = 10 %,
    x = q E a/2 k_B T, which the even fit removes; and a heating sigma E^2 V = 2 g (f/2) dT, the power that the bath
    takes off the f degrees of freedom, dT = 2 % of T. Time: relative variance 2 k_B T sigma/(V j^2 t) = error^2, nine
    times that for the limit from two currents, j and j/2.

    Arguments:
        pilot: sigma of a short run, by any route.
        volume: V.
        temperature: k_B T [energy].
        relative_error: wanted, of sigma.
        hop: a, distance between the sites of a mobile ion [length].
        carriers: mobile ions.
        degrees_of_freedom: f, those that the bath acts on (`dynamics.isokinetic.degrees_of_freedom`).
        damping_rate: g of the bath [1/time]; infinite under a Gaussian thermostat, which takes off any power.
        charge: q of a mobile ion [e].
        lag: time to the diffusive regime; default a^2/(6 D), D = sigma k_B T V/(q^2 N): the least that it can be, for
            which S = N (q E a/k_B T)^2/18 whatever the temperature. Ions that return to where they came from need more.

    Raises:
        ValueError: where the pilot is too short: its own error above a half, or not positive.

    >>> pilot = Estimate(0.0003, 0.00005)
    >>> found = plan_current(pilot, volume=2200.0, temperature=0.1, relative_error=0.05, hop=1.7, carriers=56,
    ...                      degrees_of_freedom=564, damping_rate=0.02)
    >>> found.limited_by, round(found.field, 4), len(found.warnings)
    ('linearity', 0.0911, 0)
    """
    if not (pilot.value > 0 and pilot.error < 0.5 * pilot.value):
        wanted = (2 * pilot.error / max(abs(pilot.value), 1e-300) / 0.5) ** 2
        raise ValueError(
            f"the pilot run is too short: sigma = {pilot}, and nothing can be planned from an error above one half; "
            f"make it at least {max(4.0, min(wanted, 1e6)):.0f} times as long, or drive it harder."
        )
    sigma = pilot.value
    linear = 2 * temperature * sqrt(6 * _CORRECTION) / (charge * hop)
    cool = sqrt(damping_rate * degrees_of_freedom * _HEATING * temperature / (sigma * volume))
    field, limited_by = min((linear, "linearity"), (cool, "heating"))
    current = sigma * field
    single = 2 * temperature * sigma / (volume * current**2 * relative_error**2)
    total = _VARIANCE_OF_LIMIT * single
    diffusion = sigma * temperature * volume / (charge**2 * carriers)
    used = hop**2 / (6 * diffusion) if lag is None else lag
    warnings = tuple(pilot.warnings)
    if pilot.error > 0.2 * sigma:
        warnings += ("the pilot knows sigma to worse than 20 %: the plan is as uncertain, run it again after a while",)
    return CurrentPlan(
        field, (_WEAKER * current, current), (_SHARE_OF_WEAKER * total, (1 - _SHARE_OF_WEAKER) * total), relative_error,
        single, used, speed_up(sigma, current, volume, temperature, used, dimension), limited_by, warnings,
    )  # fmt: skip
