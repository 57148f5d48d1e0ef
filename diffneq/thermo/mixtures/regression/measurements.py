"""Measurements of mixtures, and how far a model is from them in standard deviations.

Arrays have one row a measurement; NaN stands for what was not measured and counts as no residual.
"""

import abc
from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Bool, Float

from diffneq.thermo.mixtures.checks import composition, positive
from diffneq.thermo.mixtures.grids import grid
from diffneq.thermo.mixtures.mixture import Mixture
from diffneq.thermo.mixtures.models.excess import GAS_CONSTANT, ExcessModel
from diffneq.thermo.mixtures.points import Given, solve, unpack
from diffneq.thermo.mixtures.properties import log_gamma


class Measurements(eqx.Module):
    """Some measurements of one kind."""

    @abc.abstractmethod
    def residuals(self, model: ExcessModel) -> Float[Array, "rows k"]:
        """(calculated - measured)/standard deviation; zero for what was not measured."""

    @abc.abstractmethod
    def measured(self) -> Bool[Array, "rows k"]:
        """Which of the residuals stand for a measurement."""


def _deviation(calculated, measured, error):
    """Zero, with a zero derivative, where nothing was measured."""
    known = jnp.isfinite(measured)
    return jnp.where(known, (calculated - jnp.where(known, measured, 0.0)) / error, 0.0)


class VapourLiquid(Measurements):
    """Bubble points: P (or T) and y at given T (or P) and x; made by `vapour_liquid`."""

    mixture: Mixture
    T: Float[Array, " rows"]
    P: Float[Array, " rows"]
    x: Float[Array, "rows n"]
    y: Float[Array, "rows n"]
    error: Float[Array, ""]
    error_y: Float[Array, ""]
    isothermal: bool = eqx.field(static=True)

    def states(self, model: ExcessModel) -> tuple[Array, Array]:
        """(ln P or T, y) of the bubble points with this model."""
        mixture = eqx.tree_at(lambda m: m.liquid, self.mixture, model)
        kind = Given(True, self.isothermal)
        points = grid(self.x.shape[1])

        def one(given, x):
            found, _, _ = solve(mixture, kind, given, x, points)
            T, P, _, y = unpack(kind, given, x, found.u)
            return (jnp.log(P) if self.isothermal else T), y

        return jax.vmap(one)(self.T if self.isothermal else self.P, self.x)

    def residuals(self, model: ExcessModel) -> Float[Array, "rows k"]:
        """ln P (relative error) or T (K), then y of all components but the last."""
        value, y = self.states(model)
        first = _deviation(value, jnp.log(self.P) if self.isothermal else self.T, self.error)
        return jnp.concatenate([first[:, None], _deviation(y, self.y, self.error_y)[:, :-1]], axis=1)

    def measured(self) -> Bool[Array, "rows k"]:
        """P or T always; y where it is a number."""
        return jnp.concatenate([jnp.ones((len(self.T), 1), bool), jnp.isfinite(self.y[:, :-1])], axis=1)


def vapour_liquid(
    mixture: Mixture, T: ArrayLike, P: ArrayLike, x: ArrayLike, y: ArrayLike | None = None,
    predict: Literal["P", "T"] = "P", error: float | None = None, error_y: float = 0.01,
) -> VapourLiquid:  # fmt: skip
    """Bubble points as measured.

    Arguments: `mixture`, whose vapour and vapour pressures are used (its liquid is not); T (K) and P (Pa), numbers or
    (rows,); x and y (rows, n), or (rows,) of the first component of a binary; `predict`, which of T and P the model is
    to give; `error`, its standard deviation, relative for P (default 0.01) and in K for T (default 0.2); `error_y`.

    Raises:
        ValueError: fractions that do not sum to one, or errors that are not positive.
    """
    n = len(mixture.names)
    x = composition(_whole(x, n), n)
    y = jnp.full(x.shape, jnp.nan) if y is None else _whole(y, n)
    if predict not in ("P", "T"):
        raise ValueError(f"predict must be 'P' or 'T', not {predict!r}.")
    isothermal = predict == "P"
    error = (0.01 if isothermal else 0.2) if error is None else error
    rows = lambda value, name: jnp.broadcast_to(positive(value, name), x.shape[:1])
    return VapourLiquid(
        mixture, rows(T, "T"), rows(P, "P"), x, y, positive(error, "error"), positive(error_y, "error_y"), isothermal
    )


def _whole(x: ArrayLike, n: int) -> Array:
    """Fractions of all components, from those or from the first one of a binary."""
    x = jnp.asarray(x, float)
    return jnp.stack([x, 1.0 - x], axis=-1) if n == 2 and x.ndim == 1 else x


class Activities(Measurements):
    """Activity coefficients gamma (rows, n) at T (K) and x (rows, n), with a relative standard deviation."""

    T: Float[Array, " rows"]
    x: Float[Array, "rows n"]
    gamma: Float[Array, "rows n"]
    error: Float[Array, ""]

    def residuals(self, model: ExcessModel) -> Float[Array, "rows k"]:
        """Of ln gamma."""
        value = jax.vmap(lambda T, x: log_gamma(model, T, x))(self.T, self.x)
        return _deviation(value, jnp.log(self.gamma), self.error)

    def measured(self) -> Bool[Array, "rows k"]:
        """Where gamma is a number."""
        return jnp.isfinite(self.gamma)


class Enthalpies(Measurements):
    """Excess enthalpies h (rows,) in J/mol at T (K) and x (rows, n), with a standard deviation in J/mol."""

    T: Float[Array, " rows"]
    x: Float[Array, "rows n"]
    h: Float[Array, " rows"]
    error: Float[Array, ""]

    def residuals(self, model: ExcessModel) -> Float[Array, "rows k"]:
        """Of h^E."""
        value = jax.vmap(lambda T, x: -GAS_CONSTANT * T**2 * jax.grad(model.reduced)(T, x))(self.T, self.x)
        return _deviation(value, self.h, self.error)[:, None]

    def measured(self) -> Bool[Array, "rows k"]:
        """Where h is a number."""
        return jnp.isfinite(self.h)[:, None]


class TieLines(Measurements):
    """Two liquids in equilibrium: T (K), x of both (rows, n), and a standard deviation of ln(x_i gamma_i).

    The residuals ask for equal activities at the measured compositions: smooth far from the solution too, where a
    model may know no gap at all.
    """

    T: Float[Array, " rows"]
    first: Float[Array, "rows n"]
    second: Float[Array, "rows n"]
    error: Float[Array, ""]

    def residuals(self, model: ExcessModel) -> Float[Array, "rows k"]:
        """ln a'_i - ln a''_i of all components."""
        activity = jax.vmap(lambda T, x: jnp.log(x) + log_gamma(model, T, x))
        return (activity(self.T, self.first) - activity(self.T, self.second)) / self.error

    def measured(self) -> Bool[Array, "rows k"]:
        """All."""
        return jnp.ones(self.first.shape, bool)
