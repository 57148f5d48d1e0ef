"""Response coefficients from the multiplier of Norton dynamics."""

import numpy as np

from diffneq.statistics import Estimate, mean


def norton(multiplier, flux: float, dt: float = 1.0, *, friction: float = 0.0, unit: str = "") -> Estimate:
    """alpha = 1/(<lambda>/r - friction): flux per field, with the error of <lambda> to first order (delta method).

    Arguments: `multiplier` lambda (T,) or (R, T) [field], records of a steady state of `dynamics.Norton`, the start
    left out; `flux` r that was held [flux]; `dt` [time] between records; `friction` [field/flux], the share of the
    Langevin bath in the resistance <lambda>/r, 0 to leave it in, as a run at constant field has it too. With one
    damping rate g the share is g/c, c = sum_i G_i . F_i/m_i: for mass m, g m for `ColourDrift`, g m/F_1 for
    `ShearProfile` (c fluctuates a little about F_1/m), g m/(q^2 N) for N charges. With several rates it depends on
    how the species move, and there is no such number.

    A finite system answers a constant flux and a constant field alike but for O(1/N).

    Raises `ValueError` for a flux that is zero or not finite, and where nothing but friction is left. Source: N.
    Blassel, G. Stoltz, J. Stat. Phys. 191, 17 (2024).

    >>> records = 5.0 + np.random.default_rng(0).normal(size=4000)
    >>> print(norton(records, flux=0.5, friction=1.0))
    0.11149(39)
    """
    flux = float(flux)
    if not np.isfinite(flux) or flux == 0:
        raise ValueError(f"flux = {flux:g} must be finite and not zero: without a flux there is no response to divide.")
    found = mean(multiplier, dt, name="multiplier")
    resistance, error = found.value / flux - float(friction), found.error / abs(flux)
    if resistance == 0:
        raise ValueError("the friction that is subtracted is all of the resistance <lambda>/r: the response diverges.")
    warnings = found.warnings
    if error > 0.1 * abs(resistance):
        warnings += ("the multiplier is known to worse than 10 %: its inverse is biased, record longer",)
    diagnostics = {**found.diagnostics, "multiplier": found.value, "multiplier_error": found.error}
    method = f"{found.method}, delta method"
    return Estimate(1 / resistance, error / resistance**2, unit, "response coefficient", method, warnings, diagnostics)
