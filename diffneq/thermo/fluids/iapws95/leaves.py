"""The numbers of IAPWS-95 that may be differentiated, as one record."""

from typing import NamedTuple

from jaxtyping import Array, Float


class Leaves(NamedTuple):
    """Coefficients in the order of the release; exponents c, d, t, a, beta are structure and not among them."""

    ideal: tuple[Array, Array, Array]  # of 1, tau, ln tau
    bath: tuple[Float[Array, "5"], Float[Array, "5"]]  # n, gamma
    power: Float[Array, "51"]  # n
    gaussian: tuple[Float[Array, "3"], ...]  # n, alpha, beta, gamma, epsilon
    nonanalytic: tuple[Float[Array, "2"], ...]  # b, n, C, D
    distance: tuple[Array, Array]  # A, B
