"""Equations that no record of the displacement can tell apart, though each is another equation."""

from __future__ import annotations

import jax.numpy as jnp

from diffneq.inference.models import ItoPolynomial, ItoPolynomialFriction


def displacement_family(model: ItoPolynomialFriction, share: float) -> ItoPolynomial:
    """du = [-u + beta u^2 + (b - beta)] ds + sqrt(2 [1 + (b - 2 beta) u]) . dW (Ito), beta = share b: one theta(k).

    With u = V/sqrt(T/M), s = gamma_0 t/M, b = -gamma_1 sqrt(T/M)/gamma_0, the generating function of the
    displacement is theta(k) = k^2 + b k + 2 b k^3 + O(b^2) for every beta: displacements do not identify the equation.

    Arguments: `model` with friction gamma_0 + gamma_1 V and no force; `share`: 1 for the model itself, 1/2 for noise
    that does not depend on V, quadratic friction and a constant force, 0 for a constant force and multiplicative noise
    with linear friction. Raises `ValueError` for another number of friction coefficients or a force.

    >>> model = ItoPolynomialFriction((1.0, -0.1), 1.0)
    >>> displacement_family(model, 0.5).diffusion_coefficients.round(6).tolist()
    [1.0, 0.0]
    """
    if model.friction.shape != (2,) or bool(jnp.any(model.force != 0)):
        raise ValueError("displacement_family needs a friction of two coefficients, gamma_0 + gamma_1 V, and no force.")
    speed = jnp.sqrt(model.temperature / model.mass)
    rate = model.friction[0] / model.mass
    b = -model.friction[1] * speed / model.friction[0]
    beta = share * b
    drift = rate * jnp.stack([(b - beta) * speed, -jnp.ones_like(b), beta / speed])
    diffusion = rate * jnp.stack([speed**2, (b - 2 * beta) * speed])
    return ItoPolynomial(drift, diffusion)
