"""`Fit`: what was found, how well it is known, and what should be said about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from diffneq.inference.parameters import Parameters
from diffneq.inference.search import CONVERGED, Minimum
from diffneq.statistics import Estimate

_FEW_BLOCKS = 16
_DEGENERATE = 1e-7  # eigenvalue of the Hessian scaled to ones on its diagonal


@dataclass(frozen=True)
class Fit:
    """A fitted model.

    Arguments: `model` with the fitted parameters; `parameters`, name -> Estimate; `covariance` (P, P) behind their
    errors; `log_likelihood`, the sum, and `block_log_likelihood` (B,), where there is a likelihood, else -chi^2/2;
    `converged`; `method`; `warnings`; `diagnostics`: "hessian_errors" and "block_errors" (P,), "decrement", "steps".

    `fit["temperature"]` is a parameter.
    """

    model: Any
    parameters: dict[str, Estimate]
    covariance: np.ndarray
    log_likelihood: float
    block_log_likelihood: np.ndarray
    converged: bool
    method: str
    warnings: tuple[str, ...] = ()
    diagnostics: Mapping[str, Any] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Estimate:
        if name not in self.parameters:
            raise ValueError(f"no parameter {name!r} was fitted: there are {', '.join(self.parameters)}.")
        return self.parameters[name]

    @property
    def correlations(self) -> np.ndarray:
        """(P, P), ones on the diagonal."""
        scale = np.sqrt(np.diag(self.covariance))
        return self.covariance / np.outer(scale, scale)

    def table(self) -> str:
        """The parameters in lines for people."""
        lines = [f"{type(self.model).__name__} by {self.method}"]
        lines += [f"  {name:28s} {estimate}" for name, estimate in self.parameters.items()]
        lines += [f"  log likelihood {self.log_likelihood:.4f}"]
        return "\n".join([*lines, *(f"  warning: {text}" for text in self.warnings)])

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "model": type(self.model).__name__,
            "convention": self.model.convention,
            "method": self.method,
            "parameters": {name: estimate.to_dict() for name, estimate in self.parameters.items()},
            "covariance": self.covariance.tolist(),
            "log_likelihood": self.log_likelihood,
            "converged": self.converged,
            "warnings": list(self.warnings),
        }


def collected(
    model, chosen: Parameters, found: Minimum, method: str, units: Mapping[str, str], notes=(), **more: Any
) -> Fit:
    """The minimum as a `Fit` of `model` (whose precision it takes), with errors and warnings."""
    z, hessian, scores = (np.asarray(part, np.float64) for part in (found.z, found.hessian, found.scores))
    values = np.asarray(chosen.physical(found.z), np.float64)
    slope = np.where(chosen.logarithmic, values, 1.0)  # d value/dz
    inverse, open_, unknown = _inverse(hessian, chosen.names)
    blocks = len(scores)
    outer = inverse @ (scores.T @ scores * blocks / max(blocks - 1, 1)) @ inverse
    by_hessian, by_blocks = (np.outer(slope, slope) * part for part in (inverse, outer))
    for part in (by_hessian, by_blocks):
        part[open_, open_] = np.inf
    covariance = by_blocks if blocks >= _FEW_BLOCKS else by_hessian
    converged = bool(found.decrement >= 0) and bool(found.decrement < CONVERGED)
    warnings = [*notes, *unknown]
    if not converged:
        warnings.append(f"the search did not converge in {int(found.steps)} steps: start nearer, or fit less")
    errors = [np.sqrt(np.maximum(np.diag(part), 0)) for part in (by_hessian, by_blocks)]
    warnings += _doubts(chosen, values, errors, blocks)
    diagnostics = {"hessian_errors": errors[0], "block_errors": errors[1], "blocks": blocks, "z": z,
                   "decrement": float(found.decrement), "steps": int(found.steps), **more}  # fmt: skip
    dof = {"dof": blocks - 1.0} if blocks >= _FEW_BLOCKS else {}
    source = "sandwich of blocks" if blocks >= _FEW_BLOCKS else "Hessian"
    estimates = {}
    for i, name in enumerate(chosen.names):
        error = float(np.sqrt(max(covariance[i, i], 0.0)))
        mine = tuple(text for text in warnings if name in text or "converge" in text)
        detail = {**dof, "hessian_error": float(errors[0][i]), "block_error": float(errors[1][i])}
        estimates[name] = Estimate(values[i], error, units.get(name, ""), name, f"{method}; {source}", mine, detail)
    likelihoods = -np.asarray(found.values, np.float64)
    final = _like(chosen.put(found.z), model)
    total = float(likelihoods.sum())
    return Fit(final, estimates, covariance, total, likelihoods, converged, method, tuple(warnings), diagnostics)


def _inverse(hessian: np.ndarray, names: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """H^-1 on what the data determine, which parameters (P,) they leave open, and a sentence for each direction."""
    scale = np.sqrt(np.abs(np.diag(hessian)))
    scale = np.where(scale > 0, scale, 1.0)
    values, vectors = np.linalg.eigh(hessian / np.outer(scale, scale))
    lost = values < _DEGENERATE * max(values.max(), 1e-300)
    part = (np.abs(vectors) > 0.2 * np.abs(vectors).max(0)) & lost
    sentences = []
    for column in part[:, lost].T:
        named = [name for name, here in zip(names, column, strict=True) if here]
        what = named[0] if len(named) == 1 else "a combination of " + ", ".join(named)
        sentences.append(f"not identified: the data do not determine {what}")
    kept = vectors[:, ~lost] / np.sqrt(values[~lost])
    return kept @ kept.T / np.outer(scale, scale), part.any(1), sentences


def _doubts(chosen: Parameters, values: np.ndarray, errors: list[np.ndarray], blocks: int) -> list[str]:
    """Parameters that lean on their bound, and errors that do not agree."""
    out = []
    for i, name in enumerate(chosen.names):
        if chosen.logarithmic[i] and np.isfinite(errors[0][i]) and not errors[0][i] < abs(values[i]):
            out.append(f"{name} is at its bound: it cannot be told from zero")
    if blocks >= _FEW_BLOCKS:
        known = (errors[0] > 0) & np.isfinite(errors[0])
        ratio = np.where(known, errors[1], 1.0) / np.where(known, errors[0], 1.0)
        # the variance of blocks is known to sqrt(2/(blocks - 1)); four of those is not chance
        room = 4 * np.sqrt(2 / (blocks - 1))
        for i in np.flatnonzero(np.abs(ratio**2 - 1) > max(room, 1.0)):
            out.append(f"{chosen.names[i]}: the error by blocks is {ratio[i]:.2g} times that of the Hessian, so the "
                       f"model does not describe the record")  # fmt: skip
    return out


def _like(fitted, model):
    """The fitted model with the precision of the given one."""
    cast = lambda new, old: jnp.asarray(new, old.dtype) if eqx.is_inexact_array(old) else new
    return jax.tree.map(cast, fitted, model)
