"""Gaussian isokinetic dynamics, free, in a field or at constant current: deterministic, both constraints exact."""

from __future__ import annotations

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import Array

from diffneq._parameters import check_finite, check_positive, concrete, float_leaf
from diffneq.drives import Clock
from diffneq.dynamics.peculiar import species_means
from diffneq.dynamics.state import Info, State, drift, inverse_mass, per_particle
from diffneq.dynamics.walls import check_walls
from diffneq.particles.space import Vector


class Isokinetic(eqx.Module):
    """m_i dv_i/dt = F_i + lambda q_i e_x - alpha m_i w_i, w_i = v_i - v_s, where sum m_i w_i^2 = (g - 1) k_B T always.

    q_i is what a drive couples to, the charge of the species, or its colour where the model distinguishes them. v_s is
    the mean velocity of the particle's species, g = sum_s d (N_s - 1) the number of peculiar degrees of freedom.
    With `flux` the current is held besides, R = sum q_i v_ix = r, by the multiplier
        lambda = -(sum q_i F_ix/m_i)/(sum q_i^2/m_i),
    in which the thermostat has no part, for it gives no net force to any species. Without `flux` lambda is the field of
    the drive, or zero. alpha = sum F_i.w_i/sum m_i w_i^2. At r = 0 or without a field positions and the v_s are
    canonical at k_B T, which (g - 1) rather than g sees to.

    A step is B(dt/2) A(dt) B(dt/2). In B forces are constant and the motion is solved: the v_s move on straight lines,
    w(t) = (w + s(t) f/m)/s'(t), f the force relative to that on the species, with
        s(t) = sinh(k t)/k + a (cosh(k t) - 1)/k^2,  k^2 = (sum f^2/m)/2K,  a = (sum f.w)/2K,  2K = (g - 1) k_B T.
    So both constraints hold to round-off, which each step takes away again, and the step is reversible in time.

    Each step reports "multiplier", lambda [field], and "thermostat", alpha [1/t]; heat is -2 K int alpha dt.

    Arguments:
        dt: time step [t].
        temperature: k_B T [energy].
        flux: r [unit of the model's current], or None.

    Raises:
        ValueError: for parameters that are not sound; `check`, for a model with less than two peculiar degrees of
            freedom or whose charges cannot carry the flux; `step`, where flux and drive are both given.

    Source: D. J. Evans, G. P. Morriss, Statistical Mechanics of Nonequilibrium Liquids, 2nd ed. (2008), chapters 5
    and 6; the exact B step, F. Zhang, J. Chem. Phys. 106, 6102 (1997).

    >>> import diffneq, jax
    >>> from diffneq.particles.pair_laws import WCA
    >>> salt = diffneq.models.Fluid(WCA(1.0, 1.0), (8.0, 8.0), (10, 10), charge=(1.0, -1.0))
    >>> result = diffneq.simulate(salt, Isokinetic(0.002, 1.0, flux=3.0), steps=100, keys=jax.random.key(0),
    ...                           progress=False)
    >>> print(result.records["current"].round(4)[0, :3])
    [3. 3. 3.]
    """

    dt: Array
    temperature: Array
    flux: Array | None

    units: ClassVar[dict[str, str]] = {"multiplier": "field", "thermostat": "1/t"}
    can_share: ClassVar[bool] = False

    def __init__(self, dt, temperature, flux=None):
        self.dt, self.temperature = float_leaf(dt), float_leaf(temperature)
        check_finite("Isokinetic", dt=self.dt, temperature=self.temperature)
        check_positive("Isokinetic", dt=self.dt, temperature=self.temperature)
        self.flux = None if flux is None else float_leaf(flux)
        if self.flux is not None:
            check_finite("Isokinetic", flux=self.flux)

    @property
    def needs_noise(self) -> bool:
        return False

    def check(self, model) -> None:
        """ValueError where these dynamics do not fit the model."""
        check_walls("Isokinetic", model, None)
        if degrees_of_freedom(model) < 2:
            raise ValueError(
                "Isokinetic: fewer than two degrees of freedom are left relative to the means of the species; "
                "use more particles of a species."
            )
        if hasattr(model, "flux_direction"):
            raise ValueError("Isokinetic: the flux is the current sum q v_x of the model's charges; do not wrap it.")
        gain = concrete(jnp.sum(inverse_mass(model) * per_particle(model, coupling(model)) ** 2))
        if self.flux is not None and gain is not None and not gain > 0:
            raise ValueError("Isokinetic: no mobile particle has a charge, so there is no current to hold.")

    def step(self, model, state: State, neighbours, drive=None) -> tuple[State, Info]:
        if drive is not None and self.flux is not None:
            raise ValueError("Isokinetic finds the field where a flux is given: pass drive=None, or flux=None.")
        h, split = self.dt, _Split(model, (degrees_of_freedom(model) - 1) * self.temperature)
        means, peculiar = split.of(state.velocity)
        means, begun = split.on_flux(means, self.flux)
        peculiar, warmed = split.on_shell(peculiar)
        field = None if drive is None else drive(Clock(state.step, h))
        means, peculiar, *first = split.kick(means, peculiar, state.force, h / 2, self.flux, field)
        moved = drift(state, tuple(u + w for u, w in zip(means, peculiar, strict=True)), h)
        force = model.forces(moved, neighbours)
        field = None if drive is None else drive(Clock(state.step + 1, h))
        means, peculiar, *second = split.kick(means, peculiar, force, h / 2, self.flux, field)
        velocity = tuple(u + w for u, w in zip(means, peculiar, strict=True))
        multiplier, work, heat = (a + b for a, b in zip(first, second, strict=True))
        observed = {"multiplier": multiplier / 2, "thermostat": -heat / (split.twice * h)}
        state = State(moved, velocity, force, state.anchor, state.step + 1, state.key)
        return state, Info(begun + work, warmed + heat, observed)


