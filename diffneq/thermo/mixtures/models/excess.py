"""What a model of a liquid mixture is: one excess Gibbs energy."""

import abc

import equinox as eqx
from jaxtyping import Array, Float

GAS_CONSTANT = 8.314462618  # J/(mol K), CODATA 2018


class ExcessModel(eqx.Module):
    """g^E(T, x)/(R T) of a liquid mixture, relative to the pure liquids at the same T and P; all else follows from it.

    A member implements `reduced` for one state. Off the plane sum x = 1 any smooth continuation will do, for what is
    derived from it never leaves the plane. It is smooth at x_i = 0, so that limits at infinite dilution are exact.
    """

    @abc.abstractmethod
    def reduced(self, T: Float[Array, ""], x: Float[Array, " n"]) -> Float[Array, ""]:
        """g^E/(R T) at T (K) and mole fractions x."""

    @property
    @abc.abstractmethod
    def size(self) -> int | None:
        """The number of components; None for a model of any number."""
