"""Long-time matching: the parameters with which a model has the long-time properties that were measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from diffneq.inference.long_time.basis import Basis, basis
from diffneq.inference.long_time.displacement import LongTime
from diffneq.inference.long_time.generator import (
    langevin_cumulant_rates,
    scaled_cumulant_generating_function,
    stationary_moments,
)
from diffneq.inference.models import Langevin
from diffneq.inference.parameters import in_double, parameters
from diffneq.inference.result import Fit, collected
from diffneq.inference.search import least_squares
from diffneq.statistics.distributions import chi_squared_tail


class LongTimeOf(eqx.Module):
    """model -> its long-time properties (n,), in the order of the targets."""

    made: Basis
    fields: Array
    targets: tuple[int | str, ...] = eqx.field(static=True)

    def __call__(self, model: Langevin) -> Array:
        if self.fields.size:
            return scaled_cumulant_generating_function(model, self.made, self.fields)
        orders = [target for target in self.targets if isinstance(target, int)]
        rates = langevin_cumulant_rates(model, self.made, max(orders)) if orders else jnp.zeros(0)
        values = [rates[n - 1] for n in orders]
        if "variance" in self.targets:
            values.append(stationary_moments(model, self.made)[1])
        return jnp.stack(values)


class Distance(eqx.Module):
    """W (m(model) - m), with W^T W = C^-1: what is to be small, in standard errors."""

    predict: eqx.Module
    measured: Array
    whitening: Array

    def __call__(self, model) -> Array:
        return self.whitening @ (self.predict(model) - self.measured)


def match(
    model: Langevin,
    measured: LongTime,
    *,
    targets: Sequence[int | str] | None = None,
    free: Sequence[str] | None = None,
    size: int = 24,
    window: tuple[float, float] | None = None,
    units: Mapping[str, str] | None = None,
) -> Fit:
    """min over parameters of (m(model) - m)^T C^-1 (m(model) - m): cumulant rates of the displacement, or theta(s).

    The model's side is exact, from its tilted generator and differentiated automatically; the search is
    Levenberg-Marquardt's in double precision. A fit of short times is asked for the next velocity, this one for the
    displacements that it leads to. That differs where the motion is no Langevin equation at short times: a piston
    under discrete collisions has a third Kramers-Moyal moment that no Gaussian noise has, and its short-time fit
    makes kappa_3 twice too large.

    Arguments:
        model: of one variable, the velocity; its numbers are the start.
        measured: from `displacement_cumulants` or `measured_generating_function`.
        targets: which of its entries, default all.
        free, units: as in `fit`.
        size, window: of the `basis` made for the start; a second search is made with the basis of what was found.

    Errors: (J^T C^-1 J)^-1, with C of the measured numbers by blocks. `log_likelihood` is -chi^2/2; "chi2", "dof",
    "p_value" are in the diagnostics.

    Raises:
        ValueError: for fewer targets than parameters, unknown names, a covariance that is not positive.

    Source: A. Seya, T. Aoyagi, M. Itami, Y. Nakayama, N. Nakagawa, arXiv:1904.07033, for the idea.

    >>> from diffneq.inference import ItoPolynomialFriction
    >>> rates = LongTime(np.array([2.0]), np.array([[1e-4]]), (2,), 1.0, 63.0, ("x^2/t",))    # 2 T/gamma_0 = 2.00(1)
    >>> print(match(ItoPolynomialFriction(1.5, 1.0), rates, free=("friction",))["friction[0]"])
    1.0000(51)
    """
    chosen = list(measured.targets) if targets is None else list(targets)
    missing = [target for target in chosen if target not in measured.targets]
    if missing:
        raise ValueError(f"{missing[0]!r} was not measured: there are {', '.join(map(str, measured.targets))}.")
    at = [measured.targets.index(target) for target in chosen]
    whitening = _whitening(measured.covariance[np.ix_(at, at)], measured.dof)
    with jax.enable_x64(True):
        doubled = in_double(model)
        unknowns = parameters(doubled, free)
        if len(chosen) < len(unknowns.names):
            raise ValueError(f"{len(unknowns.names)} parameters ({', '.join(unknowns.names)}) cannot be found from "
                             f"{len(chosen)} numbers: measure more, or name fewer in free=...")  # fmt: skip
        fields = jnp.asarray([measured.fields[i] for i in at] if measured.fields else [], jnp.float64)
        for _ in range(2):
            predict = LongTimeOf(basis(doubled, size, window), fields, tuple(chosen))
            objective = Distance(predict, jnp.asarray(measured.values[at]), jnp.asarray(whitening))
            found = least_squares(objective, unknowns, unknowns.at(doubled))
            doubled = unknowns.put(jnp.asarray(found.z))
        chi2, dof = 2 * float(found.values.sum()), len(chosen) - len(unknowns.names)
        p_value = chi_squared_tail(chi2, dof) if dof else 1.0
        predicted = np.asarray(predict(doubled))
        more = {"chi2": chi2, "dof": dof, "p_value": p_value, "targets": tuple(chosen), "predicted": predicted,
                "measured": measured.values[at]}  # fmt: skip
        notes = (*measured.warnings, *((f"the model cannot have these long-time properties: p = {p_value:.1g}",)
                                       if p_value < 1e-3 else ()))  # fmt: skip
        return collected(model, unknowns, found, "long-time matching", units or {}, notes, **more)


def _whitening(covariance: np.ndarray, dof: float) -> np.ndarray:
    """W with W^T W = C^-1; the inverse of a measured C is shrunk as Hotelling's statistic asks."""
    size = len(covariance)
    scale = np.sqrt(np.diag(covariance))
    if not (np.all(np.isfinite(covariance)) and np.all(scale > 0)) or dof <= size + 1:
        raise ValueError(
            f"the covariance of {size} measured numbers must be positive: take more than {size + 2} blocks."
        )
    inverse = np.linalg.inv(covariance / np.outer(scale, scale)) * (dof - size - 1) / dof
    return np.linalg.cholesky(inverse).T / scale
