"""Entropy production of the ratchet as three levels of description see it, and what each coarse-graining hides."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import Array

from diffneq.models.ratchet.fokker_planck import overdamped, underdamped
from diffneq.models.ratchet.system import Ratchet, slope


class Levels(eqx.Module):
    """Steady rates of a ratchet on the levels 1 (two baths), 2 (one bath, T_e(theta)) and 3 (no inertia); k_B = 1.

    Arguments:
        current, current_underdamped: J of level 3, and of levels 1 and 2 [turns/time].
        sigma_1, sigma_2, sigma_3: entropy production [1/time].
        heat_1, heat_2: heat taken from the two baths on level 1, Q_1 + Q_2 + f <dtheta/dt> = 0 [energy/time].
        hidden_12: <v^2 Gamma_1 Gamma_2/(Gamma T_e)> (T_1 - T_2)^2/(T_1 T_2), which is sigma_1 - sigma_2 exactly.
        hidden_12_limit: <Gamma_1 Gamma_2/Gamma> (T_1 - T_2)^2/(m T_1 T_2), its leading term for m -> 0, and
            the entropy that the heat leak between the baths produces.
        hidden_23_limit: <T_e'^2/(2 Gamma T_e)>, what sigma_2 - sigma_3 tends to for m -> 0.
        power: - f <dtheta/dt>, of level 3 and of levels 1 and 2: work done against the torque [energy/time].
        efficiency: (3,), of levels 1, 2, 3: see `levels`.
    """

    current: Array
    current_underdamped: Array
    sigma_1: Array
    sigma_2: Array
    sigma_3: Array
    heat_1: Array
    heat_2: Array
    hidden_12: Array
    hidden_12_limit: Array
    hidden_23_limit: Array
    power: Array
    power_underdamped: Array
    efficiency: Array

    @property
    def hidden_23(self) -> Array:
        """sigma_2 - sigma_3."""
        return self.sigma_2 - self.sigma_3


@eqx.filter_jit
def levels(ratchet: Ratchet, points: int = 63, modes: int = 32) -> Levels:
    """sigma_1 = -Q_1/T_1 - Q_2/T_2, sigma_2 = -<q(theta)/T_e>, sigma_3 = J int (f - U')/T_e dtheta.

    q(theta) = Gamma (T_e - m <v^2>)/m, as density, is the heat taken in on level 2. The efficiency of level k is that
    of an engine between T_hot and T_cold with power P and entropy production sigma_k, by the first and the second law
    P/Q_hot = (1 - T_cold/T_hot) P/(P + T_cold sigma_k): for k = 1 it is the true one, P over the heat taken
    from the hot bath, for k = 2 and 3 what is inferred from a description that hides the rest. It is meant where P > 0.

    Arguments: a `Ratchet`, and the resolution of `underdamped` (which says how it is chosen). Differentiable with
    respect to every parameter of the ratchet.

    Source: A. Celani, S. Bo, R. Eichhorn, E. Aurell, Phys. Rev. Lett. 109, 260603 (2012), for what inertia hides in a
    temperature gradient; Y. Nakayama, K. Kawaguchi, N. Nakagawa, Phys. Rev. E 98, 022102 (2018), for the ratchet.

    >>> found = levels(Ratchet(), points=31, modes=16)
    >>> round(float(found.current), 4), round(float(found.sigma_3), 4)
    (0.0132, 0.0093)
    """
    slow, full = overdamped(ratchet, points), underdamped(ratchet, points, modes)
    angle, (hot, cold) = slow.angle, ratchet.temperatures
    one, two = ratchet.both_frictions(angle)
    friction, bath = one + two, ratchet.effective_temperature(angle)
    shared, contrast = one * two / friction, (hot - cold) ** 2 / (hot * cold)
    gradient = slope(ratchet.effective_temperature, angle)

    lag = full.kinetic - bath * full.density
    leak = full.integral(shared * full.density) * (hot - cold) / ratchet.mass
    heat_1 = leak - full.integral(one * lag) / ratchet.mass
    heat_2 = -leak - full.integral(two * lag) / ratchet.mass
    sigma_1 = -heat_1 / hot - heat_2 / cold
    sigma_2 = full.integral(friction * lag / bath) / ratchet.mass
    sigma_3 = slow.current * affinity(ratchet, points)

    power, power_underdamped = (-2 * np.pi * ratchet.torque * s.current for s in (slow, full))
    return Levels(
        current=slow.current,
        current_underdamped=full.current,
        sigma_1=sigma_1,
        sigma_2=sigma_2,
        sigma_3=sigma_3,
        heat_1=heat_1,
        heat_2=heat_2,
        hidden_12=full.integral(full.kinetic * shared / bath) * contrast / ratchet.mass,
        hidden_12_limit=slow.integral(shared * slow.density) * contrast / ratchet.mass,
        hidden_23_limit=slow.integral(slow.density * gradient**2 / (2 * friction * bath)),
        power=power,
        power_underdamped=power_underdamped,
        efficiency=jnp.stack([
            efficiency(ratchet, power_underdamped, sigma_1),
            efficiency(ratchet, power_underdamped, sigma_2),
            efficiency(ratchet, power, sigma_3),
        ]),
    )  # fmt: skip


def efficiency(ratchet: Ratchet, power: Array, sigma: Array) -> Array:
    """P/Q_hot of an engine between the two temperatures that produces entropy at the rate sigma."""
    return ratchet.carnot * power / (power + jnp.min(ratchet.temperatures) * sigma)


def affinity(ratchet: Ratchet, points: int = 63) -> Array:
    """int (f - U')/T_e dtheta over one turn: the entropy produced in a turn, on level 3."""
    angle, weight = _inverse_temperature(ratchet, points)
    return 2 * np.pi * jnp.mean(weight * ratchet.force(angle))


def stall_torque(ratchet: Ratchet, points: int = 63) -> Array:
    """f at which affinity and current of level 3 vanish: int U'/T_e dtheta / int 1/T_e dtheta.

    >>> still = Ratchet(temperatures=(1.0, 1.0))
    >>> abs(float(stall_torque(still))) < 1e-6
    True
    """
    angle, weight = _inverse_temperature(ratchet, points)
    return jnp.sum(weight * slope(ratchet.potential, angle)) / jnp.sum(weight)


def _inverse_temperature(ratchet: Ratchet, points: int) -> tuple[Array, Array]:
    angle = jnp.arange(points, dtype=ratchet.mass.dtype) * (2 * np.pi / points)
    return angle, 1 / ratchet.effective_temperature(angle)
