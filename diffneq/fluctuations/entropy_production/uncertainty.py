"""Entropy production as the largest signal-to-noise ratio of a current: linear algebra in a basis."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from diffneq.fluctuations.entropy_production.basis import Gaussians, Polynomials
from diffneq.fluctuations.entropy_production.blocks import Blocks, as_trajectories, cut
from diffneq.fluctuations.entropy_production.fit import EntropyFit, HeldOut, against_interval, estimate_of


@dataclass(frozen=True)
class ShortTimeBound:
    """sigma >= 2 <J>^2/(Var J dt) for J = d(x) o dx, an equality for dt -> 0 and d the thermodynamic force.

    With d = sum_a theta_a phi_a(x), the maximum is 2 mu.Xi^{-1} mu/dt at theta = 2 Xi^{-1} mu, mu and Xi the mean and
    the covariance of phi_a(x) o dx. theta is found on all folds but one and the bound is read on that one, so fitted
    noise does not count; the error is the scatter of blocks. For overdamped Langevin motion; with inertia the
    bound does not hold. Values at finite dt, in a finite basis, lie low: diagnostics "interval_bias" is
    sigma(dt) - sigma(2 dt), and "extrapolated" the value and error linearly extrapolated to dt = 0.

    A basis of P functions fitted to a time t of training costs about 2 P/t of the bound: "fitted_noise".

    Arguments:
        basis: `Polynomials` or `Gaussians`.
        blocks: for the error bar, a multiple of `folds`.
        folds: of cross-validation.

    Raises:
        ValueError: for blocks that are not a multiple of folds; see `as_trajectories` for bad records.

    Source: S. Otsubo, S. Ito, A. Dechant, T. Sagawa, Phys. Rev. E 101, 062106 (2020).

    >>> import jax
    >>> from diffneq.fluctuations.exact.bead_chain import bead_chain
    >>> chain = bead_chain(np.array([1.0, 10.0]))               # sigma = 2.025
    >>> records = chain.trajectories(jax.random.key(0), dt=0.01, records=500, trajectories=40)
    >>> fit = ShortTimeBound(Polynomials(degree=1)).fit(records, dt=0.01)
    >>> abs(fit.estimate.z_score(2.025)) < 4
    True
    """

    basis: Polynomials | Gaussians = field(default_factory=Polynomials)
    blocks: int = 40
    folds: int = 5

    def __post_init__(self):
        if self.folds < 2 or self.blocks < 2 * self.folds or self.blocks % self.folds:
            raise ValueError("ShortTimeBound: folds >= 2, and blocks a multiple of folds, two blocks a fold or more.")

    def fit(self, trajectories: ArrayLike, dt) -> EntropyFit:
        """The bound from records of a steady state, (R, T, d) or (T, d), and the learned force."""
        x, interval = as_trajectories(trajectories, dt)
        fine = cut(x, interval, self.blocks)
        scales = fine.scales()
        values, coefficients = self._values(fine, scales)
        coarse, _ = self._values(cut(x, interval, self.blocks, stride=2), scales)
        warnings, diagnostics = against_interval(values, coarse)
        parameters = coefficients.shape[1]
        noise = 2 * parameters / (fine.count * fine.steps * interval * (1 - 1 / self.folds))
        diagnostics |= {"parameters": parameters, "fitted_noise": noise}
        mean_coefficients = coefficients.mean(0)

        def force(places: np.ndarray) -> np.ndarray:
            places = np.atleast_2d(np.asarray(places, np.float64))
            functions = self.basis.values((places - scales[0]) / scales[1])
            return functions @ mean_coefficients.reshape(functions.shape[1], -1) / scales[1]

        if noise > values.std(ddof=1) / np.sqrt(len(values)):
            text = f"{parameters} parameters fitted to noise lower the bound by about {noise:.2g}: a smaller basis, or"
            warnings += (f"{text} a longer record, is needed",)
        method = f"short-time uncertainty bound, {type(self.basis).__name__.lower()}"
        return EntropyFit(estimate_of(values, method, fine.warnings + warnings, diagnostics), force)

    def _values(self, blocks: Blocks, scales) -> tuple[np.ndarray, np.ndarray]:
        """Block values of the bound (B,), and the coefficients of each fold (folds, p d)."""
        mean, square = self._moments(blocks, scales)
        fold = np.arange(blocks.count) % self.folds
        first, second = np.empty(blocks.count), np.empty(blocks.count)
        coefficients = []
        for f in range(self.folds):
            own = fold == f
            theta = _best(mean[~own].mean(0), square[~own].mean(0))
            first[own] = mean[own] @ theta
            second[own] = np.einsum("bij,i,j->b", square[own], theta, theta)
            coefficients.append(theta)
        return HeldOut(first, second, fold, blocks.steps, blocks.dt).bound(), np.stack(coefficients)

    def _moments(self, blocks: Blocks, scales) -> tuple[np.ndarray, np.ndarray]:
        """Means (B, P) and second moments (B, P, P) over each block of phi_a(x) o dx_i, in scaled coordinates."""
        means, squares = [], []
        for before, after in zip(blocks.before, blocks.after, strict=True):
            functions = self.basis.values(((before + after) / 2 - scales[0]) / scales[1])
            steps = (after - before) / scales[1]
            currents = (functions[:, :, None] * steps[:, None, :]).reshape(len(steps), -1)
            means.append(currents.mean(0))
            squares.append(currents.T @ currents / len(currents))
        return np.stack(means), np.stack(squares)


def _best(mean: np.ndarray, square: np.ndarray) -> np.ndarray:
    """theta = 2 Xi^{-1} mu; directions in which the current hardly varies are left out."""
    variance, vectors = np.linalg.eigh(square - np.outer(mean, mean))
    kept = variance > 1e-10 * variance[-1]
    along = vectors[:, kept]
    return 2 * along @ ((along.T @ mean) / variance[kept])
