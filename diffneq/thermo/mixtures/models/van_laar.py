"""Energies of volumes that touch: van Laar, and Scatchard and Hildebrand's regular solutions."""

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from diffneq._parameters import check_positive, float_leaf
from diffneq.thermo.mixtures.models.excess import GAS_CONSTANT, ExcessModel
from diffneq.thermo.mixtures.models.laws import TemperatureLaw, check_square, law


class VanLaar(ExcessModel):
    """g^E/(R T) = (sum_k b_k x_k) sum_{i<j} z_i z_j a_ij(T), z_i = b_i x_i / sum_k b_k x_k.

    `volumes` b (n,) and the symmetric `interaction` a (n, n), of which the part above the diagonal is read; only
    products b a have a meaning. Made by `van_laar` and `scatchard_hildebrand`. Source: J. J. van Laar, Z. Phys. Chem.
    72 (1910) 723, in the form for many components of K. Wohl, Trans. AIChE 42 (1946) 215.
    """

    volumes: Float[Array, " n"]
    interaction: TemperatureLaw

    def reduced(self, T: Float[Array, ""], x: Float[Array, " n"]) -> Float[Array, ""]:
        """g^E/(R T)."""
        parts = self.volumes * x
        return parts @ jnp.triu(self.interaction(T), 1) @ parts / jnp.sum(parts)

    @property
    def size(self) -> int:
        """One volume a component."""
        return self.volumes.shape[0]


def van_laar(A12: ArrayLike, A21: ArrayLike) -> VanLaar:
    """g^E/(R T) = A_12 A_21 x_1 x_2/(A_12 x_1 + A_21 x_2); ln gamma_1 at infinite dilution is A_12.

    Raises ValueError unless both have one sign (else g^E has a pole).

    >>> round(float(van_laar(1.0, 2.0).reduced(300.0, jnp.array([0.5, 0.5]))), 6)
    0.333333
    """
    A12, A21 = float_leaf(A12), float_leaf(A21)
    check_positive("van_laar, A12 and A21 of one sign", product=A12 * A21)
    one = jnp.ones_like(A12)
    # b = (1, A21/A12) and a_12 = A12 are the same law, with leaves that are positive where both are negative
    return VanLaar(jnp.stack([one, A21 / A12]), law(A12 * jnp.array([[0.0, 1.0], [1.0, 0.0]])))


def scatchard_hildebrand(volumes: ArrayLike, solubility: ArrayLike) -> VanLaar:
    """g^E = (sum x V) sum_{i<j} phi_i phi_j (d_i - d_j)^2, phi the volume fractions.

    Arguments: `volumes` V (n,) in m^3/mol and `solubility` parameters d (n,) in Pa^(1/2). Source: G. Scatchard, Chem.
    Rev. 8 (1931) 321; J. H. Hildebrand, R. L. Scott, The Solubility of Nonelectrolytes (Reinhold 1950).
    """
    volumes, solubility = float_leaf(volumes), float_leaf(solubility)
    check_positive("scatchard_hildebrand", volumes=volumes)
    square = (solubility[:, None] - solubility[None, :]) ** 2
    model = VanLaar(volumes, law(b=square / GAS_CONSTANT))
    check_square("scatchard_hildebrand", "solubility", model.interaction, volumes.shape[0])
    return model
