"""The zero-frequency intensity by maximum likelihood: smooth models of the low end of a periodogram."""

import numpy as np

from diffneq.response.spectra import Spectrum

# (terms in the exponent), or (terms in the numerator, terms in the denominator beyond its leading 1)
_MODELS = ((1,), (2,), (3,), (4,), (1, 1), (1, 2), (1, 3), (2, 1), (2, 2))


def spectral_intercept(spectrum: Spectrum, max_frequency: float) -> dict:
    """g(w) = exp(P(w^2)) or P(w^2)/Q(w^2), P and Q polynomials, fitted to I(w) ~ Gamma(l, g/l) for w <= w_c.

    A stationary process with an integrable correlation has g smooth and even in w. Each of nine models is
    fitted by maximum likelihood at each of 20 cut-offs w_c; the intercepts are averaged with Akaike weights
    exp(-D/2 - P - N_cut), D the deviance, P parameters, N_cut ordinates left out (each would cost a
    parameter of its own), and the error contains the Hessian's variance and the scatter of the intercepts.
    Arguments: `spectrum` from `periodogram`, `max_frequency` [rad/time] the largest cut-off. Returns a dict:
    "value" g_0, "relative_error", "cutoff" (weighted), "model" (the likeliest), "statistical" and "scatter"
    (the two relative errors), "deviance" per ordinate of the likeliest model, "ordinates" it used.
    Source: the Gamma likelihood: Toraman, Fauconnier, Verstraelen, J. Chem. Inf. Model. 65, 10445 (2025); the
    weights: Jay and Neil, Phys. Rev. D 103, 114502 (2021).
    """
    w, power, shape = _coarsen(spectrum, max_frequency)
    counts = np.unique(np.geomspace(min(5, len(w)), len(w), 20).astype(int))
    rows = []
    for terms in _MODELS:
        usable = counts[counts >= 2 * sum(terms) + 3]
        if len(usable):
            rows += _fit(terms, usable, w, power, shape)
    value, variance, score, cutoff = np.array([row[:4] for row in rows]).T
    weight = np.exp(-(score - score.min()) / 2)
    weight /= weight.sum()
    mean = float(weight @ value)
    scatter = float(np.sqrt(weight @ (value - mean) ** 2)) / mean
    statistical = float(np.sqrt(weight @ variance))
    best = rows[int(np.argmax(weight))]
    return {
        "value": mean,
        "relative_error": float(np.hypot(statistical, scatter)),
        "model": best[4],
        "cutoff": float(weight @ cutoff),
        "statistical": statistical,
        "scatter": scatter,
        "deviance": best[5],
        "ordinates": best[6],
    }


def _coarsen(spectrum: Spectrum, max_frequency: float, single: int = 8, ratio: float = 1.15):
    """The first ordinates one by one, then means over bands: a smooth misfit then shows in few numbers.

    A band stands at the geometric mean of its edges, where it is exact for g ~ w^-2 as well as for flat g.
    """
    last = max(single, int(np.searchsorted(spectrum.frequency, max_frequency)))
    last = min(last, len(spectrum.frequency) - 1)  # the Nyquist ordinate has other statistics
    edges = list(range(min(single, last) + 1))
    while edges[-1] < last:
        edges.append(min(last, max(edges[-1] + 1, int(edges[-1] * ratio))))
    start, size = np.array(edges[:-1]), np.diff(edges)
    shape = np.add.reduceat(spectrum.dof[:last] / 2, start)
    half = spectrum.resolution / 2
    low, high = spectrum.frequency[start] - half, spectrum.frequency[start + size - 1] + half
    frequency = np.where(size > 1, np.sqrt(np.maximum(low, 0) * high), (low + high) / 2)
    return frequency, np.add.reduceat(spectrum.intensity[:last], start) / size, shape


