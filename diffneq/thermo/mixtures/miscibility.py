"""Binary miscibility gaps: spinodal, binodal, critical points, the common tangent, and the lever rule."""

from collections.abc import Sequence
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from diffneq._parameters import concrete
from diffneq.thermo.mixtures.checks import check_float64, positive
from diffneq.thermo.mixtures.flash import liquid_phases
from diffneq.thermo.mixtures.models.excess import GAS_CONSTANT, ExcessModel
from diffneq.thermo.mixtures.roots import converged, root

_ROW = 400
_EDGE = 1e-9
_CLOSE = 1e-9


class Gap(NamedTuple):
    """Two liquids with one tangent: x_1 of both, the tangent's ends mu_i - mu_i(pure) in J/mol, and the certificate."""

    x: Float[Array, "2"]
    mu: Float[Array, "2"]
    certificate: Float[Array, ""]
    status: Array


class Critical(NamedTuple):
    """A critical point of demixing: T (K), x_1; `upper` where the gap closes as T rises."""

    T: Float[Array, ""]
    x: Float[Array, ""]
    upper: bool


def _binary(model: ExcessModel, owner: str) -> None:
    check_float64()
    if model.size not in (2, None):
        raise ValueError(f"{owner} is for binaries; this model has {model.size} components: use `liquid_phases`.")


def _pair(x):
    return jnp.stack([x, 1.0 - x])


def _curvature(model: ExcessModel, T, x):
    """x(1-x) d2(g_mix/RT)/dx2: 1 in an ideal mixture, 0 on the spinodal."""
    second = jax.grad(jax.grad(lambda x: model.reduced(T, _pair(x))))(x)
    return 1.0 + x * (1.0 - x) * second


def _row() -> np.ndarray:
    """x_1 from edge to edge, denser at both."""
    s = np.linspace(0.0, 1.0, _ROW)
    inner = s**3 * (10.0 - 15.0 * s + 6.0 * s**2)
    return np.clip(inner, _EDGE, 1.0 - _EDGE)


@eqx.filter_jit
def _curvatures(model: ExcessModel, T, x):
    return jax.vmap(lambda x: _curvature(model, T, x))(x)


@eqx.filter_jit
def spinodal_near(model: ExcessModel, T: ArrayLike, x: ArrayLike) -> Float[Array, ""]:
    """x_1 with d2 g_mix/dx_1^2 = 0 next to a given x_1, at T (K); differentiable; NaN where none is found."""
    T = jnp.asarray(T, float)
    found = root(lambda u: _curvature(model, T, u[0])[None], jnp.atleast_1d(jnp.asarray(x, float)), 0.02)
    return jnp.where(converged(found), found.u[0], jnp.nan)


def spinodal(model: ExcessModel, T: float) -> list[Array]:
    """All x_1 with d2 g_mix/dx_1^2 = 0 at T (K), ascending; an even number, none where the mixture is stable.

    Zeros closer than about 1/200 to each other can be missed.

    >>> from diffneq.thermo.mixtures import regular
    >>> with jax.enable_x64(True):
    ...     [round(float(x), 7) for x in spinodal(regular(2.5 * 8.314462618 * 300.0), 300.0)]
    [0.2763932, 0.7236068]
    """
    _binary(model, "spinodal")
    row = _row()
    signs = np.asarray(_curvatures(model, positive(T, "T"), jnp.asarray(row))) > 0
    at = np.flatnonzero(signs[1:] != signs[:-1])
    return [spinodal_near(model, float(T), 0.5 * (row[k] + row[k + 1])) for k in at]


def binodal(model: ExcessModel, T: ArrayLike, within: ArrayLike = 0.5) -> Gap:
    """The two ends of the gap that x_1 = `within` lies in: mu_i' = mu_i'' for both components, the common tangent.

    T (K) and `within` are broadcast. Where that mixture is one phase the ends are NaN. Differentiable; the global
    minimum is certified (`liquid_phases`).

    >>> from diffneq.thermo.mixtures import regular
    >>> with jax.enable_x64(True):
    ...     [round(float(x), 7) for x in binodal(regular(2.5 * 8.314462618 * 300.0), 300.0).x]
    [0.1447941, 0.8552059]
    """
    _binary(model, "binodal")
    T, within = jnp.broadcast_arrays(jnp.asarray(T, float), jnp.asarray(within, float))
    phases = liquid_phases(model, T, jnp.stack([within, 1.0 - within], axis=-1))
    two = phases.number == 2
    ends = jnp.where(two[..., None], phases.x[..., 0], jnp.nan)
    mu = GAS_CONSTANT * T[..., None] * phases.potential
    return Gap(jnp.sort(ends, axis=-1), mu, phases.certificate, phases.status)


