"""Newton's method for the balances, in logarithms.

With n_k = exp(a_k . lambda + ln N - g_k) every row of the balance has a positive and a negative side, sum_+ and sum_-;
what is solved is ln sum_+ = ln sum_-, and ln sum_k n_k = ln N. Where single species dominate the sides these equations
are linear in (lambda, ln N), however many orders of magnitude lie between start and solution: J. Carrayrou, R. Mose,
P. Behra, AIChE J. 48 (2002) 894 balance positive and negative terms in the same way.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

INERT = 1e-30  # moles of an inert gas that is always there: the gas never vanishes entirely
_TINY = 1e-305
_HIGHEST = 300.0  # exponent
_MATTERS = -35.0  # ln of the mole fraction from which on a species limits the step


class Gas(NamedTuple):
    """The gas in the basis of components: columns, g/RT (with ln P), which species and which rows take part."""

    columns: Float[Array, "elements gases B"]
    g: Float[Array, "gases B"]
    alive: Bool[Array, "gases B"]
    amount: Float[Array, "elements B"]
    free: Bool[Array, "elements B"]  # rows whose potential is unknown
    closed: Bool[Array, "B"]  # the volume is given: ln N stays


def amounts(gas: Gas, potential: Float[Array, "elements B"], ln_N: Float[Array, "B"]) -> tuple[Array, Array]:
    """ln n and n of all gases."""
    ln_n = sum((c * p for c, p in zip(gas.columns, potential, strict=True)), ln_N - gas.g)
    return ln_n, jnp.where(gas.alive, jnp.exp(jnp.minimum(ln_n, _HIGHEST)), 0.0)


def newton_step(
    gas: Gas, potential: Float[Array, "elements B"], ln_N: Float[Array, "B"], longest: float
) -> tuple[Array, Array, Array]:
    """New (lambda, ln N), and the largest of the logarithmic imbalances before the step."""
    E = len(potential)
    ln_n, n = amounts(gas, potential, ln_N)
    matrix, right = _system(gas, n, ln_N)
    step = eliminate(matrix, right)
    change = sum((c * s for c, s in zip(gas.columns, step[:E], strict=True)), step[E])
    level = ln_n - ln_N
    matters = gas.alive & (jnp.maximum(level, level + change - step[E]) > _MATTERS)
    size = jnp.max(jnp.where(matters, jnp.abs(change), 0.0), axis=0)
    short = jnp.minimum(1.0, longest / jnp.maximum(size, 1e-30))
    error = jnp.max(jnp.abs(jnp.stack(right)), axis=0)
    return potential + short * jnp.stack(step[:E]), ln_N + short * step[E], error


def _system(gas: Gas, n: Array, ln_N: Array) -> tuple[list[list[Array]], list[Array]]:
    """The Jacobian and the logarithmic imbalances of all rows and of the total."""
    E = len(gas.columns)
    matrix, right = [], []
    for i in range(E):
        column, free = gas.columns[i], gas.free[i]
        term = column * n
        plus = jnp.sum(jnp.maximum(term, 0.0), axis=0) + jnp.maximum(-gas.amount[i], 0.0)
        minus = jnp.sum(jnp.maximum(-term, 0.0), axis=0) + jnp.maximum(gas.amount[i], 0.0)
        plus, minus = jnp.maximum(plus, _TINY), jnp.maximum(minus, _TINY)
        weight = term * jnp.where(column > 0, 1.0 / plus, 1.0 / minus)
        entries = [
            jnp.where(free & gas.free[j], jnp.sum(weight * gas.columns[j], axis=0), float(i == j)) for j in range(E)
        ]
        matrix.append([*entries, jnp.where(free, jnp.sum(weight, axis=0), 0.0)])
        right.append(jnp.where(free, jnp.log(minus) - jnp.log(plus), 0.0))
    total = jnp.sum(n, axis=0) + INERT
    unknown = ~gas.closed
    entries = [jnp.where(unknown & gas.free[j], jnp.sum(n * gas.columns[j], axis=0) / total, 0.0) for j in range(E)]
    matrix.append([*entries, jnp.where(unknown, (total - INERT) / total - 1.0 - 1e-15, 1.0)])
    right.append(jnp.where(unknown, ln_N - jnp.log(total), 0.0))
    return matrix, right


def eliminate(matrix: list[list[Array]], right: list[Array]) -> list[Array]:
    """x of matrix x = right for every lane, by Gaussian elimination with partial pivoting, written out.

    The matrices are small and the lanes many: all of it becomes one loop over the lanes.
    """
    n = len(right)
    rows = [[*row, r] for row, r in zip(matrix, right, strict=True)]
    for i in range(n):
        for p in range(i + 1, n):
            swap = jnp.abs(rows[p][i]) > jnp.abs(rows[i][i])
            for j in range(i, n + 1):
                a, c = rows[i][j], rows[p][j]
                rows[i][j], rows[p][j] = jnp.where(swap, c, a), jnp.where(swap, a, c)
        pivot = rows[i][i]
        inverse = jnp.where(jnp.abs(pivot) > 1e-200, 1.0 / jnp.where(pivot == 0, 1.0, pivot), 0.0)
        rows[i][i] = inverse
        for p in range(i + 1, n):
            factor = rows[p][i] * inverse
            for j in range(i + 1, n + 1):
                rows[p][j] = rows[p][j] - factor * rows[i][j]
    x: list[Array] = [right[0]] * n
    for i in reversed(range(n)):
        x[i] = (rows[i][n] - sum(rows[i][j] * x[j] for j in range(i + 1, n))) * rows[i][i]
    return x
