"""Crooks' fluctuation theorem on work data."""

from diffneq.fluctuations.theorems.logistic import two_samples
from diffneq.fluctuations.theorems.symmetry import SymmetryTest, sample, symmetry_test


def crooks(
    forward, reverse, temperature: float = 1.0, *, free_energy: float | None = None, unit: str = "",
    inefficiency: float | tuple[float, float] = 1.0,
) -> SymmetryTest:  # fmt: skip
    """ln P_F(W)/P_R(-W) = (W - dF)/k_B T: slope 1/k_B T, intercept -dF/k_B T.

    Which data: total works (with the shadow work of the integrator) of a protocol and of its exact reverse, each run
    started in the equilibrium of its first parameter at one and the same k_B T.
    What is assumed: microscopically reversible dynamics; nothing of the speed.
    What a failure means: a slope off 1/k_B T, that the bath was not at this temperature, runs did not start in
    equilibrium, or part of the work is missing; a curved log ratio, that the reverse is not the reverse.

    Arguments: `forward` (n_F,), `reverse` (n_R,) work done ON the system [energy], +inf allowed; `temperature` k_B T
    [energy]; `free_energy` dF if known; `inefficiency` g, runs per independent run, of both or of each.
    Returns a SymmetryTest: maximum likelihood without bins, errors for two samples of given sizes. With the slope
    held at 1/k_B T the same likelihood is Bennett's ratio (`free_energy.bar`). Raises `ValueError` for wrong shapes.
    Source: G. E. Crooks, Phys. Rev. E 60, 2721 (1999); M. R. Shirts and others, Phys. Rev. Lett. 91, 140601 (2003).

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> found = crooks(rng.normal(2.0, 2**0.5, 4000), rng.normal(0.0, 2**0.5, 4000))      # dF = 1, dissipation 1
    >>> print(found.slope, found.intercept, found.holds())
    0.997(23) -0.973(27) True
    """
    f = sample("crooks", forward, "forward", infinite=True) / temperature
    r = sample("crooks", reverse, "reverse", infinite=True) / temperature
    pair = inefficiency if isinstance(inefficiency, tuple) else (inefficiency, inefficiency)
    fit = two_samples(f, -r, pair)
    known = None if free_energy is None else -float(free_energy) / temperature
    return symmetry_test(
        "Crooks", fit, None, "work W", expected_slope=1 / temperature, expected_intercept=known, unit=unit,
        temperature=temperature,
    )  # fmt: skip