def gaps(model: ExcessModel, T: float) -> list[Gap]:
    """All miscibility gaps at T (K): one common tangent for each unstable stretch between spinodal points.

    >>> from diffneq.thermo.mixtures import regular
    >>> with jax.enable_x64(True):
    ...     len(gaps(regular(1.9 * 8.314462618 * 300.0), 300.0))
    0
    """
    ends = [float(x) for x in spinodal(model, T)]
    found: list[Gap] = []
    for low, high in zip(ends[::2], ends[1::2], strict=False):
        gap = binodal(model, T, 0.5 * (low + high))
        if not any(float(jnp.max(jnp.abs(gap.x - other.x))) < 1e-7 for other in found):
            found.append(gap)
    return found


@eqx.filter_jit
def critical_near(model: ExcessModel, T: ArrayLike, x: ArrayLike) -> tuple[Array, Array]:
    """(T, x_1) with d2 g_mix/dx^2 = d3 g_mix/dx^3 = 0 next to a given pair; NaN where none is found."""

    def equations(u):
        T, x = jnp.exp(u[0]), u[1]
        value, slope = jax.value_and_grad(lambda x: _curvature(model, T, x) / (x * (1.0 - x)))(x)
        return jnp.stack([value, slope]) * x * (1.0 - x)

    start = jnp.stack([jnp.log(jnp.asarray(T, float)), jnp.asarray(x, float)])
    found = root(equations, start, 0.05)
    good = converged(found)
    return jnp.where(good, jnp.exp(found.u[0]), jnp.nan), jnp.where(good, found.u[1], jnp.nan)


@eqx.filter_jit
def _least(model: ExcessModel, T, x):
    """The lowest curvature over a row of x_1 and where it is, for temperatures T."""
    values = jax.vmap(lambda T: jax.vmap(lambda x: _curvature(model, T, x) / (x * (1.0 - x)))(x))(T)
    at = jnp.argmin(values, axis=1)
    return jnp.min(values, axis=1), x[at]


def critical_points(model: ExcessModel, low: float, high: float) -> list[Critical]:
    """The critical points where the gap of lowest curvature opens or closes between two temperatures (K), ascending.

    >>> from diffneq.thermo.mixtures import regular
    >>> with jax.enable_x64(True):
    ...     point = critical_points(regular(2.0 * 8.314462618 * 350.0), 250.0, 500.0)[0]
    ...     round(float(point.T), 6), round(float(point.x), 6), point.upper
    (350.0, 0.5, True)
    """
    _binary(model, "critical_points")
    T = np.linspace(low, high, 200)
    least, at = (np.asarray(a) for a in _least(model, jnp.asarray(T), jnp.asarray(_row()[1:-1])))
    found = []
    for k in np.flatnonzero((least[1:] > 0) != (least[:-1] > 0)):
        T_c, x_c = critical_near(model, 0.5 * (T[k] + T[k + 1]), 0.5 * (at[k] + at[k + 1]))
        found.append(Critical(T_c, x_c, bool(least[k] < 0)))
    return found


def lever_rule(z: ArrayLike, phases: Sequence[ArrayLike]) -> Float[Array, " phases"]:
    """Amounts N_k of phases of known composition, sum_k N_k x_k = z and sum_k N_k = 1.

    Arguments: `z` and each of two or more `phases`: mole fractions (n,), or x_1 alone of a binary.

    Raises:
        ValueError: z is not a mixture of these phases; the sentence says which amount would be negative, or that z
            does not lie on the line or in the triangle of the phases.

    >>> with jax.enable_x64(True):
    ...     lever_rule(0.4, [0.1, 0.7]).round(6).tolist()
    [0.5, 0.5]
    """
    z, x = jnp.asarray(z, float), jnp.stack([jnp.asarray(phase, float) for phase in phases])
    if z.ndim == 0:
        z, x = jnp.stack([z, 1.0 - z]), jnp.stack([x, 1.0 - x], axis=1)
    amounts = jnp.linalg.lstsq(x.T, z)[0]
    numbers = concrete(amounts)
    if numbers is None:
        return amounts
    miss = float(np.max(np.abs(numbers @ np.asarray(x) - np.asarray(z))))
    if miss > 1e-8:
        raise ValueError(
            f"No amounts of these {len(numbers)} phases give the overall composition (it is missed by {miss:.2g}): "
            "it lies off the tie line, so composition and phases do not belong together."
        )
    if numbers.min() < -_CLOSE:
        k = int(np.argmin(numbers))
        raise ValueError(
            f"The amount of phase {k + 1} would be negative ({numbers[k]:.4g}): the overall composition lies outside "
            "the tie line, so the mixture is one phase there, or the phases are not those in equilibrium."
        )
    return amounts
