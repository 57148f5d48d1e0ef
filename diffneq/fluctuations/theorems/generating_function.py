"""The scaled cumulant generating function of entropy production and its symmetry l -> 1 - l."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import jax.numpy as jnp
import numpy as np
from jax import Array

from diffneq._parameters import concrete
from diffneq.fluctuations.theorems.windows import as_records, windows_of
from diffneq.statistics import Estimate

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_GROUPS = 20
_FEWEST = 10  # effective windows


@dataclass(frozen=True)
class GeneratingFunction:
    """mu(l) = lim (1/tau) ln <e^(-l s_tau)> of entropy production, and whether mu(l) = mu(1 - l).

    `tilt` l (K,) in pairs l, 1 - l; `value`, `error` of mu (K,) [1/time]; `difference` mu(l) - mu(1 - l) for l < 1/2,
    Estimates whose errors know of the correlation; `slope` and `intercept` of mu(1 - l) against mu(l), 1 and 0 by the
    theorem; `warnings`.
    """

    tilt: np.ndarray
    value: np.ndarray
    error: np.ndarray
    difference: tuple[Estimate, ...]
    slope: Estimate
    intercept: Estimate
    warnings: tuple[str, ...]

    def figure(self) -> "Figure":
        """mu(l) with its mirror image."""
        from diffneq.plotting.theorems import generating_function

        return generating_function(self)


def generating_function(
    production, dt: float, window: int, tilts=(0.1, 0.2, 0.3, 0.4), *, unit: str = ""
) -> GeneratingFunction:
    """mu(l) = (1/tau) ln [<e^(-l s_2tau)>/<e^(-l s_tau)>], for l and 1 - l: the ends of the windows drop out.

    Arguments: `production` (T,) or (R, T) [k_B] per step; `dt` of a step [time]; `window` tau in steps, several times
    the memory, as the ends leave terms that decay with it; `tilts` l in [0, 1/2).
    Returns a GeneratingFunction, errors by jackknife over 20 groups of records, infinite where the averages rest on
    fewer than ten effective windows. Raises `ValueError` as `gallavotti_cohen`.
    Source: J. L. Lebowitz, H. Spohn, J. Stat. Phys. 95, 333 (1999).

    >>> steps = np.random.default_rng(0).normal(0.5, 1.0, (40, 1000))      # mu = l (l - 1)/2
    >>> found = generating_function(steps, 1.0, 2)
    >>> bool(np.max(np.abs(found.value - found.tilt * (found.tilt - 1) / 2) / found.error) < 4)
    True
    """
    half = np.asarray(sorted(tilts), float)
    if len(half) < 2 or half[0] < 0 or half[-1] >= 0.5 or len(np.unique(half)) < len(half):
        raise ValueError(f"generating_function: tilts must be two or more numbers in [0, 1/2), got {tilts}.")
    tilt = np.concatenate([half, 1 - half[::-1]])
    x = as_records("generating_function", production, 2 * int(window))
    short, long = (_averages(x, int(window) * n, tilt) for n in (1, 2))
    tau = window * float(dt)
    mu = np.log(long[0].sum(0) / short[0].sum(0)) / tau
    left = np.log((long[0].sum(0) - long[0]) / (short[0].sum(0) - short[0])) / tau
    mu = mu - (_GROUPS - 1) * (left.mean(0) - mu)  # the bias of order 1/n of a logarithm
    return _symmetry(tilt, mu, left, np.minimum(short[1], long[1]), unit)


def _averages(x: np.ndarray, length: int, tilt: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means of e^(-l s) in each group of records, (G, K), and the effective number of windows, (K,)."""
    groups, sums = np.arange(len(x)) % _GROUPS, windows_of(x, length)
    weight = np.exp(-tilt[:, None, None] * sums)
    effective = weight.sum((1, 2)) ** 2 / (weight**2).sum((1, 2))
    return np.stack([weight[:, groups == g].mean(2).sum(1) for g in range(_GROUPS)]), effective


def _symmetry(tilt, mu, left, effective, unit: str) -> GeneratingFunction:
    poor = effective < _FEWEST
    error = np.where(poor, np.inf, _jackknife(left))
    lost = zip(tilt[poor], effective[poor], strict=True)
    warnings = tuple(f"l = {l:.3g}: {n:.2g} effective windows, not resolved" for l, n in lost)
    inverse = f"1/{unit}" if unit else ""
    count = len(tilt) // 2
    low, high = np.arange(count), np.arange(len(tilt) - 1, count - 1, -1)
    spread = np.where(poor[low] | poor[high], np.inf, _jackknife(left[:, low] - left[:, high]))
    method, dof = "jackknife", {"dof": _GROUPS - 1}
    difference = tuple(
        Estimate(mu[i] - mu[j], s, inverse, f"mu({tilt[i]:.3g}) - mu({tilt[j]:.3g})", method, (), dof)
        for i, j, s in zip(low, high, spread, strict=True)
    )
    line = np.polyfit(mu[low], mu[high], 1)
    errors = _jackknife(np.array([np.polyfit(m[low], m[high], 1) for m in left]))
    errors = np.full(2, np.inf) if poor.any() else errors
    slope = Estimate(line[0], errors[0], "", "slope of mu(1 - l)", method, warnings, dof)
    intercept = Estimate(line[1], errors[1], inverse, "intercept of mu(1 - l)", method, warnings, dof)
    return GeneratingFunction(tilt, mu, error, difference, slope, intercept, warnings)


def _jackknife(left: np.ndarray) -> np.ndarray:
    return np.sqrt((len(left) - 1) * np.var(left, axis=0))


def entropy_generator(rates: Array, tilt) -> Array:
    """L(l)_ij = k_ij^(1 - l) k_ji^l off the diagonal, -sum_j k_ij on it: the generator tilted by entropy production.

    Its leading eigenvalue (`diffneq.large_deviations.leading_eigenvalue`, differentiable) is mu(l) =
    lim (1/t) ln <e^(-l s)>, s = sum over jumps of ln k_ij/k_ji. L(1 - l) is the transpose of L(l): the symmetry.

    Arguments: `rates` (n, n), k_ij of the jump i -> j [1/time], the diagonal is not read; `tilt` l. Raises
    `ValueError` where only one of k_ij and k_ji is zero: the entropy production is infinite then.

    >>> net = jnp.array([[0.0, 1.0, 1.0], [2.0, 0.0, 3.0], [2.0, 1.0, 0.0]])
    >>> round(float(np.linalg.eigvals(entropy_generator(net, 0.25)).real.max()), 5)
    -0.03419
    """
    rates = jnp.asarray(rates)
    off_diagonal = 1 - np.eye(len(rates), dtype=rates.dtype)
    numbers = concrete(rates)
    if numbers is not None:
        k = numbers * off_diagonal
        if not np.all((k >= 0) & ((k > 0) == (k.T > 0))):
            raise ValueError("entropy_generator: between two states both rates must be positive, or both zero.")
    forward = rates * off_diagonal
    linked = forward > 0
    safe = jnp.where(linked, forward, 1.0)  # no power of zero, whose derivative is nan
    off = jnp.where(linked, safe ** (1 - tilt) * safe.T**tilt, 0.0)
    return off - jnp.diag(forward.sum(1))
