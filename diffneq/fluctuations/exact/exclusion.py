"""The symmetric simple exclusion process between two reservoirs."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import Array

from diffneq._parameters import check_finite, check_positive, float_leaf
from diffneq.fluctuations.exact.jump_network import JumpNetwork
from diffneq.large_deviations import leading_eigenvalue

_SITES = 10  # beyond it the dense generator, 2^L by 2^L, is no longer small


class ExclusionProcess(eqx.Module):
    """L sites, at most one particle each, hopping at rate 1 to an empty neighbour; a reservoir of density rho fills its
    end site at rate rho and empties it at rate 1 - rho.

    J = (rho_a - rho_b)/(L + 1). The generating function of the particles from left to right depends on s and both
    densities through w = rho_a (e^s - 1) + rho_b (e^{-s} - 1) + rho_a rho_b (e^s - 1)(e^{-s} - 1) alone,
    theta(s) = w/(L + 1) - (2L + 1) w^2/[6 (L + 1)^2] + O(w^3), so that
    Var rate = (rho_a + rho_b - 2 rho_a rho_b)/(L + 1) - (2L + 1)(rho_a - rho_b)^2/[3 (L + 1)^2], and
    (L + 1) theta -> asinh^2 sqrt(w) for large L.

    Arguments:
        sites: L, from 1 to 10.
        left_density, right_density: rho_a, rho_b, between 0 and 1.

    Raises:
        ValueError: for other numbers of sites or densities.

    Source: B. Derrida, B. Doucot, P.-E. Roche, J. Stat. Phys. 115, 717 (2004).

    >>> row = ExclusionProcess(sites=3, left_density=1.0, right_density=0.0)
    >>> print(row.current(), row.variance_rate().round(6))
    0.25 0.104167
    """

    sites: int = eqx.field(static=True)
    left_density: Array = eqx.field(converter=float_leaf)
    right_density: Array = eqx.field(converter=float_leaf)

    def __check_init__(self):
        if not 1 <= self.sites <= _SITES:
            raise ValueError(f"ExclusionProcess: sites must lie between 1 and {_SITES}, got {self.sites}.")
        densities = {"left_density": self.left_density, "right_density": self.right_density}
        check_finite("ExclusionProcess", **densities)
        check_positive("ExclusionProcess", zero=True, **densities)
        empty = {name: 1 - density for name, density in densities.items()}
        check_positive("ExclusionProcess: 1 - density", zero=True, **empty)

    def current(self) -> Array:
        """<C>/t, particles from left to right [1/time]."""
        return (self.left_density - self.right_density) / (self.sites + 1)

    def variance_rate(self) -> Array:
        """Var C/t [1/time]."""
        a, b, size = self.left_density, self.right_density, self.sites + 1
        return (a + b - 2 * a * b) / size - (2 * size - 1) * (a - b) ** 2 / (3 * size**2)

    def fugacity(self, s) -> Array:
        """w, the one combination of s and the densities that matters."""
        a, b, up, down = self.left_density, self.right_density, jnp.expm1(s), jnp.expm1(-s)
        return a * up + b * down + a * b * up * down

    def long_chain_limit(self, s) -> Array:
        """asinh^2(sqrt w)/(L + 1), what theta(s) tends to for many sites, w >= 0 [1/time]."""
        return jnp.arcsinh(jnp.sqrt(self.fugacity(s))) ** 2 / (self.sites + 1)

    def network(self) -> JumpNetwork:
        """The process on its 2^L configurations; site k is bit k of the number of the state, site 0 at the left."""
        bulk, left, right = self._rates()
        return JumpNetwork(bulk + left + right)

    def left_weights(self) -> Array:
        """+1 for a particle that enters at the left, -1 for one that leaves there, (2^L, 2^L): for `jump_trajectories`.

        Raises ValueError for one site, where both reservoirs join the same two states.
        """
        if self.sites == 1:
            raise ValueError("ExclusionProcess: left_weights needs two sites or more, one site has both reservoirs.")
        fill, drain = _moves(self.sites)[1:3]
        return float_leaf(fill - drain)

    def scaled_cumulant_generating_function(self, s) -> Array:
        """theta(s) = lim ln<e^{sC}>/t of the particles C from left to right, from the exact generator [1/time]."""
        bulk, left, right = self._rates()
        fill, drain = (float_leaf(x) for x in _moves(self.sites)[1:3])
        tilted = bulk + right + left * (fill * jnp.exp(s) + drain * jnp.exp(-s))
        return leading_eigenvalue(tilted.T - jnp.diag(jnp.sum(bulk + left + right, axis=1)))

    def _rates(self) -> tuple[Array, Array, Array]:
        """Rates of moves in the bulk, at the left and at the right reservoir, each (2^L, 2^L)."""
        bulk, fill_left, drain_left, fill_right, drain_right = (float_leaf(x) for x in _moves(self.sites))
        left = self.left_density * fill_left + (1 - self.left_density) * drain_left
        right = self.right_density * fill_right + (1 - self.right_density) * drain_right
        return bulk, left, right


def _moves(sites: int) -> tuple[np.ndarray, ...]:
    """Which state leads to which, by what: a hop, the left site filled, drained, the right site filled, drained."""
    states = np.arange(2**sites)
    moves = [np.zeros((2**sites, 2**sites)) for _ in range(5)]
    for site in range(sites - 1):
        differ = ((states >> site) ^ (states >> (site + 1))) & 1 == 1
        moves[0][states[differ], states[differ] ^ (3 << site)] = 1.0
    for end, bit in ((1, 1), (3, 1 << (sites - 1))):
        empty = states[states & bit == 0]
        moves[end][empty, empty | bit] = 1.0
        moves[end + 1][empty | bit, empty] = 1.0
    return tuple(moves)
