"""Our integrators as jax-md simulators: `(init_fn, apply_fn)`, with the very steps that `simulate` takes.

    init_fn, apply_fn = langevin(energy_fn, shift_fn, dt=0.005, kT=1.0, damping_rate=0.1)
    state = init_fn(jax.random.key(0), R)
    state = jax.jit(apply_fn)(state, neighbor=neighbor)

Unlike jax-md's own, they keep dt and kT in the precision of the positions, refuse misspelt keywords, report work-free
heat in `state.heat`, and never remove the momentum of the centre of mass.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import Array

from diffneq._parameters import check_finite, check_positive
from diffneq.dynamics.langevin import Langevin
from diffneq.dynamics.state import State
from diffneq.dynamics.verlet import Verlet
from diffneq.particles.space import Vector

# Keywords of an integrator, or misspellings of them, that a force function would swallow in silence.
_OURS = ("kt", "temperature", "gamma", "damping_rate", "friction", "dt", "mass", "key", "rng", "momenta", "velocity")


class MDState(eqx.Module):
    """What jax-md's states hold, arrays (N, d): `position` [L], `momentum`, `force`; `mass` (N, 1) as there.

    Arguments:
        rng: the key of the run, never split; `step`, steps done, tells the draws apart.
        heat: heat taken in from the bath so far [energy].
    """

    position: Array
    momentum: Array
    force: Array
    mass: Array
    rng: Array
    step: Array
    heat: Array

    @property
    def velocity(self) -> Array:
        return self.momentum / self.mass

    def set(self, **fields) -> MDState:
        """The state with these fields replaced."""
        return eqx.tree_at(lambda s: [getattr(s, name) for name in fields], self, list(fields.values()))


class _Particles(eqx.Module):
    """The model of one step: displacements from `base` are handed to jax-md's shift and force functions."""

    base: Array
    mass: Array  # (1, N): one species whose mass is an array
    force_fn: Callable[[Array], Array] = eqx.field(static=True)
    shift_fn: Callable[[Array, Array], Array] = eqx.field(static=True)
    counts: tuple[int, ...] = eqx.field(static=True)
    mobile: tuple[bool, ...] = (True,)

    def place(self, displacement: Vector) -> Array:
        return self.shift_fn(self.base, jnp.stack(displacement, axis=1))

    def forces(self, displacement: Vector, neighbours: Any) -> Vector:
        return _columns(self.force_fn(self.place(displacement)))


def langevin(energy_or_force_fn, shift_fn, dt, kT, damping_rate=0.1) -> tuple[Callable, Callable]:
    """m dv = F dt - m g v dt + sqrt(2 m g k_B T) dB, dx = v dt, by BAOAB.

    Arguments:
        energy_or_force_fn: f(R, **kwargs) -> scalar energy, or force (N, d); R (N, d) [L].
        shift_fn: jax-md's shift(R, dR) -> R.
        dt: time step [t].
        kT: temperature of the bath [energy]; `apply_fn(state, kT=...)` replaces it for a step.
        damping_rate: g [1/t].

    Returns:
        `init_fn(key, R, mass=1.0, kT=kT, **kwargs)` with Maxwellian momenta and `apply_fn(state, kT=kT, **kwargs)`;
        other keywords, such as `neighbor`, go to the force function.

    Raises:
        ValueError: for dt or kT that are not positive, a negative damping rate.

    >>> init_fn, apply_fn = langevin(lambda R: jnp.sum(R**2), lambda R, dR: R + dR, dt=0.1, kT=1.0)
    >>> state = apply_fn(init_fn(jax.random.key(0), jnp.zeros((5, 2))))
    >>> state.position.shape, int(state.step)
    ((5, 2), 1)
    """
    Langevin(dt, kT, damping_rate)  # the checks

    def dynamics(dtype, kT):
        return Langevin(*(jnp.asarray(x, dtype) for x in (dt, kT, damping_rate)))

    def init_fn(key, R, mass=1.0, *, kT=kT, **kwargs):
        return _begin(energy_or_force_fn, key, R, mass, kT, kwargs)

    def apply_fn(state: MDState, *, kT=kT, **kwargs):
        return _advance(energy_or_force_fn, shift_fn, dynamics(state.position.dtype, kT), state, kwargs)

    return init_fn, apply_fn


