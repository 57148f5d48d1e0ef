"""The methods by name, and which of them suits a case."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from diffneq.response.derivatives.canonical import check_canonical
from diffneq.response.derivatives.coupled import coupled
from diffneq.response.derivatives.curve import ResponseCurve
from diffneq.response.derivatives.ensemble import Ensemble
from diffneq.response.derivatives.fluctuation_dissipation import fluctuation_dissipation
from diffneq.response.derivatives.likelihood_ratio import likelihood_ratio
from diffneq.response.derivatives.pathwise import adjoint, tangent
from diffneq.response.derivatives.reweighting import reweighting
from diffneq.response.derivatives.transient_subtraction import transient_subtraction
from diffneq.response.derivatives.transient_time_correlation import transient_time_correlation

METHODS: dict[str, Callable[..., ResponseCurve]] = {
    "fluctuation_dissipation": fluctuation_dissipation,
    "transient_time_correlation": transient_time_correlation,
    "coupled": coupled,
    "transient_subtraction": transient_subtraction,
    "likelihood_ratio": likelihood_ratio,
    "tangent": tangent,
    "adjoint": adjoint,
    "reweighting": reweighting,
}
PATHWISE = ("tangent", "adjoint")


def check_method(name: str) -> Callable[..., ResponseCurve]:
    """The method of this name.

    Raises:
        ValueError: for a name that is none.
    """
    if name not in METHODS:
        raise ValueError(f"method is 'auto' or one of {sorted(METHODS)}, got {name!r}.")
    return METHODS[name]


def choose(ensemble: Ensemble) -> str:
    """'fluctuation_dissipation' where it applies, then 'transient_time_correlation', else 'coupled'.

    In canonical equilibrium the fluctuations hold the response without any bias; a parameter of a pair law needs
    daughters. About a driven state only runs of the changed system are sound without noise on what is changed.
    """
    problem = ensemble.problem
    try:
        check_canonical(problem, ensemble)
    except ValueError:
        return "coupled"
    return "fluctuation_dissipation" if problem.parameter.startswith("drive") else "transient_time_correlation"


def horizon_of(curve: ResponseCurve) -> float:
    """Time up to which a curve is meant to be read [t]; inf for the sound methods."""
    return float(curve.diagnostics.get("horizon", np.inf))


def refusal(curve: ResponseCurve) -> str | None:
    """Why the end of the curve is not returned as a number, or None."""
    horizon = horizon_of(curve)
    if curve.time[-1] <= horizon:
        return None
    rate, error = curve.diagnostics["growth_rate"], curve.diagnostics["growth_rate_error"]
    return (
        f"The {curve.method} grows as exp({rate:.3g} t) (+- {error:.1g}): past t = {horizon:.3g} its mean over "
        f"trajectories is noise, and t = {curve.time[-1]:.3g} was asked. Use 'coupled', 'fluctuation_dissipation', "
        "'transient_time_correlation' or 'likelihood_ratio', or a shorter time."
    )