def _fit(terms, counts, w, power, shape) -> list[tuple]:
    """Fisher scoring for all cut-offs at once; fits with g <= 0 or no convergence get no weight."""
    x2 = (w / w[counts - 1][:, None]) ** 2  # (cut-off, ordinate)
    inside = np.arange(len(w)) < counts[:, None]
    x2 = np.where(inside, x2, 0.0)
    scale = np.array([power[:n] @ shape[:n] / shape[:n].sum() for n in counts])
    y = np.where(inside, power / scale[:, None], 1.0)
    weight = np.where(inside, shape, 0.0)
    beta = _first_guess(terms, x2, y, weight)
    for _ in range(25):
        log_mean, jacobian, _ = _model(terms, beta, x2)
        ratio = y / np.exp(log_mean)
        hessian = (jacobian * weight[..., None]).swapaxes(1, 2) @ jacobian
        hessian += 1e-10 * np.eye(beta.shape[1]) * np.trace(hessian, axis1=1, axis2=2)[:, None, None]
        gradient = np.einsum("cn,cnp->cp", weight * (ratio - 1), jacobian)
        step = np.linalg.solve(hessian, gradient[..., None])[..., 0]
        change = np.abs(np.einsum("cnp,cp->cn", jacobian, step) * inside).max(1)  # of ln g
        if change.max() < 1e-4:
            break
        beta = beta + step * np.minimum(1, 0.5 / np.maximum(change, 1e-9))[:, None]
    log_mean, _, positive = _model(terms, beta, x2)
    ratio = y / np.exp(log_mean)
    deviance = 2 * np.sum(weight * (ratio - 1 - np.log(ratio)), 1)
    score = deviance + 2 * sum(terms) + 2 * (len(w) - counts)
    at_zero, jacobian_zero, _ = _model(terms, beta, np.zeros((len(counts), 1)))
    value = scale * np.exp(at_zero[:, 0])
    variance = np.einsum("cp,cpq,cq->c", jacobian_zero[:, 0], np.linalg.inv(hessian), jacobian_zero[:, 0])
    good = (change < 1e-2) & positive.all(1) & (variance < 0.5)  # else a peak below the first ordinate
    score = np.where(good, score, 1e9 + deviance)
    name = f"exp {terms[0] - 1}" if len(terms) == 1 else f"Pade({2 * terms[0] - 2}, {2 * terms[1]})"
    names = [name] * len(counts)
    columns = (value, variance, score, w[counts - 1], names, deviance / counts, counts.tolist())
    return list(zip(*columns, strict=True))


def _model(terms, beta, x2):
    """ln g, its derivatives with respect to the parameters, and where both polynomials are positive."""
    powers = x2[..., None] ** np.arange(max(terms) + 1)
    top = powers[..., : terms[0]]
    upper = np.einsum("cnp,cp->cn", top, beta[:, : terms[0]])
    if len(terms) == 1:
        return upper, top, np.ones(x2.shape, bool)
    bottom = powers[..., 1 : terms[1] + 1]
    lower = 1 + np.einsum("cnp,cp->cn", bottom, beta[:, terms[0] :])
    positive = (upper > 0) & (lower > 0)
    upper, lower = np.maximum(upper, 1e-6), np.maximum(lower, 1e-6)
    jacobian = np.concatenate([top / upper[..., None], -bottom / lower[..., None]], -1)
    return np.log(upper) - np.log(lower), jacobian, positive


def _first_guess(terms, x2, y, weight):
    """Zero exponent, or least squares for y Q - P = 0, weighted by a running mean of y."""
    if len(terms) == 1:
        return np.zeros((len(y), terms[0]))
    padded = np.pad(np.stack([weight * y, weight]), ((0, 0), (0, 0), (5, 4)))
    total = np.cumsum(padded, -1)
    total = total[..., 9:] - total[..., :-9]  # running sums over nine ordinates
    smooth = total[0] / np.maximum(total[1], 1e-300)
    smooth = np.where(weight > 0, smooth, 1.0)
    powers = x2[..., None] ** np.arange(max(terms) + 1)
    basis = np.concatenate([powers[..., : terms[0]], -smooth[..., None] * powers[..., 1 : terms[1] + 1]], -1)
    root = (np.sqrt(weight) / smooth)[..., None]
    normal = np.einsum("cnp,cnq->cpq", basis * root, basis * root)
    normal += 1e-9 * np.eye(sum(terms)) * np.trace(normal, axis1=1, axis2=2)[:, None, None]
    right = np.einsum("cnp,cn->cp", basis * root, smooth * root[..., 0])
    return np.linalg.solve(normal, right[..., None])[..., 0]
