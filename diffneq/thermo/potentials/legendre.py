"""Legendre transforms between potentials, phi*(y) = phi(x) - s x y with y = s dphi/dx.

s = 1 for x = S and P, -1 for T and V. The equation for x is solved by Newton's method and differentiated implicitly, so
a transformed potential has derivatives of any order, and may be transformed back. It exists where phi is convex in S
and V, and concave in T and P; elsewhere, as between the spinodals of a fluid, the value is that of a stationary point
and `convexity` tells.
"""

from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Bool

from diffneq.thermo.potentials.implicit import rooted
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
    critical point V chooses liquid or vapour. Where Newton's method finds no state the value is NaN.

    Raises ValueError: another kind.

    >>> F = Potential(lambda T, V, N: -N * 8.314 * T * (1.0 + jnp.log(V / N * T**1.5)), "F")
    >>> with jax.enable_x64(True):
    ...     G = legendre(F, "G", V=0.02)
    ...     print(jax.grad(G, 1)(300.0, 1e5).round(6))  # V = R T/P
    0.024942
    """
    if kind not in NATURAL:
        raise ValueError(f"A potential is one of {', '.join(NATURAL)}; got {kind!r}.")
    starts = {"S": S, "T": T, "V": V, "P": P}
    for place in (0, 1):
        old = potential.natural[place]
        if old != NATURAL[kind][place]:
            natural = tuple(NATURAL[kind][k] if k == place else potential.natural[k] for k in (0, 1))
            (between,) = (name for name, pair in NATURAL.items() if pair == natural)
            function = Transformed(potential, jnp.asarray(starts[old], float), place)
            potential = Potential(function, between)  # type: ignore[arg-type]
    return potential


class Transformed(eqx.Module):
    """phi - s x y with x solved for: the function of a transformed potential."""

    original: Potential
    start: Array
    place: int = eqx.field(static=True)  # of the variable that is exchanged

    def __call__(self, x: Array, y: Array, N: Array) -> Array:
        """The transform at one state."""
        given, other = (x, y) if self.place == 0 else (y, x)
        old = self.original.natural[self.place]
        sign = CONJUGATE[old][1]
        phi = _of_one(self.original, self.place, other, N)
        start = self.start * (N if old in ("S", "V") else 1.0)
        # The search sees constants: nothing differentiates its loop.
        constant = lambda x: jax.lax.stop_gradient(x) if eqx.is_array(x) else x
        frozen, there, amount, target, start = jax.tree.map(constant, (self.original, other, N, given, start))
        found, converged = _solve(_of_one(frozen, self.place, there, amount), sign, target, start, old)
        (z,) = rooted(lambda z: (sign * jax.grad(phi)(z[0]) - given,), (found,))
        return jnp.where(converged, phi(z) - sign * z * given, jnp.nan)


def _of_one(potential: Potential, place: int, other: Array, N: Array) -> Callable:
    """phi as a function of the variable at `place`."""
    return lambda z: potential(*((z, other) if place == 0 else (other, z)), N)


def _solve(phi: Callable, sign: float, target: Array, start: Array, name: str) -> tuple[Array, Array]:
    """(z, converged) with sign * phi'(z) = target."""
    logarithmic = name in _LOGARITHMIC

    def body(carry):
        count, z, _ = carry
        slope, curvature = jax.value_and_grad(jax.grad(phi))(z)
        value = sign * slope
        positive = (value > 0.0) & (target > 0.0) & (name in ("S", "P"))
        # T(S) and V(P) are closer to straight lines in their logarithms.
        safe = jnp.where(positive, target / jnp.where(value == 0.0, 1.0, value), 1.0)
        missing = jnp.where(positive, value * jnp.log(safe), target - value)
        step = missing / (sign * curvature)
        if logarithmic:
            new = z * jnp.exp(jnp.clip(step / z, -_LONGEST, _LONGEST))
        else:
            new = z + step
        return count + 1, new, jnp.abs(new - z) / (jnp.abs(new) + 1e-300)

    going = lambda carry: (carry[0] < _STEPS) & (carry[2] > _DONE)
    _, z, change = jax.lax.while_loop(going, body, (0, start + 0.0 * target, jnp.asarray(jnp.inf)))
    return z, change < _ENOUGH