def degrees_of_freedom(model) -> int:
    """g = sum_s d (N_s - 1), over the species that move."""
    moving = (n - 1 for n, moves in zip(model.counts, model.mobile, strict=True) if moves)
    return model.box.dimension * sum(moving)


def coupling(model) -> Array:
    """q of each species, (S,): the colour of a model that has one, else the charge."""
    return model.colour if hasattr(model, "colour") else model.charge


class _Split(eqx.Module):
    """Velocities as means of the species and the rest, and what the B step does to both."""

    model: eqx.Module
    twice: Array  # 2 K of the peculiar velocities

    @property
    def rate(self) -> Array:
        return inverse_mass(self.model)

    @property
    def push(self) -> Array:
        """q_i/m_i, (N,)."""
        return per_particle(self.model, coupling(self.model)) * self.rate

    def of(self, vector: Vector) -> tuple[Vector, Vector]:
        """Its means and what is left of it."""
        means = species_means(self.model, vector)
        return means, tuple(v - u for u, v in zip(means, vector, strict=True))

    def current(self, along: Array) -> Array:
        return jnp.sum(per_particle(self.model, coupling(self.model)) * along)

    def on_flux(self, means: Vector, flux: Array | None) -> tuple[Vector, Array]:
        """The means shifted to R = r by an impulse along q_i, and its work."""
        if flux is None:
            return means, jnp.zeros_like(self.twice)
        now = self.current(means[0])
        impulse = (flux - now) / self.current(self.push)
        return (means[0] + impulse * self.push, *means[1:]), impulse * (now + flux) / 2

    def on_shell(self, peculiar: Vector) -> tuple[Vector, Array]:
        """Peculiar velocities scaled to their kinetic energy, and what that takes."""
        squares = jnp.sum(per_particle(self.model, self.model.mass) * sum(w * w for w in peculiar))
        scale = jnp.sqrt(self.twice / squares)
        return tuple(scale * w for w in peculiar), (self.twice - squares) / 2

    def kick(self, means: Vector, peculiar: Vector, force: Vector, h: Array, flux: Array | None, field: Array | None):
        """B: means, peculiar velocities, lambda, its work and the heat."""
        pull, relative = self.of(tuple(jnp.where(self.rate > 0, f, 0.0) for f in force))
        lam = jnp.zeros_like(self.twice) if field is None else field
        if flux is not None:
            lam = -self.current(self.rate * pull[0]) / self.current(self.push)
        new = tuple(u + h * self.rate * f for u, f in zip(means, pull, strict=True))
        new = (new[0] + h * lam * self.push, *new[1:])
        work = lam * h * self.current(means[0] + new[0]) / 2
        turned, slowing = self._turn(peculiar, relative, h)
        return new, turned, lam, work, -self.twice * jnp.log(slowing)

    def _turn(self, peculiar: Vector, force: Vector, h: Array) -> tuple[Vector, Array]:
        """w(h) on the shell under constant forces, and s'(h) = exp(int alpha dt)."""
        along = sum(jnp.sum(f * w) for f, w in zip(force, peculiar, strict=True)) / self.twice
        squares = sum(jnp.sum(self.rate * f * f) for f in force) / self.twice
        x = h * jnp.sqrt(jnp.where(squares > 0, squares, 1.0))
        x = jnp.where(squares > 0, x, 0.0)
        reach = h * _sinhc(x) + along * h * h * _sinhc(x / 2) ** 2 / 2
        slowing = jnp.cosh(x) + along * h * _sinhc(x)
        turned = tuple((w + reach * self.rate * f) / slowing for w, f in zip(peculiar, force, strict=True))
        return turned, slowing


def _sinhc(x: Array) -> Array:
    """sinh(x)/x, also at zero."""
    small = jnp.abs(x) < 1e-2
    square = x * x
    series = 1 + square / 6 * (1 + square / 20)
    return jnp.where(small, series, jnp.sinh(x) / jnp.where(small, np.ones((), x.dtype), x))
