"""What all kinds of residuals have in common: model, target, standard deviation, and what happens to a failure.

r_i = [model_i(theta) - target_i] / sigma_i,    r_i = PENALTY where the model cannot be computed
"""

import abc

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from diffneq.thermo.calphad.assessment.equilibria import Context

PENALTY = 10.0  # standard deviations that a residual counts whose equilibrium could not be computed


class Residual(eqx.Module):
    """Data of one kind, one entry for each number compared; `dataset` is the place of its file in the list of data."""

    target: eqx.AbstractVar[Float[Array, "n"]]
    sigma: eqx.AbstractVar[Float[Array, "n"]]
    dataset: eqx.AbstractVar[Int[Array, "n"]]
    kind: eqx.AbstractVar[str]
    unit: eqx.AbstractVar[str]

    @abc.abstractmethod
    def model(self, context: Context) -> tuple[Float[Array, "n"], Bool[Array, "n"]]:
        """(what the database says, in the unit of the data; where it could not be computed)."""


def residual(part: Residual, context: Context) -> tuple[Float[Array, "n"], Bool[Array, "n"]]:
    """(r, failed)."""
    value, failed = part.model(context)
    failed = failed | ~jnp.isfinite(value)
    return jnp.where(failed, PENALTY, (jnp.where(failed, part.target, value) - part.target) / part.sigma), failed
