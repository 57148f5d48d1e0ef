"""Malliavin weights: the derivative of the probability of a path, from the transition density of the integrator."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.tree_util import Partial

from diffneq.dynamics.langevin import Langevin
from diffneq.dynamics.noise import normals
from diffneq.dynamics.state import State, inverse_mass
from diffneq.models.wrapper import AbstractWrapper
from diffneq.particles.space import Vector
from diffneq.response.derivatives.canonical import acceleration, damping, force_slope
from diffneq.response.derivatives.curve import ResponseCurve, interval_means
from diffneq.response.derivatives.ensemble import Ensemble, of_replicas
from diffneq.response.derivatives.observed import Observation
from diffneq.response.derivatives.problem import ParameterPath, System
from diffneq.simulation.loop import simulate

_STATE = ("displacement", "velocity", "force", "anchor", "step", "key")


class ScoredState(State):
    """A state, the score of its path, and d(velocity)/d(theta) at fixed positions."""

    score: Array
    slope: Vector


class ScoredLangevin(eqx.Module):
    """Langevin dynamics that carries S = d ln p(path)/d(theta), p the density of the paths of BAOAB itself.

    A path of positions x_0, x_1, ... has the noises xi_n = (v' - c u)/s with u = v_n + (h/2) a(x_n) and
    v' = 2 (x_{n+1} - x_n)/h - u, so that ln p = -sum xi^2/2 - sum ln s, differentiated at fixed positions; u follows
    them by u_{n+1} = v'_n + h a(x_{n+1}). No step of the argument supposes h to be small.

    Source: P. B. Warren, R. J. Allen, Phys. Rev. Lett. 109, 250601 (2012), for the weights; the density of BAOAB is
    derived here.
    """

    inner: Langevin
    parameter: ParameterPath

    @property
    def dt(self) -> Array:
        return self.inner.dt

    @property
    def temperature(self) -> Array:
        return self.inner.temperature

    @property
    def needs_noise(self) -> bool:
        return True

    def check(self, model) -> None:
        """ValueError where the dynamics do not fit the model."""
        self.inner.check(model)

    def step(self, model, state: ScoredState, neighbours, drive=None):
        plain = State(state.displacement, state.velocity, state.force, state.anchor, state.step, state.key)
        new, info = self.inner.step(model, plain, neighbours, drive)
        system = System(model, self.inner, drive)
        score, slope = self._follow(system, state, plain, new, neighbours)
        fields = (getattr(new, name) for name in _STATE)
        return ScoredState(*fields, score, slope), info

    def _follow(self, system: System, state: ScoredState, plain: State, new: State, neighbours):
        """The score after this step, and d(velocity)/d(theta) at fixed positions."""
        half, rate = self.inner.dt / 2, inverse_mass(system.model)
        (keep, strength), (dkeep, dstrength) = self._rates(system)
        noised, safe = strength > 0, jnp.where(strength > 0, strength, 1.0)
        push = acceleration(system, plain, neighbours, forces=False)  # those of the particles are in the state
        before, after = (force_slope(system, self.parameter, s, neighbours) for s in (plain, new))
        score, slope = state.score, []
        for axis, xi in enumerate(_noise(system.model, plain)):
            u = plain.velocity[axis] + half * (rate * plain.force[axis] + push[axis])
            du = state.slope[axis] + half * before[axis]
            dxi = (-du - dkeep * u - keep * du - dstrength * xi) / safe  # d v' = -du where positions are fixed
            score = score + jnp.sum(jnp.where(noised, -xi * dxi - dstrength / safe, 0.0))
            slope.append(-du + half * after[axis])
        return score, tuple(slope)

    def _rates(self, system: System):
        """(c, s) of each particle, (N,), and their derivatives."""
        zero = jnp.zeros((), system.model.mass.dtype)
        rates = lambda x: ornstein_uhlenbeck(self.parameter.shifted(system, x))
        return jax.jvp(rates, (zero,), (jnp.ones_like(zero),))


def ornstein_uhlenbeck(system: System) -> tuple[Array, Array]:
    """c = exp(-g h) and s = sqrt((1 - c^2) k_B T/m) of each particle, (N,)."""
    rate = damping(system)
    still = rate == 0
    spread = jnp.where(still, 1.0, -jnp.expm1(-2 * jnp.where(still, 1.0, rate) * system.dynamics.dt))
    strength = jnp.sqrt(spread) * jnp.sqrt(system.dynamics.temperature * inverse_mass(system.model))
    return jnp.exp(-rate * system.dynamics.dt), jnp.where(still, 0.0, strength)


def _noise(model, state: State) -> Vector:
    """The standard normals of the step that begins here, as `Langevin` draws them, d arrays (N,)."""
    pieces, start = [], 0
    for count in model.counts:
        dtype = state.velocity[0].dtype
        pieces.append(normals(state.key, state.step, 0, start, count, len(state.velocity), dtype))
        start += count
    return tuple(jnp.concatenate([piece[a] for piece in pieces]) for a in range(len(state.velocity)))


class _Weighted(AbstractWrapper):
    """Records A, the score, their product, and the derivative of A at fixed positions."""

    model: eqx.Module
    observation: Observation
    parameter: ParameterPath

    def every_step(self, state) -> dict[str, Array]:
        def observe(change, velocity):
            model = self.model
            if self.parameter.of_model:  # it may be part of the observable too
                model = self.parameter.shifted(System(model, None, None), change).model
            return self.observation(model, eqx.tree_at(lambda s: s.velocity, state, velocity))

        zero = jnp.zeros((), self.model.mass.dtype)
        value, direct = jax.jvp(observe, (zero, state.velocity), (jnp.ones_like(zero), state.slope))
        return {"observable": value, "score": state.score, "product": value * state.score, "direct": direct}


def likelihood_ratio(ensemble: Ensemble) -> ResponseCurve:
    """R(t) = <(A(t) - <A(t)>) S(t)> + <dA/d(theta) at fixed path>, S the score of the path since t = 0.

    Nothing is perturbed and no density of states is needed, so it holds about a driven steady state as well; the window
    of the weight is `problem.time`, which should be a few relaxation times: the variance grows with it.

    Diagnostics:
        score_variance (n,): that of S, which grows as t.

    Raises:
        ValueError: for dynamics other than `Langevin` without walls, or where a coordinate that the parameter acts on
            carries no noise: its path then has no density that could be differentiated.
    """
    problem, count = ensemble.problem, ensemble.replicas
    _check_noise(ensemble)
    weighted = _Weighted(problem.model, problem.observe, problem.theta)
    system = System(weighted, ScoredLangevin(problem.dynamics, problem.theta), problem.drive)
    rows: dict[str, list[np.ndarray]] = {"observable": [], "score": [], "product": [], "direct": []}

    def one(snapshot: int, states: State) -> None:
        zero = jnp.zeros_like(states.displacement[0])
        start = ScoredState(
            *(getattr(states, name) for name in _STATE),
            jnp.zeros(count, zero.dtype),
            tuple(zero for _ in states.displacement),
        )
        result = simulate(
            *system,
            keys=ensemble.keys(6, snapshot, count),
            steps=problem.steps,
            record_every=problem.every,
            record=(),
            start=start,
            progress=False,
            skin=ensemble.skin,
        )
        for name, values in rows.items():
            values.append(np.asarray(result.records[name], float))

    ensemble.daughters("likelihood ratio", one)
    a, s, product, direct = (np.stack(x) for x in rows.values())
    size = np.isfinite(a[..., 0]).sum()
    level = np.nanmean(a, axis=(0, 1))
    samples, warnings = of_replicas(list((product - level * s) * size / (size - 1) + direct))
    first = np.full(len(samples), problem.direct(ensemble.states[0]).mean())
    samples = interval_means(samples, first, problem.every)
    diagnostics = {"score_variance": np.nanvar(s, axis=(0, 1)), "variance": np.nanvar(product, axis=(0, 1))}
    return ResponseCurve(problem.times, samples, "likelihood ratio", problem.name, problem.unit, warnings, diagnostics)


def _check_noise(ensemble: Ensemble) -> None:
    problem = ensemble.problem
    if not isinstance(problem.dynamics, Langevin) or problem.dynamics.walls is not None:
        raise ValueError(
            "The likelihood ratio needs Langevin dynamics without walls, whose transition density it differentiates; "
            f"these are {type(problem.dynamics).__name__}."
        )
    if problem.parameter == "dynamics.dt":
        raise ValueError("The time step is not a parameter of the physics.")
    strength = np.asarray(ornstein_uhlenbeck(problem.system)[1])
    slopes = ensemble.evaluate(Partial(force_slope, problem.system, problem.theta))
    if any(np.any(np.asarray(k)[:, strength == 0] != 0) for k in slopes):
        raise ValueError(
            f"{problem.parameter!r} acts on particles that carry no noise, so their paths have no density to "
            "differentiate; give them a damping rate, or use 'transient_time_correlation' or 'coupled'."
        )
