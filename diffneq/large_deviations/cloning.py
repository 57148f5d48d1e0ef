"""Population dynamics: the scaled cumulant generating function of a current by weighted and resampled paths."""

from __future__ import annotations

from typing import Any, Protocol

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from diffneq.statistics import Estimate


class Paths(Protocol):
    """A Markov process: configurations with a leading axis of paths, and what flows while they advance."""

    def start(self, key: Array, population: int) -> Any: ...

    def advance(self, configuration: Any, key: Array, interval: Array) -> tuple[Any, Array]: ...


class JumpPaths(eqx.Module):
    """A Markov jump process on n states; the current counts c_ij at each jump i -> j.

    Arguments: `rates` w_ij of the jumps i -> j, (n, n) [1/time], the diagonal ignored; `counts` c_ij (n, n).
    Raises `ValueError` for arrays that are not square, of different shapes, or with negative rates.
    """

    rates: Array
    counts: Array

    def __init__(self, rates, counts):
        rates, counts = np.asarray(rates, float), np.asarray(counts, float)
        if rates.ndim != 2 or rates.shape[0] != rates.shape[1] or rates.shape != counts.shape:
            raise ValueError(f"JumpPaths: rates and counts are (n, n) both; got {rates.shape} and {counts.shape}.")
        rates = rates * (1 - np.eye(len(rates)))
        if not (rates >= 0).all() or not (rates.sum(axis=1) > 0).all():
            raise ValueError("JumpPaths: rates must not be negative, and every state needs a way out.")
        self.rates, self.counts = jnp.asarray(rates), jnp.asarray(counts)

    def start(self, key: Array, population: int) -> Array:
        return jax.random.randint(key, (population,), 0, self.rates.shape[0])

    def advance(self, configuration: Array, key: Array, interval: Array) -> tuple[Array, Array]:
        """D. T. Gillespie's algorithm for all paths in lockstep, until the last one is through."""
        escape = jnp.sum(self.rates, axis=1)
        ladder = jnp.cumsum(self.rates, axis=1) / escape[:, None]

        def jump(carried):
            turn, state, remaining, flowed = carried
            first, second = jax.random.split(jax.random.fold_in(key, turn))
            remaining = remaining - jax.random.exponential(first, remaining.shape) / escape[state]
            place = jax.random.uniform(second, (*remaining.shape, 1))
            after = jnp.minimum(jnp.sum(ladder[state] < place, axis=-1), len(escape) - 1)
            jumps = remaining > 0
            flowed = flowed + jnp.where(jumps, self.counts[state, after], 0)
            return turn + 1, jnp.where(jumps, after, state), remaining, flowed

        unfinished = lambda carried: jnp.any(carried[2] > 0)
        remaining = jnp.full(configuration.shape, interval, self.rates.dtype)
        begin = (jnp.int32(0), configuration, remaining, jnp.zeros_like(remaining))
        _, configuration, _, flowed = lax.while_loop(unfinished, jump, begin)
        return configuration, flowed


