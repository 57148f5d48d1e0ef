"""Hatano and Sasa's equality for transitions between steady states."""

from diffneq.fluctuations.theorems.logistic import two_samples
from diffneq.fluctuations.theorems.symmetry import SymmetryTest, exponential_average, sample, symmetry_test


def hatano_sasa(excess, dual=None, *, inefficiency: float = 1.0) -> SymmetryTest:
    """<e^-Y> = 1, Y = int dt lambda' d phi/d lambda (x, lambda), phi = -ln rho_ss(x; lambda).

    Which data: Y of runs that start in the STEADY state of the first lambda, whose densities rho_ss are known
    (measured or solved for); lambda changed in steps: Y = sum of phi(x, lambda_n+1) - phi(x, lambda_n).
    What is assumed: Markov dynamics, and rho_ss exact: errors of phi enter the exponent.
    What a failure means: runs did not start in the steady state, phi is wrong, or x is not all of the state.
    With equilibrium states rho_ss = e^(-(U - F)/kT), Y = (W - dF)/kT and this is Jarzynski's equality.

    Arguments: `excess` Y (n,); `dual`, Y of the reverse protocol (m,) in the DUAL dynamics (steady currents
    reversed), if available: then ln P(Y)/P^dual(-Y) = Y gives slope 1 and intercept 0 (Crooks' form), which are None
    without it. Returns a SymmetryTest. Raises `ValueError` for wrong shapes and values.
    Source: T. Hatano, S. Sasa, Phys. Rev. Lett. 86, 3463 (2001); V. Y. Chernyak, M. Chertkov, C. Jarzynski, J. Stat.
    Mech. P08001 (2006), for the dual.

    >>> import numpy as np
    >>> jump = np.random.default_rng(0).normal(0.5, 1.0, 4000)      # a dragged trap, speed changed by 1
    >>> print(hatano_sasa(jump).average)
    1.009(21)
    """
    x = sample("hatano_sasa", excess, "excess")
    average = exponential_average(x, inefficiency)
    fit = None
    if dual is not None:
        fit = two_samples(x, -sample("hatano_sasa", dual, "dual"), (inefficiency, inefficiency))
    return symmetry_test("Hatano-Sasa", fit, average, "excess entropy Y")
