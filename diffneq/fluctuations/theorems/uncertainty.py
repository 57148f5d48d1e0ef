"""The thermodynamic uncertainty relation: dissipation pays for precision."""

from dataclasses import dataclass

import numpy as np

from diffneq.fluctuations.theorems.symmetry import sample
from diffneq.statistics import Estimate


@dataclass(frozen=True)
class UncertaintyTest:
    """Var(J) <s>/<J>^2 against its bounds.

    `product`, the Estimate; `bound` 2, for steady states of overdamped or jump dynamics at any time; `weak_bound`
    2 <s>/(e^<s> - 1), for whatever obeys ln p(s)/p(-s) = s; `precision` <J>^2/Var(J); `entropy` <s>, the production
    in the time of the record; `inferred`, 2 <J>^2/Var(J), the least production that the current proves.
    """

    product: Estimate
    bound: float
    weak_bound: float
    precision: Estimate
    entropy: Estimate
    inferred: Estimate

    def holds(self, largest_z: float = 3.0) -> bool:
        """Whether the product is not below its bound by more than `largest_z` errors."""
        return not self.product.z_score(self.bound) < -largest_z


def uncertainty(current, entropy, *, inefficiency: float = 1.0) -> UncertaintyTest:
    """Var(J_t) <s_t>/<J_t>^2 >= 2, J_t a current integrated over a time t, s_t the entropy produced meanwhile [k_B].

    Which data: J_t and s_t of independent records of one length t of one steady state (heat over temperatures, or
    total entropy: their means are the same).
    What is assumed: overdamped diffusion or Markov jumps, constant driving, J odd under time reversal, a steady state
    from the start of every record. NOT inertia: an underdamped current can be below 2 at short times, and the
    relation has another form there. Periodic driving and magnetic fields break it too.
    What a failure means: one of those, or dissipation that was not counted.

    Arguments: `current` (n,); `entropy`, (n,), or <s> as an Estimate or a number; `inefficiency` g, records per
    independent record. Returns an UncertaintyTest, errors by jackknife. Raises `ValueError` for wrong shapes.
    Source: A. C. Barato, U. Seifert, Phys. Rev. Lett. 114, 158101 (2015); finite time: P. Pietzonka, F. Ritort, U.
    Seifert, Phys. Rev. E 96, 012101 (2017), J. M. Horowitz, T. R. Gingrich, Phys. Rev. E 96, 020103 (2017).

    >>> work = np.random.default_rng(0).normal(1.0, 2**0.5, 4000)      # Gaussian: Var = 2 <s>, the bound itself
    >>> print(uncertainty(work, work).product)
    2.037(64)
    """
    j = sample("uncertainty", current, "current")
    n = len(j)
    mean, variance, (left_mean, left_variance) = j.mean(), j.var(ddof=1), _left_out(j)
    ratio, left = variance / mean**2 if mean else np.inf, left_variance / left_mean**2
    if np.ndim(entropy):
        s = sample("uncertainty", entropy, "entropy")
        if len(s) != n:
            raise ValueError("uncertainty: current and entropy must be of one length, one entry a record.")
        produced, left_s, known = s.mean(), (s.sum() - s) / (n - 1), 0.0
        error_s = s.std(ddof=1) * np.sqrt(inefficiency / n)
    else:
        produced, known = (entropy.value, entropy.error) if isinstance(entropy, Estimate) else (float(entropy), 0.0)
        left_s, error_s = np.full(n, produced), known
    scale = np.sqrt((n - 1) ** 2 / n * inefficiency)
    error = float(np.hypot(scale * np.std(left * left_s, ddof=1), ratio * known))
    inverse, error_inverse = mean**2 / variance if variance > 0 else np.inf, scale * np.std(1 / left, ddof=1)
    warnings = []
    if not variance > 0 or not mean**2 > 16 * variance * inefficiency / n:
        warnings.append("the mean current is not told from zero by four errors: the product has no honest error")
        error = np.inf
    method, dof = "jackknife", {"dof": n / inefficiency - 1}
    make = lambda v, e, name: Estimate(v, e, "", name, method, tuple(warnings), dof)
    weak = 2 * produced / np.expm1(produced) if 0 < produced < 700 else 2.0 if produced <= 0 else 0.0
    return UncertaintyTest(
        make(ratio * produced, error, "uncertainty product"),
        2.0,
        float(weak),
        make(inverse, error_inverse, "precision"),
        Estimate(produced, error_s, "", "entropy production", method),
        make(2 * inverse, 2 * error_inverse, "least entropy production"),
    )


def _left_out(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance with each record left out."""
    n, centred = len(x), x - x.mean()
    mean = -centred / (n - 1)
    second = (np.sum(centred**2) - centred**2) / (n - 1) - mean**2
    return mean + x.mean(), second * (n - 1) / (n - 2)