def cloning(
    paths: Paths,
    tilt,
    key: Array,
    *,
    population: int = 1000,
    duration: float,
    interval: float,
    repeats: int = 8,
    discard: float = 0.2,
) -> Estimate:
    """theta(s) = lim ln<exp(s X_t)>/t from a population: theta_N = mean of ln(mean of exp(s dX))/interval.

    N paths advance by `interval`, get the weights exp(s dX) of what flowed meanwhile, and are resampled in proportion
    (systematic resampling). Exact in time, whatever the interval; but a population that is finite makes a bias of order
    1/N. It is measured: the same is done with two populations of N/2, whose bias is twice as large, and a difference
    of more than two errors is a warning. `diagnostics` hold that value ("half_population") and the smallest effective
    share of the paths, (sum w)^2/(N sum w^2); where it falls below a tenth, shorten the interval.

    Arguments: `paths`, a process such as `JumpPaths` or `PistonPaths`; `tilt` s [1/current]; `population` N;
    `duration` of each of the independent `repeats`, of which the share `discard` is left out at the beginning;
    `interval` between two resamplings [time]. The error is that of the mean of the repeats.

    Raises `ValueError` for numbers that make no sense.

    Source: C. Giardina, J. Kurchan, L. Peliti, Phys. Rev. Lett. 96, 120603 (2006); the bias: E. Guevara Hidalgo,
    T. Nemoto, V. Lecomte, Phys. Rev. E 95, 012102 (2017).

    >>> two = JumpPaths([[0.0, 1.0], [2.0, 0.0]], [[0.0, 1.0], [0.0, 0.0]])       # counts the jumps 0 -> 1
    >>> found = cloning(two, 0.2, jax.random.key(0), population=100, duration=20.0, interval=0.5, repeats=4)
    >>> found.name, found.error < 0.05
    ('theta', True)
    """
    steps = round(duration / interval) if interval > 0 else 0
    if population < 4 or repeats < 2 or steps < 2 or not 0 <= discard < 1 or not np.isfinite(float(tilt)):
        raise ValueError(
            "cloning: needs a finite tilt, population >= 4, repeats >= 2, duration of at least two intervals, and "
            f"0 <= discard < 1; got {tilt}, {population}, {repeats}, {duration:g} of {interval:g}, {discard:g}."
        )
    skipped, runs = int(discard * steps), []
    weight, step = (jnp.asarray(float(number)) for number in (tilt, interval))
    for halves, one in ((False, key), (True, jax.random.fold_in(key, 1))):
        growth, effective = _populations(paths, weight, one, population, steps, step, repeats, jnp.asarray(halves))
        theta = np.asarray(growth, np.float64)[:, skipped:].mean(axis=1) / interval
        error = float(theta.std(ddof=1) / np.sqrt(repeats))
        runs.append((float(theta.mean()), error, float(np.min(effective)) / population))
    (value, error, effective), (half, half_error, _) = runs
    warnings = ()
    if abs(half - value) > 2 * np.hypot(error, half_error):
        warnings += (f"half the population gives {half:.6g}: the bias of about {half - value:.2g} needs more paths",)
    if effective < 0.1:
        warnings += (f"only {100 * effective:.2g} % of the paths carry the weight of a step: shorten the interval",)
    diagnostics = {"population": population, "half_population": half, "half_population_error": half_error,
                   "effective_share": effective, "dof": repeats - 1}  # fmt: skip
    return Estimate(value, error, "1/time", "theta", "population dynamics, repeats", warnings, diagnostics)


@eqx.filter_jit
def _populations(paths, tilt, key, population: int, steps: int, interval, repeats: int, halves):
    """ln(mean weight) and the effective number of paths at each step of each repeat, (repeats, steps).

    With `halves`, the paths are two populations of half the number, resampled each for itself: the same program.
    """
    place, middle = jnp.arange(population), population // 2
    first, last = jnp.asarray(float(middle)), jnp.asarray(float(population - middle))

    def step(carried, turn):
        configuration, key = carried
        move, pick = jax.random.split(jax.random.fold_in(key, turn))
        configuration, flowed = paths.advance(configuration, move, interval)
        exponent = tilt * flowed
        tops = jnp.max(exponent[:middle]), jnp.max(exponent[middle:])
        tops = tuple(jnp.where(halves, top, jnp.maximum(*tops)) for top in tops)
        weight = jnp.exp(exponent - jnp.where(place < middle, *tops))
        total = jnp.cumsum(weight)
        share, rest = total[middle - 1], total[-1] - total[middle - 1]
        tooth = place + jax.random.uniform(pick)
        split = jnp.where(place < middle, tooth * (share / first), share + (tooth - first) * (rest / last))
        comb = jnp.where(halves, split, tooth * (total[-1] / population))
        parents = jnp.minimum(jnp.searchsorted(total, comb), population - 1)
        configuration = jax.tree.map(lambda part: part[parents], configuration)
        apart = 0.5 * (jnp.log(share / first) + jnp.log(rest / last))
        growth = sum(tops) / 2 + jnp.where(halves, apart, jnp.log(total[-1] / population))
        return (configuration, key), (growth, total[-1] ** 2 / jnp.sum(weight**2))

    def one(key):
        begin, go = jax.random.split(key)
        turns = jnp.arange(steps, dtype=jnp.uint32)
        return lax.scan(step, (paths.start(begin, population), go), turns)[1]

    return lax.map(one, jax.random.split(key, repeats))
