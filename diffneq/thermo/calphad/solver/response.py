"""How the site fractions of a phase answer to the chemical potentials: the Newton step of min_y G(y) - mu . M(y).

In scaled unknowns p = dy/sqrt(y) the ideal part of the Hessian is of order one for every site fraction, however small,
and the constraints (sublattice sums, neutrality) become orthonormal vectors U:

    (Q K Q + U U^T) p = -Q [sqrt(y) (grad G - M'^T mu) + K p0],    K = sqrt(y) H sqrt(y),   Q = 1 - U U^T

where p0, added to p, takes out what charge the constitution has.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from diffneq.thermo.calphad.solver.energies import FLOOR, Energy, Phase
from diffneq.thermo.calphad.solver.linear import solve_definite


class Response(NamedTuple):
    """dy/y = constant + sum_e slope_e mu_e, for a block of lanes; linear in the chemical potentials over R T."""

    constant: Float[Array, "n_y B"]
    slope: Float[Array, "elements n_y B"]
    stiffness: Float[Array, "B"]  # smallest pivot of the scaled Hessian: 1 in an ideal solution, 0 on the spinodal

    def at(self, mu: Float[Array, "elements B"]) -> Float[Array, "n_y B"]:
        """The relative step at these potentials."""
        return self.constant + jnp.sum(self.slope * mu[:, None], axis=0)


def response(phase: Phase, energy: Energy, y: Float[Array, "n_y B"], floor: Array | float) -> Response:
    """The answer at y, whose sublattices sum to one; `floor`: smallest pivot of the scaled Hessian."""
    assert energy.hessian is not None, "evaluate with hessian=True"
    present = phase.present[:, None]
    D = jnp.where(present, jnp.sqrt(y), 1.0)
    charge = D * (phase.charge[:, None] - phase.sites.T @ (phase.sites @ (phase.charge[:, None] * y)))
    square = jnp.sum(charge**2, axis=0)
    length = jnp.sqrt(jnp.where(square > 1e-18, square, 1.0))  # safe to differentiate where nothing is charged
    charge = jnp.where(square > 1e-18, charge / length, 0.0)

    def onto_constraints(v):  # U U^T v for v (n_y, *, B)
        flat = v.reshape(v.shape[0], -1, v.shape[-1])
        sums = jnp.tensordot(phase.sites, D[:, None] * flat, axes=1)
        part = D[:, None] * jnp.tensordot(phase.sites.T, sums, axes=1)
        part = part + charge[:, None] * jnp.sum(charge[:, None] * flat, axis=0)
        return part.reshape(v.shape)

    K = D[:, None] * energy.hessian * D[None]
    half = K - onto_constraints(K)
    projected = half - jnp.swapaxes(onto_constraints(jnp.swapaxes(half, 0, 1)), 0, 1)
    unit = jnp.eye(y.shape[0])[..., None]
    filled = projected + onto_constraints(jnp.broadcast_to(unit, K.shape)) + unit * ~present[:, None]
    right = jnp.concatenate([-energy.gradient[None], energy.moles_gradient])
    right = jnp.swapaxes(right * jnp.where(present, D, 0.0)[None], 0, 1)  # (n_y, 1 + elements, B)
    # A charge left over by renormalising the sublattices is taken out in the same step.
    neutral = -charge * (jnp.sum(phase.charge[:, None] * y, axis=0) / length)
    right = right.at[:, 0].add(-jnp.sum(K * neutral[None], axis=1))
    steps, stiffness = solve_definite(filled, right - onto_constraints(right), floor)
    constant = (steps[:, 0] + neutral) / D
    return Response(constant, jnp.swapaxes(steps[:, 1:] / D[:, None], 0, 1), stiffness)


def moved(phase: Phase, y: Float[Array, "n_y B"], step: Float[Array, "n_y B"], largest: Array | float = 1.5):
    """The site fractions after a relative step, each sublattice summing to one again.

    Species of more than one per cent share one factor, so that they keep in step; a dilute one follows the exact
    exponential law of an ideal solution, by itself.
    """
    major = phase.present[:, None] & (y > 1e-2)
    size = jnp.max(jnp.where(major, jnp.abs(step), 0.0), axis=0)
    shared = step * jnp.minimum(1.0, largest / jnp.maximum(size, 1e-30))
    up, down = 1.0 + jnp.maximum(shared, 0.0), jnp.exp(jnp.minimum(shared, 0.0))
    room = jnp.log(0.1 / jnp.minimum(y, 0.03))
    dilute = y * jnp.exp(jnp.clip(step, -6.0, room))
    return normalised(phase, jnp.where(major, y * up * down, dilute))


def normalised(phase: Phase, y: Float[Array, "n_y B"]) -> Float[Array, "n_y B"]:
    """Site fractions at least FLOOR that sum to one on each sublattice; 1 in the padding."""
    y = jnp.maximum(y, FLOOR)
    sums = phase.sites.T @ (phase.sites @ y)
    return jnp.where(phase.present[:, None], y / jnp.where(sums > 0, sums, 1.0), 1.0)


def remaining(
    y: Float[Array, "n_y B"], step: Float[Array, "n_y B"], resolution: Float[Array, "B"]
) -> Float[Array, "B"]:
    """Largest relative step still to be made.

    Not counted: a species at the floor that wants to go lower, and changes of y below the resolution.
    """
    done = ((y < 4.0 * FLOOR) & (step < 0.0)) | (y * jnp.abs(step) < resolution)
    return jnp.max(jnp.where(done, 0.0, jnp.abs(step)), axis=0)


def resolution(charge: Float[Array, "n_y *batch"]) -> Float[Array, "*batch"]:
    """Smallest change of a site fraction that means something.

    The floor under site fractions and neutrality contradict each other: in a charged phase traces are uncertain by a
    few times the floor, which is nothing to the energy.
    """
    return jnp.where(jnp.any(charge != 0.0, axis=0), 20.0 * FLOOR, 0.0)
