"""Many rotors at once: steady currents, heats and entropy production from trajectories."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from tqdm import tqdm

from diffneq.dynamics.noise import normal, threefry, uniform
from diffneq.models.ratchet.levels import affinity
from diffneq.models.ratchet.steps import Rotors, WithInertia, WithoutInertia
from diffneq.models.ratchet.system import Ratchet
from diffneq.statistics import Estimate

_PIECE = 500  # pairs of steps between two visits to the host, where sums are kept in double precision


class Run(eqx.Module):
    """n independent rotors over `time`, after the transient.

    Arguments:
        time: recorded [time].
        angle, momentum: at the end, (n,); angles in [-pi, pi], no momentum without inertia.
        turned: net angle, (n,) [rad].
        heat, heat_1: taken from both baths, and from bath 1, (n,) [energy]; None without inertia, as those below.
        entropy: - sum Q/T_e(theta), (n,).
        energy_change: of p^2/2m + U, (n,) [energy].
    """

    time: float
    angle: np.ndarray
    turned: np.ndarray
    momentum: Any = None
    heat: Any = None
    heat_1: Any = None
    entropy: Any = None
    energy_change: Any = None


def simulate_ratchet(
    ratchet: Ratchet,
    key: Array,
    time: float,
    dt: float,
    count: int = 4096,
    inertia: bool = True,
    transient: float | None = None,
    progress: bool = True,
) -> Run:
    """Trajectories from random angles, with inertia (levels 1 and 2, `WithInertia`) or without (3, `WithoutInertia`).

    Arguments: `ratchet`; `key`, typed; `time` to be recorded and `dt` [time]; `count` of rotors, a multiple of the
    number of devices, over which they are spread; `transient`, time before the record, a tenth of it by default.
    Both times are rounded up to whole pieces of 1,000 steps (fewer, if the run has fewer). With inertia
    dt sqrt(U''/m) must be small and Gamma dt/m need not be.

    Raises:
        ValueError: where a time is not positive, or a rotor came where potential or slope are not finite.

    >>> run = simulate_ratchet(Ratchet(mass=0.1), jax.random.key(0), time=1.0, dt=0.01, count=64, progress=False)
    >>> run.turned.shape, round(run.time, 6)
    ((64,), 1.0)
    """
    transient = time / 10 if transient is None else transient
    devices = jax.local_device_count()
    if not (time > 0 and dt > 0 and transient >= 0):
        raise ValueError(f"simulate_ratchet: time and dt must be positive, got {time:g} and {dt:g}.")
    if count < 2 or count % devices:
        raise ValueError(f"simulate_ratchet: count must be a multiple of {devices} (the devices), got {count}.")
    pairs = min(_PIECE, max(1, round(time / dt / 2)))
    before, recorded = (int(np.ceil(round(t / (2 * dt * pairs), 6))) for t in (transient, time))
    dynamics = (WithInertia if inertia else WithoutInertia)(ratchet, jnp.asarray(dt, ratchet.mass.dtype))
    words = jax.random.key_data(key).reshape(-1)[:2]
    mesh = jax.make_mesh((devices,), ("run",), axis_types=(jax.sharding.AxisType.Auto,))
    number = jax.device_put(jnp.arange(count, dtype=jnp.uint32), jax.NamedSharding(mesh, jax.P("run")))
    rotors = _start(dynamics, words, number)
    totals, energy = {}, np.zeros(count)
    for piece in tqdm(range(before + recorded), "rotors", disable=not progress, file=sys.stderr, dynamic_ncols=True):
        if piece == before and inertia:
            energy = np.asarray(dynamics.energy(rotors), float)
        rotors, sums = _advance(dynamics, words, number, rotors, jnp.uint32(1 + piece * pairs), pairs)
        if piece >= before:
            totals = {name: np.asarray(x, float) + totals.get(name, 0.0) for name, x in sums.items()}
    if not np.all(np.isfinite(totals["turned"])):
        raise ValueError("simulate_ratchet: rotors were lost; potential and pawl_slope must be finite at every angle.")
    if inertia:
        totals["energy_change"] = np.asarray(dynamics.energy(rotors), float) - energy
        totals["momentum"] = np.asarray(rotors.momentum, float)
    return Run(2 * dt * pairs * recorded, np.asarray(rotors.angle, float), **totals)


@eqx.filter_jit
def _start(dynamics, words: Array, number: Array) -> Rotors:
    first, second = threefry((words[0], words[1]), (jnp.zeros_like(number), number))
    dtype = np.dtype(dynamics.dt.dtype)
    return dynamics.start(2 * np.pi * (uniform(first, dtype) - 0.5), normal(second, dtype))


@eqx.filter_jit
def _advance(dynamics, words: Array, number: Array, rotors: Rotors, first: Array, pairs: int):
    """Twice `pairs` steps; one call of the generator serves two of them."""

    def two_steps(rotors, pair):
        for bits in threefry((words[0], words[1]), (jnp.broadcast_to(pair, number.shape), number)):
            rotors = dynamics(rotors, normal(bits, np.dtype(dynamics.dt.dtype)))
        return rotors, None

    rotors, _ = lax.scan(two_steps, rotors, first + jnp.arange(pairs, dtype=jnp.uint32))
    names = [n for n in ("turned", "heat", "heat_1", "entropy") if getattr(rotors, n) is not None]
    sums = {name: getattr(rotors, name) for name in names}
    angle = rotors.angle - 2 * np.pi * jnp.round(rotors.angle / (2 * np.pi))
    cleared = {name: jnp.zeros_like(x) for name, x in sums.items()}
    return Rotors(angle, momentum=rotors.momentum, **cleared), sums


def rates(ratchet: Ratchet, run: Run) -> dict[str, Estimate]:
    """Steady rates with the standard error of n independent rotors, by the names of `Levels`.

    With inertia: current_underdamped, sigma_1, sigma_2, heat_1, heat_2, hidden_12 = sigma_1 - sigma_2, and shadow_work,
    what the finite step does: Q_1 + Q_2 + f <dtheta/dt> + shadow_work = <dE/dt>. Without: current and sigma_3. They
    warn where the shadow work is more than a hundredth of the heat that flows.
    """
    one, two = (float(t) for t in ratchet.temperatures)
    turns = run.turned / (2 * np.pi)
    if run.heat is None:
        values = {"current": turns, "sigma_3": float(affinity(ratchet)) * turns}
    else:
        sigma_1 = -run.heat_1 / one - (run.heat - run.heat_1) / two
        values = {
            "current_underdamped": turns,
            "sigma_1": sigma_1,
            "sigma_2": run.entropy,
            "heat_1": run.heat_1,
            "heat_2": run.heat - run.heat_1,
            "hidden_12": sigma_1 - run.entropy,
            "shadow_work": run.energy_change - run.heat - float(ratchet.torque) * run.turned,
        }
    found = {name: _estimate(name, x / run.time) for name, x in values.items()}
    if "shadow_work" not in found:
        return found
    shadow, heat = found["shadow_work"], abs(found["heat_1"].value) + abs(found["heat_2"].value)
    if abs(shadow.value) < max(0.01 * heat, 4 * shadow.error):
        return found
    text = f"the finite step does {abs(shadow.value) / heat:.1%} of the heat: take a smaller dt"
    return {name: replace(estimate, warnings=(text,)) for name, estimate in found.items()}


def _estimate(name: str, values: np.ndarray) -> Estimate:
    error = float(np.std(values, ddof=1) / np.sqrt(values.size))
    about = {"dof": values.size - 1}
    return Estimate(float(np.mean(values)), error, "1/t", name, "scatter of trajectories", diagnostics=about)
