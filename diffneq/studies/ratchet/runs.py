"""The trajectories of the study."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from diffneq.models.ratchet import Ratchet, rates, simulate_ratchet
from diffneq.options.ratchet import RatchetOptions
from diffneq.statistics import Estimate

# In a step a rotor turns by a small part of a turn, thermally and through its oscillation in the potential: what
# the finite step adds to the rates is then below a thousandth of them.
_STEP = 0.08
_DIFFUSIVE_STEP = 0.2


def simulated(ratchet: Ratchet, options: RatchetOptions) -> dict[str, Estimate]:
    """Rates of all three levels: rotors with inertia give levels 1 and 2, others level 3."""
    found = {}
    for inertia, dt in ((True, step_with_inertia(ratchet)), (False, step_without(ratchet))):
        key = jax.random.fold_in(jax.random.key(options.seed), int(inertia))
        run = simulate_ratchet(ratchet, key, options.time, dt, _count(options), inertia, progress=options.progress)
        found |= rates(ratchet, run)
    return found


def step_with_inertia(ratchet: Ratchet) -> float:
    """dt [time]: small against the periods of oscillation, and a thermal rotor turns by 0.08 at most."""
    angle = jnp.linspace(-np.pi, np.pi, 129)
    bend = float(jnp.max(jnp.abs(jax.jvp(ratchet.force, (angle,), (jnp.ones_like(angle),))[1])))
    hot = float(jnp.max(ratchet.temperatures))
    return _STEP * float(jnp.sqrt(ratchet.mass)) / np.sqrt(max(bend, hot))


def step_without(ratchet: Ratchet) -> float:
    """dt [time]: the rotor diffuses by 0.2, root mean square, where that is quickest."""
    angle = jnp.linspace(-np.pi, np.pi, 129)
    quickest = float(jnp.max(ratchet.effective_temperature(angle) / ratchet.friction(angle)))
    return _DIFFUSIVE_STEP**2 / (2 * quickest)


def _count(options: RatchetOptions) -> int:
    devices = jax.local_device_count()
    return -(-options.rotors // devices) * devices
