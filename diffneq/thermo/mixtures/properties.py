"""What follows from an excess Gibbs energy by differentiation, for one state or for many.

T (K) and x (mole fractions on the last axis) are broadcast; nothing here checks that x sums to one (see `checks`).
"""

import functools
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from diffneq.thermo.mixtures.models.excess import GAS_CONSTANT, ExcessModel

R = GAS_CONSTANT


def log_gamma(model: ExcessModel, T: Float[Array, ""], x: Float[Array, " n"]) -> Float[Array, " n"]:
    """ln gamma_i = d(N g^E/(R T))/dN_i = g + dg/dx_i - sum_k x_k dg/dx_k, of one state; exact at x_i = 0 too."""
    value, slope = jax.value_and_grad(model.reduced, argnums=1)(T, x)
    return value + slope - jnp.dot(x, slope)


@eqx.filter_jit
def _each(function: Callable, model: ExcessModel, T: Array, x: Array, out: str) -> Array:
    """`function(model, T, x)` of one state, for every state of a batch; one program for each function and shape."""
    return jnp.vectorize(functools.partial(function, model), signature=f"(),(n)->{out}")(T, x)


def _batch(function: Callable, model: ExcessModel, T: ArrayLike, x: ArrayLike, out: str = "()") -> Array:
    return _each(function, model, jnp.asarray(T, float), jnp.asarray(x, float), out)


def plogp(x: Array) -> Array:
    """x ln x, zero at zero, with a finite value on either side of the mask."""
    inside = x > 0.0
    return jnp.where(inside, x * jnp.log(jnp.where(inside, x, 1.0)), 0.0)


def _energy(model, T, x):
    return R * T * model.reduced(T, x)


def _enthalpy(model, T, x):
    return -R * T**2 * jax.grad(model.reduced)(T, x)


def _entropy(model, T, x):
    return -jax.grad(_energy, argnums=1)(model, T, x)


def _heat_capacity(model, T, x):
    return -T * jax.grad(jax.grad(_energy, argnums=1), argnums=1)(model, T, x)


def _partial_enthalpies(model, T, x):
    return -R * T**2 * jax.jacfwd(log_gamma, argnums=1)(model, T, x)


def _mixing(model, T, x):
    return R * T * jnp.sum(plogp(x)) + _energy(model, T, x)


def _potentials(model, T, x):
    return R * T * (jnp.log(x) + log_gamma(model, T, x))


def _slopes(model, T, x):
    """d(ln gamma_i)/dx_j with the last mole fraction as the dependent one, (n, n - 1)."""
    full = jax.jacfwd(log_gamma, argnums=2)(model, T, x)
    return full[:, :-1] - full[:, -1:]


def _factor(model, T, x):
    return jnp.eye(len(x) - 1) + x[:-1, None] * _slopes(model, T, x)[:-1]


def _gibbs_duhem(model, T, x):
    return x @ _slopes(model, T, x)


def lowest_curvature(model: ExcessModel, T: Float[Array, ""], x: Float[Array, " n"]) -> Float[Array, ""]:
    """`stability` of one state."""
    root = jnp.sqrt(x)
    curvature = jax.hessian(model.reduced, argnums=1)(T, x)
    matrix = jnp.eye(len(x)) + root[:, None] * root[None, :] * curvature
    along = root / jnp.sqrt(jnp.sum(x))
    across = jnp.eye(len(x)) - jnp.outer(along, along)
    # the direction that leaves the simplex gets an eigenvalue above all others instead of zero
    most = 1.0 + jnp.sum(jnp.abs(matrix))
    return jnp.linalg.eigvalsh(across @ matrix @ across + most * jnp.outer(along, along))[0]


