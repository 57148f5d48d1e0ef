"""What every pair law is, and what can be asked of any of them."""

import abc
from typing import Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from diffneq._parameters import check_finite, check_positive, concrete, float_leaf


class AbstractPairLaw(eqx.Module):
    """u(r), the energy of one pair at distance r.

    To write another law: a final `equinox.Module` with `energy(r)`, smooth for r > 0 below the cutoff and
    zero from there on, and `cutoff()`. A method `energy_of_squared(s)` is worth adding only where it is
    quicker than energy(sqrt(s)).
    """

    @abc.abstractmethod
    def energy(self, r: ArrayLike) -> Array:
        """u(r) [energy] at distance r [L]; scalar parameters, r of any shape."""

    @abc.abstractmethod
    def cutoff(self) -> Array:
        """The distance [L] from which on u = 0, shaped like the parameters."""

    def for_pair(self, a: int, b: int) -> Self:
        """The law between species a and b: each (S, S) table replaced by its entry [a, b]."""
        return jax.tree.map(lambda leaf: leaf[..., a, b] if leaf.ndim >= 2 else leaf, self)


def energy_of_squared(law: AbstractPairLaw, s: ArrayLike) -> Array:
    """u(sqrt(s)), s = r^2 [L^2]; without the square root for LJ, WCA and soft spheres of even exponent.

    >>> from diffneq.particles.pair_laws import WCA
    >>> law = WCA(epsilon=1.0, sigma=1.0)
    >>> float(energy_of_squared(law, 1.0)), float(law.energy(1.0))
    (1.0, 1.0)
    """
    quick = getattr(law, "energy_of_squared", None)
    s = float_leaf(s)
    return law.energy(jnp.sqrt(s)) if quick is None else quick(s)


def pair_force(law: AbstractPairLaw, r: ArrayLike) -> Array:
    """f(r) = -du/dr [energy/L] at distance r [L], positive where the pair repels; r of any shape.

    >>> from diffneq.particles.pair_laws import WCA
    >>> float(pair_force(WCA(epsilon=1.0, sigma=1.0), 1.0))
    24.0
    """
    r = float_leaf(r)
    _, slope = jax.jvp(law.energy, (r,), (jnp.ones_like(r),))
    return -slope


def mix(epsilon: ArrayLike, sigma: ArrayLike) -> tuple[Array, Array]:
    """eps_ab = sqrt(eps_a eps_b), sigma_ab = (sigma_a + sigma_b)/2: Lorentz's and Berthelot's rules.

    Arguments: `epsilon` (S,) [energy] >= 0 and `sigma` (S,) [L] > 0, one for each species. Returns the two
    (S, S) tables. Raises ValueError for other shapes and signs.

    Sources: H. A. Lorentz, Ann. Phys. 248, 127 (1881); D. Berthelot, C. R. Acad. Sci. 126, 1703 (1898).

    >>> epsilon, sigma = mix(epsilon=[1.0, 4.0], sigma=[1.0, 2.0])
    >>> epsilon.tolist(), sigma.tolist()
    ([[1.0, 2.0], [2.0, 4.0]], [[1.0, 1.5], [1.5, 2.0]])
    """
    epsilon, sigma = float_leaf(epsilon), float_leaf(sigma)
    if epsilon.ndim != 1 or epsilon.shape != sigma.shape:
        raise ValueError(
            f"mix: epsilon and sigma must be (S,), one entry a species, got {epsilon.shape}, {sigma.shape}."
        )
    check_finite("mix", epsilon=epsilon, sigma=sigma)
    check_positive("mix", zero=True, epsilon=epsilon)
    check_positive("mix", sigma=sigma)
    product = epsilon[:, None] * epsilon[None, :]
    # a square root at zero has an infinite derivative: species that do not interact keep a derivative of zero
    root = jnp.where(product > 0, jnp.sqrt(jnp.where(product > 0, product, 1.0)), 0.0)
    return root, 0.5 * (sigma[:, None] + sigma[None, :])


def check_tables(owner: str, positive: tuple[str, ...], signed: tuple[str, ...] = (), **parameters: Array) -> None:
    """The tables must be finite, square, symmetric, of one size; > 0 if in `positive`, >= 0 unless in `signed`."""
    check_finite(owner, **parameters)
    sizes = set()
    for name, value in parameters.items():
        numbers = concrete(value)
        if value.ndim > 3 or (value.ndim >= 2 and value.shape[-1] != value.shape[-2]):
            raise ValueError(f"{owner}: {name} must be a scalar or an (S, S) table, got shape {tuple(value.shape)}.")
        if value.ndim >= 2:
            sizes.add(value.shape[-1])
            if numbers is not None and not np.array_equal(numbers, np.swapaxes(numbers, -1, -2)):
                raise ValueError(f"{owner}: the table {name} must be symmetric, {name}[a, b] = {name}[b, a].")
        if name not in signed:
            check_positive(owner, zero=name not in positive, **{name: value})
    if len(sizes) > 1:
        raise ValueError(f"{owner}: the tables must be over the same species, got sizes {sorted(sizes)}.")


@jax.custom_jvp
def inverse(x: Array) -> Array:
    """1/x, whose derivative -(1/x)^2 reuses the quotient: JAX's own rule divides a second time."""
    return 1.0 / x


@inverse.defjvp
def _inverse_jvp(primals, tangents):
    quotient = inverse(primals[0])
    return quotient, -(quotient * quotient) * tangents[0]


@jax.custom_jvp
def five_halves(x: Array) -> Array:
    """x^(5/2), with two derivatives that need no division (pow is slow, and divides zero by zero)."""
    return x * x * jnp.sqrt(x)


@five_halves.defjvp
def _five_halves_jvp(primals, tangents):
    return five_halves(primals[0]), 2.5 * _three_halves(primals[0]) * tangents[0]


@jax.custom_jvp
def _three_halves(x: Array) -> Array:
    return x * jnp.sqrt(x)


@_three_halves.defjvp
def _three_halves_jvp(primals, tangents):
    return _three_halves(primals[0]), 1.5 * jnp.sqrt(primals[0]) * tangents[0]