def verlet(energy_or_force_fn, shift_fn, dt) -> tuple[Callable, Callable]:
    """m dv/dt = F(x), dx/dt = v, by velocity Verlet.

    Arguments as in `langevin`. Returns `init_fn(key, R, kT, mass=1.0, **kwargs)` and `apply_fn(state, **kwargs)`.

    >>> init_fn, apply_fn = verlet(lambda R: jnp.sum(R**2), lambda R, dR: R + dR, dt=0.1)
    >>> apply_fn(init_fn(jax.random.key(0), jnp.zeros((5, 2)), kT=1.0)).momentum.shape
    (5, 2)
    """
    Verlet(dt)  # the checks

    def init_fn(key, R, kT, mass=1.0, **kwargs):
        return _begin(energy_or_force_fn, key, R, mass, kT, kwargs)

    def apply_fn(state: MDState, **kwargs):
        dynamics = Verlet(jnp.asarray(dt, state.position.dtype))
        return _advance(energy_or_force_fn, shift_fn, dynamics, state, kwargs)

    return init_fn, apply_fn


def _columns(array: Array) -> Vector:
    return tuple(array[:, a] for a in range(array.shape[1]))


def _force(function, R: Array, kwargs: dict[str, Any]) -> Array:
    """-dU/dR of an energy, or the force itself."""
    for name in kwargs:
        if name.lower() in _OURS:
            raise TypeError(
                f"{name!r} is no keyword of this simulator, and a force function would not notice it: dt and "
                "damping_rate are set when it is made, kT also by apply_fn(state, kT=...) of langevin, mass by init_fn."
            )
    shape = jax.eval_shape(lambda x: function(x, **kwargs), R).shape
    if shape == ():
        return -jax.grad(lambda x: function(x, **kwargs))(R)
    if shape == R.shape:
        return function(R, **kwargs)
    raise ValueError(f"The function must return a scalar energy or forces of shape {R.shape}, it returns {shape}.")


def _begin(function, key: Array, R: Array, mass, kT, kwargs: dict[str, Any]) -> MDState:
    R = jnp.asarray(R)
    if R.ndim != 2 or not jnp.issubdtype(R.dtype, jnp.floating):
        raise ValueError(f"R must be positions (N, d) in floating point, got shape {R.shape}, {R.dtype}.")
    check_finite("init_fn", R=R)
    check_positive("init_fn", kT=jnp.asarray(kT), mass=jnp.asarray(mass))
    mass = jnp.asarray(mass, R.dtype).reshape(-1, 1)
    if mass.shape[0] not in (1, R.shape[0]):
        raise ValueError(f"mass must be a number, or one for each of {R.shape[0]} particles, got {mass.shape[0]}.")
    mass = jnp.broadcast_to(mass, (R.shape[0], 1))
    draw = jax.random.normal(jax.random.fold_in(key, 0), R.shape, R.dtype)
    momentum = jnp.sqrt(mass * jnp.asarray(kT, R.dtype)) * draw
    return MDState(R, momentum, _force(function, R, kwargs), mass, key, jnp.uint32(0), jnp.zeros((), R.dtype))


def _advance(function, shift_fn, dynamics, state: MDState, kwargs: dict[str, Any]) -> MDState:
    mass, count = state.mass[:, 0], state.position.shape[0]
    model = _Particles(state.position, mass[None, :], lambda R: _force(function, R, kwargs), shift_fn, (count,))
    still = tuple(jnp.zeros(count, state.position.dtype) for _ in range(state.position.shape[1]))
    words = jax.random.key_data(jax.random.fold_in(state.rng, 1)).reshape(-1)[:2]
    before = State(still, _columns(state.velocity), _columns(state.force), (), state.step, words)
    after, info = dynamics.step(model, before, None, None)
    momentum = jnp.stack(after.velocity, axis=1) * state.mass
    force = jnp.stack(after.force, axis=1)
    position = model.place(after.displacement)
    return MDState(position, momentum, force, state.mass, state.rng, after.step, state.heat + info.heat)