def activity_coefficients(model: ExcessModel, T: ArrayLike, x: ArrayLike) -> Float[Array, "*batch n"]:
    """gamma_i = exp(d(N g^E/(R T))/dN_i).

    >>> from diffneq.thermo.mixtures.models.redlich_kister import regular
    >>> with jax.enable_x64(True):
    ...     activity_coefficients(regular(R * 300.0), 300.0, [[0.0, 1.0], [0.5, 0.5]]).round(4).tolist()
    [[2.7183, 1.0], [1.284, 1.284]]
    """
    return jnp.exp(_batch(log_gamma, model, T, x, "(n)"))


def excess_gibbs(model: ExcessModel, T: ArrayLike, x: ArrayLike) -> Float[Array, "*batch"]:
    """g^E, J/mol."""
    return _batch(_energy, model, T, x)


def excess_enthalpy(model: ExcessModel, T: ArrayLike, x: ArrayLike) -> Float[Array, "*batch"]:
    """h^E = -T^2 d(g^E/T)/dT, J/mol (Gibbs and Helmholtz)."""
    return _batch(_enthalpy, model, T, x)


def excess_entropy(model: ExcessModel, T: ArrayLike, x: ArrayLike) -> Float[Array, "*batch"]:
    """s^E = -dg^E/dT, J/(mol K)."""
    return _batch(_entropy, model, T, x)


def excess_heat_capacity(model: ExcessModel, T: ArrayLike, x: ArrayLike) -> Float[Array, "*batch"]:
    """c_P^E = -T d2g^E/dT2, J/(mol K)."""
    return _batch(_heat_capacity, model, T, x)


def partial_excess_enthalpies(model: ExcessModel, T: ArrayLike, x: ArrayLike) -> Float[Array, "*batch n"]:
    """h_i^E = -R T^2 d(ln gamma_i)/dT, J/mol."""
    return _batch(_partial_enthalpies, model, T, x, "(n)")


def mixing_gibbs(model: ExcessModel, T: ArrayLike, x: ArrayLike) -> Float[Array, "*batch"]:
    """g_mix = R T sum_i x_i ln x_i + g^E, J/mol, relative to the pure liquids."""
    return _batch(_mixing, model, T, x)


def mixing_potentials(model: ExcessModel, T: ArrayLike, x: ArrayLike) -> Float[Array, "*batch n"]:
    """mu_i - mu_i(pure) = R T ln(x_i gamma_i), J/mol; minus infinity where x_i = 0."""
    return _batch(_potentials, model, T, x, "(n)")


def thermodynamic_factor(model: ExcessModel, T: ArrayLike, x: ArrayLike) -> Float[Array, "*batch n-1 n-1"]:
    """Gamma_ij = delta_ij + x_i d(ln gamma_i)/dx_j for i, j < n, the last mole fraction being the dependent one.

    Diffusion driven by chemical potentials is that of an ideal mixture times Gamma; det Gamma = 0 on the spinodal.
    Source: R. Taylor, R. Krishna, Multicomponent Mass Transfer (Wiley 1993), chapter 2.

    >>> from diffneq.thermo.mixtures.models.redlich_kister import regular
    >>> with jax.enable_x64(True):
    ...     float(thermodynamic_factor(regular(R * 300.0), 300.0, [0.5, 0.5])[0, 0])
    0.5
    """
    return _batch(_factor, model, T, x, "(k,k)")


def gibbs_duhem_residual(model: ExcessModel, T: ArrayLike, x: ArrayLike) -> Float[Array, "*batch n-1"]:
    """sum_i x_i d(ln gamma_i)/dx_j at constant T and P: zero for every model, up to rounding."""
    return _batch(_gibbs_duhem, model, T, x, "(k)")


def stability(model: ExcessModel, T: ArrayLike, x: ArrayLike) -> Float[Array, "*batch"]:
    """The lowest eigenvalue of delta_ij + sqrt(x_i x_j) d2(g^E/RT)/dx_i dx_j across sqrt(x).

    That is the curvature of g_mix/(R T) in units of the ideal one: 1 in an ideal mixture, 0 on the spinodal, negative
    where the mixture is unstable; at n = 2 it is the thermodynamic factor.
    """
    return _batch(lowest_curvature, model, T, x)
