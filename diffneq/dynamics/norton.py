"""Norton dynamics: the flux is held at a given value, and the force that this takes is what fluctuates."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from diffneq._parameters import concrete
from diffneq.drives import Clock, Constant
from diffneq.dynamics.langevin import Langevin
from diffneq.dynamics.peculiar import PeculiarLangevin
from diffneq.dynamics.state import Info, State, drift, inverse_mass, per_particle
from diffneq.dynamics.walls import check_walls
from diffneq.particles.neighbours import Neighbours
from diffneq.particles.space import Vector, to_anchor


class Norton(eqx.Module):
    """m_i dv_i = (f_i + lambda F_i) dt - m_i g_i v_i dt + noise, with R = sum_i G_i(x) . v_i = r(t) at all times.

    F is the drive force of a unit field and R its flux: R of the forcing for a `Forced` model; for models that
    couple to charges the current J = sum q v_x, so G = F. The impulse lambda F dt is found from R = r, not given.
    A step is that of BAOAB, and each of its parts ends with R = r by an impulse v_i -> v_i + xi F_i/m_i where
    xi = (r - R)/c, c = sum_i G_i . F_i/m_i. The multiplier of the step is lambda = (sum of the xi)/dt, where O counts
    what its friction takes and not what its noise does, which is zero in the mean. To be of second order in dt also
    where G moves, rates differ or r changes, A goes on at the mean of its first and last velocity and F, that of O
    acts all through it, F_i/m_i -> F_i/m_i (1 - exp(-g_i dt))/(g_i dt), and r changes in B.
    The response coefficient is r/<lambda>: `diffneq.response.norton`.

    Each step reports "multiplier", lambda, the field that a drive would have had. Its work is that of lambda F; the
    bath's heat is what friction and noise do within R = r: dE = W + Q up to O(dt^2), and W = r lambda dt where
    G = F is the same everywhere and r constant. A start of another flux is put on R = r first, which is work, but not
    in lambda. The flux must be of the bulk: forcing a single particle gives another coefficient than a constant field.

    Arguments:
        dt: time step [t].
        temperature: k_B T of the bath [energy].
        damping_rate: g [1/t], a scalar or one for each species, shape (S,).
        flux: r, a number, or a function of time like a drive (`diffneq.drives`) [unit of the model's flux].
        peculiar: whether the bath is that of `PeculiarLangevin`, on velocities relative to the mean of each species.
            Where F is the same for all particles of a species, as q E is, the bath is then no part of lambda; with the
            bath of `Langevin` its friction is, g m/(sum_i q_i^2) of lambda/r at one rate and mass.

    Raises:
        ValueError: for parameters that are not sound; `check`, where nothing or a single particle is driven;
            `step`, where a drive is given besides.

    Source: N. Blassel, G. Stoltz, J. Stat. Phys. 191, 17 (2024), whose splitting is ours where G is constant, but for
    the force in O; D. J. Evans, G. P. Morriss, Phys. Rev. A 31, 3817 (1985).

    >>> import diffneq
    >>> law = diffneq.particles.pair_laws.WCA(1.0, 1.0)
    >>> fluid = diffneq.models.Fluid(law, (8.0, 8.0), (10, 10), charge=(1.0, -1.0))
    >>> result = diffneq.simulate(fluid, Norton(dt=0.002, temperature=1.0, damping_rate=0.5, flux=3.0), steps=100,
    ...                           keys=jax.random.key(0), progress=False)
    >>> print(result.records["current"].round(4)[0, :3], result.records["multiplier"].shape)
    [3. 3. 3.] (1, 10)
    """

    langevin: Langevin | PeculiarLangevin
    flux: eqx.Module

    units: ClassVar[dict[str, str]] = {"multiplier": "field"}
    can_share: ClassVar[bool] = False  # the flux is a sum over all particles, in every part of a step

    def __init__(self, dt, temperature, damping_rate, flux, peculiar: bool = False):
        self.langevin = (PeculiarLangevin if peculiar else Langevin)(dt, temperature, damping_rate)
        self.flux = flux if callable(flux) else Constant(flux)

    @property
    def dt(self) -> Array:
        return self.langevin.dt

    @property
    def temperature(self) -> Array:
        return self.langevin.temperature

    @property
    def needs_noise(self) -> bool:
        return True

    def check(self, model) -> None:
        """ValueError where these dynamics do not fit the model."""
        check_walls("Norton", model, None)
        self.langevin.check(model)
        shape = jax.eval_shape(self.flux, Clock(0, self.dt)).shape
        if shape != ():
            raise ValueError(f"Norton: flux must be a scalar for each replica, got shape {shape}.")
        _check_forcing(model)

    def step(self, model, state: State, neighbours, drive=None) -> tuple[State, Info]:
        if drive is not None:
            raise ValueError("Norton dynamics find the field themselves: pass drive=None, and the flux in Norton(...).")
        h, rate = self.dt, inverse_mass(model)
        begin, end = self.flux(Clock(state.step, h)), self.flux(Clock(state.step + 1, h))
        middle = (begin + end) / 2
        here = _Constraint.at(model, state.displacement, neighbours, rate)
        velocity, _, start = here.hold(state.velocity, state.velocity, begin)

        kicked = _kick(velocity, state.force, rate * (h / 2))
        velocity, *first = here.hold(velocity, kicked, middle)
        moved, here, velocity, *second = _drift(model, state, here, velocity, h / 2, neighbours, middle)
        velocity, heat, *third = self._bath(model, state, here, velocity, middle)
        state = eqx.tree_at(lambda s: s.displacement, state, moved)
        moved, here, velocity, *fourth = _drift(model, state, here, velocity, h / 2, neighbours, middle)
        force = model.forces(moved, neighbours)
        kicked = _kick(velocity, force, rate * (h / 2))
        velocity, *fifth = here.hold(velocity, kicked, end)

        impulses, works = zip(first, second, third, fourth, fifth, strict=True)
        state = State(moved, velocity, force, state.anchor, state.step + 1, state.key)
        return state, Info(start + sum(works), heat, {"multiplier": sum(impulses) / h})

    def _bath(self, model, state: State, here: _Constraint, velocity: Vector, flux: Array):
        """The O step: velocities, heat, impulse against the friction and its work.

        In the mean the impulse against the noise vanishes but its work does not: it takes away what the noise gives
        to the flux. This is the bath's, and only the impulse against the friction is the drive's.
        """
        lost = jnp.broadcast_to(self.langevin.damping_rate, (len(model.counts),)) * self.dt
        slowed = _relaxed(self.langevin, model, velocity, jnp.exp(-lost))
        here = here.damped(lambda a: _relaxed(self.langevin, model, a, _mean_of_decay(lost)))
        _, impulse, work = here.hold(velocity, slowed, flux)
        noisy, _ = self.langevin.bath(model, state, velocity)
        after, _, _ = here.hold(noisy, noisy, flux)
        gained = sum((w - v) * (w + v) for w, v in zip(after, velocity, strict=True))
        return after, jnp.sum(per_particle(model, model.mass) * gained) / 2 - work, impulse, work


class _Constraint(eqx.Module):
    """R = sum_i G_i . v_i at one set of positions, and F, by whose impulses it is held."""

    push: Vector  # F
    acceleration: Vector  # F/m
    direction: Vector  # G
    gain: Array  # c = sum G . F/m

    @classmethod
    def at(cls, model, displacement: Vector, neighbours, rate: Array) -> _Constraint:
        given = model.drive_force(displacement, neighbours, jnp.ones((), rate.dtype))
        push = tuple(jnp.zeros_like(rate) if f is None else f for f in given)
        direction = push
        if hasattr(model, "flux_direction"):
            direction = model.flux_direction(displacement, neighbours)
        acceleration = tuple(rate * f for f in push)
        return cls(push, acceleration, direction, _dot(direction, acceleration))

    def damped(self, share: Callable[[Vector], Vector]) -> _Constraint:
        """The same where friction leaves a share of each impulse over the step."""
        acceleration = share(self.acceleration)
        return _Constraint(self.push, acceleration, self.direction, _dot(self.direction, acceleration))

    def reached_from(self, start: _Constraint) -> _Constraint:
        """R here, held by impulses that were given on the way from `start`."""
        push, acceleration = (
            tuple((a + b) / 2 for a, b in zip(x, y, strict=True))
            for x, y in ((start.push, self.push), (start.acceleration, self.acceleration))
        )
        return _Constraint(push, acceleration, self.direction, _dot(self.direction, acceleration))

    def hold(self, before: Vector, free: Vector, flux: Array) -> tuple[Vector, Array, Array]:
        """v = free + xi F/m with R = flux; xi; the work xi F . (before + v)/2 of a push all the way from `before`."""
        impulse = (flux - _dot(self.direction, free)) / self.gain
        velocity = tuple(v + impulse * a for v, a in zip(free, self.acceleration, strict=True))
        both = tuple(v + w for v, w in zip(before, velocity, strict=True))
        return velocity, impulse, impulse * _dot(self.push, both) / 2


def _relaxed(bath: Langevin | PeculiarLangevin, model, vector: Vector, share: Array) -> Vector:
    """The vector with `share` (S,) of what the bath acts on."""
    if isinstance(bath, PeculiarLangevin):
        return bath.relaxed(model, vector, share)
    kept = per_particle(model, share)
    return tuple(kept * v for v in vector)


def _dot(a: Vector, b: Vector) -> Array:
    return sum((jnp.sum(x * y) for x, y in zip(a, b, strict=True)), jnp.zeros((), a[0].dtype))


def _kick(velocity: Vector, force: Vector, rate: Array) -> Vector:
    return tuple(v + rate * f for v, f in zip(velocity, force, strict=True))


def _drift(model, state: State, here: _Constraint, velocity: Vector, h: Array, neighbours, flux: Array):
    """An A step by Heun's rule: positions, the constraint there, velocities, impulse and its work."""
    rate = inverse_mass(model)
    ahead = _Constraint.at(model, drift(state, velocity, h), neighbours, rate)
    arriving, _, _ = ahead.hold(velocity, velocity, flux)
    moved = drift(state, tuple((v + w) / 2 for v, w in zip(velocity, arriving, strict=True)), h)
    there = _Constraint.at(model, moved, neighbours, rate)
    return moved, there, *there.reached_from(here).hold(velocity, velocity, flux)


def _mean_of_decay(x: Array) -> Array:
    """(1 - exp(-x))/x, also at zero."""
    small = x < 1e-3
    series = 1 - x / 2 * (1 - x / 3 * (1 - x / 4))
    return jnp.where(small, series, -jnp.expm1(-x) / jnp.where(small, 1.0, x))


def _check_forcing(model) -> None:
    """ValueError where the drive moves no flux, or a single particle, wherever the particles are."""
    size, random = sum(model.counts), np.random.default_rng(0)
    somewhere = tuple(jnp.asarray(random.random(size), model.mass.dtype) * length for length in model.box.extent)
    anchor, rest = to_anchor(model.box, somewhere)
    blank = jnp.zeros((), jnp.int32)
    neighbours = Neighbours(anchor, jnp.zeros((0, 0), jnp.int32), blank, blank)
    found = _Constraint.at(model, rest, neighbours, inverse_mass(model))
    gain = concrete(found.gain)
    if gain is None:
        return
    terms = np.abs([np.asarray(g * a) for g, a in zip(found.direction, found.acceleration, strict=True)])
    if not abs(gain) > 1e-6 * terms.sum():
        raise ValueError(
            "Norton: the drive of this model does not move its flux (sum of G.F/m = 0); give its species charges, "
            "or wrap it in Forced(model, forcing)."
        )
    driven = sum(np.asarray(a) != 0 for a in found.acceleration) > 0
    if np.count_nonzero(driven) == 1:
        raise ValueError(
            "Norton: only one of the particles is driven, and a constant flux of a single particle gives another "
            "coefficient than a constant field; drive many, for example Forced(model, ColourDrift())."
        )
