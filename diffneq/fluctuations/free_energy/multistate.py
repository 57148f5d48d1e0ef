"""Free energies of many states from samples of all of them: the multistate Bennett acceptance ratio."""

import numpy as np
from scipy.special import logsumexp

from diffneq.fluctuations.free_energy.free_energies import FreeEnergies

_STEPS = 200
_LEAK = 1e-6  # runs: keeps the network of states invertible, far below one run that would connect two


def multistate(potentials, counts, *, inefficiency=1.0) -> FreeEnergies:
    """e^(-f_k) = sum_n e^(-u_k(x_n)) / sum_j N_j e^(f_j - u_j(x_n)): the free energies of K states from all N samples.

    The estimate of least variance; for two states that of Bennett. A whole switching run is a sample too, with path
    weights for potentials (u_F = 0, u_R = W_F of forward runs and -W_R of reverse ones): `work_profile` is made so.

    Arguments: `potentials` (K, N), U_k(x_n)/k_BT of every sample in every state, +inf allowed (hard walls), samples
    ordered by the state they were drawn in; `counts` (K,) samples drawn in each state, adding to N, 0 allowed;
    `inefficiency` g, samples per independent sample, one number or (K,).
    Returns `FreeEnergies`; covariances to first order in 1/N, as pymbar's. Raises `ValueError` for wrong shapes, NaN
    or -infinity, a state without any sample of finite potential, and when Newton's method does not converge.
    Source: M. R. Shirts, J. D. Chodera, J. Chem. Phys. 129, 124105 (2008); covariances: A. Kong and others, J. Roy.
    Stat. Soc. B 65, 585 (2003); overlap matrix: P. V. Klimovich, M. R. Shirts, D. L. Mobley, J. Comput. Aided Mol.
    Des. 29, 397 (2015).

    >>> rng, stiffness = np.random.default_rng(0), np.array([1.0, 2.0, 4.0])
    >>> x = np.concatenate([rng.normal(0, k**-0.5, 1000) for k in stiffness])
    >>> found = multistate(stiffness[:, None] * x**2 / 2, [1000, 1000, 1000])
    >>> print(found.difference(0, 2))      # (1/2) ln 4 = 0.693
    0.686(16)
    """
    u, n, g = _checked(potentials, counts, inefficiency)
    weight = np.repeat(1 / g, n)  # of a sample: its share of an independent one
    size = n / g
    f, warnings = _solve(u, size, weight)
    with np.errstate(divide="ignore"):
        log_size = np.log(size)[:, None]
    mixture = logsumexp(log_size + f[:, None] - u, axis=0)
    f = -logsumexp(-u - mixture, axis=1, b=weight)
    share = np.exp(f[:, None] - u - mixture)  # W_kn, sum over n with the weights = 1
    square = (share * weight) @ share.T
    overlap = square * size
    covariance = _covariance(square, size)
    method = "multistate Bennett acceptance ratio, asymptotic error"
    return FreeEnergies(f - f[0], covariance, _shared(square, size), overlap, method, warnings)


def _checked(potentials, counts, inefficiency) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    u, n = np.asarray(potentials, np.float64), np.asarray(counts)
    if u.ndim != 2 or n.shape != (len(u),) or len(u) < 2 or n.sum() != u.shape[1] or (n < 0).any():
        raise ValueError(
            f"multistate: potentials (K, N), counts (K,) adding up to N, K >= 2 are needed; got {u.shape}, {n}."
        )
    if np.isnan(u).any() or np.isneginf(u).any():
        raise ValueError("multistate: potentials hold NaN or -infinity; mend those samples before the analysis.")
    if not np.isfinite(u).any(1).all():
        bare = int(np.argmin(np.isfinite(u).any(1)))
        raise ValueError(f"multistate: no sample has a finite potential in state {bare}; sample that state itself.")
    g = np.broadcast_to(np.asarray(inefficiency, float), n.shape)
    if not (g >= 1).all():
        raise ValueError("multistate: inefficiency must be 1 or larger.")
    drawn = np.repeat(np.arange(len(n)), n)
    if not np.isfinite(u[drawn, np.arange(u.shape[1])]).all():
        raise ValueError("multistate: a sample has an infinite potential in its own state; check the order of samples.")
    return u, n.astype(int), g


def _solve(u: np.ndarray, size: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Minimum of sum_n s_n ln sum_k N_k e^(f_k - u_kn) - sum_k N_k f_k: convex; Newton's method with halved steps."""
    some = np.flatnonzero(size > 0)
    v, N = u[some], size[some]
    f = np.zeros(len(some))
    for _ in range(20):  # self-consistent iterations first: safe from anywhere
        f = -logsumexp(-v - logsumexp(np.log(N)[:, None] + f[:, None] - v, axis=0), axis=1, b=weight)
        f = f - f[0]

    def value(f):
        return float(weight @ logsumexp(np.log(N)[:, None] + f[:, None] - v, axis=0) - N @ f)

    for _ in range(_STEPS):
        logs = np.log(N)[:, None] + f[:, None] - v
        p = np.exp(logs - logsumexp(logs, axis=0))
        gradient = p @ weight - N
        hessian = np.diag(p @ weight) - (p * weight) @ p.T
        step = np.append(0.0, -np.linalg.lstsq(hessian[1:, 1:], gradient[1:], rcond=1e-14)[0])
        size_of_step, here = 1.0, value(f)
        while size_of_step > 1e-6 and value(f + size_of_step * step) > here + 1e-12 * abs(here):
            size_of_step /= 2
        f = f + size_of_step * step
        if np.max(np.abs(step)) < 1e-11 * (1 + np.max(np.abs(f))):
            break
    remains = np.max(np.abs(gradient) / N)
    warnings = () if remains < 1e-7 else (f"the equations are solved to {remains:.1g} only: states without overlap",)
    whole = np.zeros(len(size))
    whole[some] = f
    return whole, warnings


def _covariance(square: np.ndarray, size: np.ndarray) -> np.ndarray:
    """W^T (I - W N W^T)^+ W by the eigenvectors of W^T W."""
    values, vectors = np.linalg.eigh(square)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    inner = np.eye(len(size)) - root.T @ (size[:, None] * root)
    return root @ np.linalg.pinv(inner, rcond=1e-10, hermitian=True) @ root.T


def _shared(square: np.ndarray, size: np.ndarray) -> np.ndarray:
    """1/R_ij, R the resistances of a network whose conductances are the runs that two states share.

    For two states the conductance is that of `bar`, the sum of f (1 - f). A state that was not sampled hangs on by
    the runs that carry its weights W, 1/sum W^2 of them.
    """
    bare = size == 0
    weights = np.where(bare, 1 / np.diag(square), size)
    conductance = square * np.outer(weights, size)
    conductance = np.where(bare, conductance.T, conductance)
    laplacian = np.diag(conductance.sum(1)) - conductance
    inverse = np.linalg.inv(laplacian + _LEAK * np.eye(len(size)))
    diagonal = np.diag(inverse)
    resistance = diagonal[:, None] + diagonal - 2 * inverse
    np.fill_diagonal(resistance, 0.0)
    with np.errstate(divide="ignore"):
        return 1 / np.maximum(resistance, 0.0)
