"""Legendre transforms between potentials, phi*(y) = phi(x) - s x y with y = s dphi/dx.

s = 1 for x = S and P, -1 for T and V; both variables are exchanged together where both change. The equations for x are
solved by Newton's method and differentiated implicitly, so
a transformed potential has derivatives of any order, and may be transformed back. It exists where phi is convex in S
and V, and concave in T and P; elsewhere, as between the spinodals of a fluid, the value is that of a stationary point
and `convexity` tells.
"""

from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Bool, Float

from diffneq.thermo.potentials.implicit import rooted_system
from diffneq.thermo.potentials.relation import CONJUGATE, NATURAL, Kind, Potential

_STEPS, _DONE, _ENOUGH = 80, 1e-15, 1e-10
_LOGARITHMIC = ("T", "V")  # positive: Newton's method in their logarithm
_LONGEST = 0.3  # step of a logarithm


class Convexity(NamedTuple):
    """Is the equilibrium stable? All three hold at a stable state."""

    thermal: Bool[Array, ""]  # C at the other variable fixed is positive
    mechanical: Bool[Array, ""]  # the compressibility is positive
    joint: Bool[Array, ""]  # the determinant of both together has its sign

    @property
    def stable(self) -> Array:
        """All of them."""
        return self.thermal & self.mechanical & self.joint


def convexity(potential: Potential, x: ArrayLike, y: ArrayLike, N: ArrayLike = 1.0) -> Convexity:
    """U_SS > 0, U_VV > 0, U_SS U_VV > U_SV^2, in the form that they take for the potential's own variables.

    >>> with jax.enable_x64(True):
    ...     bool(convexity(Potential(lambda S, V, N: jnp.exp(S / N) * N * (N / V) ** 0.6, "U"), 1.0, 1.0).stable)
    True
    """
    x, y, N = (jnp.asarray(z, float) for z in (x, y, N))
    (xx, xy), (_, yy) = jax.hessian(potential, (0, 1))(x, y, N)
    sign = lambda name: 1.0 if name in ("S", "V") else -1.0
    a, b = (sign(name) for name in potential.natural)
    # Of mixed kinds (F, H) the Hessian is indefinite at a stable state, and its determinant negative whatever xy is.
    joint = xx * yy - xy * xy > 0.0 if a == b else xx * yy < 0.0
    return Convexity(a * xx > 0.0, b * yy > 0.0, joint)


def legendre(potential: Potential, kind: Kind, S: float = 0.0, T: float = 300.0, V: float = 1.0, P: float = 1e5):
    """The potential of another kind, as a `Potential`.

    Arguments: `potential`; `kind`, "U", "F", "G" or "H"; `S`, `T`, `V`, `P`, where the search for the old variables
    starts (per unit of amount, for S and V): anywhere on the convex piece that is wanted, so for a fluid below its
    critical point V chooses liquid or vapour. Where Newton's method finds no state the value is NaN. A potential that
    is a transform itself is transformed from its original.

    Raises ValueError: another kind.

    >>> F = Potential(lambda T, V, N: -N * 8.314 * T * (1.0 + jnp.log(V / N * T**1.5)), "F")
    >>> with jax.enable_x64(True):
    ...     G = legendre(F, "G", V=0.02)
    ...     print(jax.grad(G, 1)(300.0, 1e5).round(6))  # V = R T/P
    0.024942
    """
    if kind not in NATURAL:
        raise ValueError(f"A potential is one of {', '.join(NATURAL)}; got {kind!r}.")
    if isinstance(potential.function, Transformed):
        potential = potential.function.original
    starts = {"S": S, "T": T, "V": V, "P": P}
    places = tuple(k for k in (0, 1) if potential.natural[k] != NATURAL[kind][k])
    if not places:
        return potential
    start = jnp.asarray([starts[potential.natural[k]] for k in places], float)
    return Potential(Transformed(potential, start, places), kind)


class Transformed(eqx.Module):
    """phi - sum s x y with the old variables x solved for: the function of a transformed potential."""

    original: Potential
    start: Float[Array, " exchanged"]
    places: tuple[int, ...] = eqx.field(static=True)  # of the variables that are exchanged

    def __call__(self, x: Array, y: Array, N: Array) -> Array:
        """The transform at one state."""
        names = tuple(self.original.natural[k] for k in self.places)
        signs = jnp.asarray([CONJUGATE[name][1] for name in names])
        given = jnp.stack([(x, y)[k] for k in self.places])
        start = jnp.stack([z * (N if name in ("S", "V") else 1.0) for z, name in zip(self.start, names, strict=True)])
        phi = _of_exchanged(self.original, self.places, (x, y), N)
        # The search sees constants: nothing differentiates its loop.
        constant = lambda a: jax.lax.stop_gradient(a) if eqx.is_array(a) else a
        frozen, there, amount, target, start = jax.tree.map(constant, (self.original, (x, y), N, given, start))
        search = _of_exchanged(frozen, self.places, there, amount)
        found, converged = _solve(search, signs, target, start, names)
        z = rooted_system(lambda z: signs * jax.grad(phi)(z) - given, found)
        return jnp.where(converged, phi(z) - jnp.sum(signs * z * given), jnp.nan)


def _of_exchanged(potential: Potential, places: tuple[int, ...], others: tuple[Array, Array], N: Array) -> Callable:
    """phi as a function of the variables at `places`, stacked."""

    def phi(z: Float[Array, " exchanged"]) -> Array:
        variables = list(others)
        for k, place in enumerate(places):
            variables[place] = z[k]
        return potential(*variables, N)

    return phi


def _solve(phi: Callable, signs: Array, target: Array, start: Array, names: tuple[str, ...]) -> tuple[Array, Array]:
    """(z, converged) with signs * phi'(z) = target."""
    logarithmic = jnp.asarray([name in _LOGARITHMIC for name in names])
    # T(S) and V(P) are closer to straight lines in their logarithms.
    positive_partner = jnp.asarray([name in ("S", "P") for name in names])

    def body(carry):
        count, z, _ = carry
        value, matrix = signs * jax.grad(phi)(z), signs[:, None] * jax.hessian(phi)(z)
        positive = positive_partner & (value > 0.0) & (target > 0.0)
        ratio = jnp.where(positive, target / jnp.where(value == 0.0, 1.0, value), 1.0)
        step = jnp.linalg.solve(matrix, jnp.where(positive, value * jnp.log(ratio), target - value))
        relative = jnp.where(logarithmic, step / z, 0.0)
        shorter = jnp.minimum(1.0, _LONGEST / jnp.maximum(jnp.max(jnp.abs(relative)), 1e-300))
        new = jnp.where(logarithmic, z * jnp.exp(shorter * relative), z + shorter * step)
        return count + 1, new, jnp.max(jnp.abs(new - z) / (jnp.abs(new) + 1e-300))

    going = lambda carry: (carry[0] < _STEPS) & (carry[2] > _DONE)
    _, z, change = jax.lax.while_loop(going, body, (0, start + 0.0 * target, jnp.asarray(jnp.inf)))
    return z, change < _ENOUGH
