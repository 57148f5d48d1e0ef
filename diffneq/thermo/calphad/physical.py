"""Energies that depend on a phase's own physical properties: magnetic order, Einstein vibrations, two liquid states.

Each property (a channel) is expanded in the site fractions like the Gibbs energy; the energy is a function of the
values of the channels and of T at one constitution. Everything here is elementwise and pure, and finite with its
first and second derivatives for all real values of the channels and all T > 0.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from diffneq.thermo.calphad.tables import GAS_CONSTANT, Magnetism

# All values per mole of formula units. TC, NT: Curie and Néel temperature, K. BM: mean moment, Bohr magnetons.
# LNTHETA: ln(Einstein temperature / K). OSCILLATORS: how many three-dimensional oscillators a formula unit has: its
# atoms where the database writes LNTHETA, 1 where it writes THETA, 0 in phases without either. GD: Gibbs energy of
# the liquid-like minus the solid-like state, J/mol. TWO_STATE: 1 in phases with GD, 0 in others.
CHANNELS = ("TC", "BM", "NT", "LNTHETA", "OSCILLATORS", "GD", "TWO_STATE")
NO_MAGNETISM, INDEN_HILLERT_JARL, XIONG = 0, 1, 2


def magnetic_function(
    order: Float[Array, "*batch"], structure_factor: Float[Array, "*batch"]
) -> Float[Array, "*batch"]:
    """Inden's g(τ) in the form of Hillert and Jarl, as a function of 1/τ.

        τ <= 1   g = 1 - [79/(140 p τ) + (474/497)(1/p - 1)(τ^3/6 + τ^9/135 + τ^15/600)]/A
        τ > 1    g = -[τ^-5/10 + τ^-15/315 + τ^-25/1500]/A,   A = 518/1125 + (11692/15975)(1/p - 1)

    Args:
        order: 1/τ = T_C/T; at or below 0 there is no order and g = 0.
        structure_factor: p, 0.40 in bcc and 0.28 in other structures.

    Source: M. Hillert and M. Jarl, Calphad 2 (1978) 227.

    >>> round(float(magnetic_function(jnp.array(1.0), jnp.array(0.4))), 4)
    -0.0666
    """
    excess = 1.0 / structure_factor - 1.0
    scale = 518.0 / 1125.0 + 11692.0 / 15975.0 * excess
    tau, s = _both_sides(order)
    below = 1.0 - (79.0 / (140.0 * structure_factor * tau) + 474.0 / 497.0 * excess * _series(tau)) / scale
    above = -(s**5 / 10.0 + s**15 / 315.0 + s**25 / 1500.0) / scale
    return jnp.where(order > 1.0, below, above)


def improved_magnetic_function(
    order: Float[Array, "*batch"], structure_factor: Float[Array, "*batch"]
) -> Float[Array, "*batch"]:
    """g(τ) of the improved magnetic model, as a function of 1/τ; continuous at τ = 1 to 1e-8.

        τ <= 1   g = 1 - [0.38438376/(p τ) + 0.63570895 (1/p - 1)(τ^3/6 + τ^9/135 + τ^15/600 + τ^21/1617)]/D
        τ > 1    g = -[τ^-7/21 + τ^-21/630 + τ^-35/2975 + τ^-49/8232]/D,   D = 0.33471979 + 0.49649686 (1/p - 1)

    Args:
        order: 1/τ = T_C/T or T_N/T; at or below 0 there is no order and g = 0.
        structure_factor: p, 0.37 in bcc and 0.25 in other structures.

    Source: W. Xiong, Q. Chen, P. A. Korzhavyi, M. Selleby, Calphad 39 (2012) 11.
    """
    excess = 1.0 / structure_factor - 1.0
    scale = 0.33471979 + 0.49649686 * excess
    tau, s = _both_sides(order)
    series = _series(tau) + tau**21 / 1617.0
    below = 1.0 - (0.38438376 / (structure_factor * tau) + 0.63570895 * excess * series) / scale
    above = -(s**7 / 21.0 + s**21 / 630.0 + s**35 / 2975.0 + s**49 / 8232.0) / scale
    return jnp.where(order > 1.0, below, above)


def _both_sides(order):
    """(τ where ordered and 1 elsewhere, 1/τ where disordered and 0 elsewhere): neither branch meets a pole."""
    return 1.0 / jnp.where(order > 1.0, order, 1.0), jnp.where((order > 0.0) & (order <= 1.0), order, 0.0)


def _series(tau):
    return tau**3 / 6.0 + tau**9 / 135.0 + tau**15 / 600.0


def _log_moment(moment):
    """ln(1 + β). An expansion can dip below β = -1/2, where no moment has a meaning: a parabola goes on from there."""
    safe = jnp.maximum(moment, -0.5)
    step = moment - safe
    return jnp.log1p(safe) + 2.0 * step - 2.0 * step**2


def magnetic_energy(curie, neel, moment, T, magnetism: Magnetism, R) -> Array:
    """G_mag = R T ln(1 + β) g(τ), J per mole of formula units.

    Inden-Hillert-Jarl: negative T_C and β stand for antiferromagnets and are divided by the antiferromagnetic factor.
    Xiong: g(T/T_C) + g(T/T_N), no factor. `neel` None: no phase follows Xiong.
    """
    ordered = magnetism.kind == INDEN_HILLERT_JARL
    p = jnp.where(magnetism.kind == NO_MAGNETISM, 0.4, magnetism.structure_factor)
    factor = jnp.where(ordered, magnetism.afm_factor, 1.0)
    order = jnp.where(curie > 0.0, curie, curie / factor) / T
    inden = _log_moment(jnp.where(moment > 0.0, moment, moment / factor)) * magnetic_function(order, p)
    energy = jnp.where(ordered, inden, 0.0)
    if neel is not None:
        g = improved_magnetic_function(curie / T, p) + improved_magnetic_function(neel / T, p)
        energy = jnp.where(magnetism.kind == XIONG, _log_moment(moment) * g, energy)
    return R * T * energy


def einstein_energy(log_theta: Float[Array, "*batch"], T: Float[Array, "*batch"], R) -> Float[Array, "*batch"]:
    """G_E = 3/2 R θ + 3 R T ln(1 - exp(-θ/T)), J per mole of oscillators.

    Args:
        log_theta: ln(θ/K).
        T: temperature, K.

    Source: A. Einstein, Annalen der Physik 22 (1907) 180.
    """
    theta = jnp.exp(log_theta)
    u = theta / T
    small = u < 1e-3
    # ln(1 - exp(-u)) = ln u - u/2 + u^2/24 - ...: no pole of the exact form is met where u underflows.
    classical = log_theta - jnp.log(T) - u / 2.0 + u * u / 24.0
    exact = jnp.log(-jnp.expm1(-jnp.where(small, 1.0, u)))
    return 1.5 * R * theta + 3.0 * R * T * jnp.where(small, classical, exact)


def two_state_energy(difference: Float[Array, "*batch"], T: Float[Array, "*batch"], R) -> Float[Array, "*batch"]:
    """G_2 = -R T ln(1 + exp(-G_d/(R T))), J per mole of formula units.

    Args:
        difference: G_d, J/mol: liquid-like minus solid-like state.

    Source: J. Ågren, Physics and Chemistry of Liquids 18 (1988) 123.
    """
    return -R * T * jax.nn.softplus(-difference / (R * T))


def physical_energy(
    channels: tuple[str, ...],
    values: Float[Array, "channels *batch"],
    T: Float[Array, "*batch"],
    magnetism: Magnetism,
    R: Float[Array, ""] | float = GAS_CONSTANT,
) -> Float[Array, "*batch"]:
    """G_phys = G_mag(T_C, T_N, β; T) + n_osc G_E(ln θ; T) + n_2 G_2(G_d; T), J per mole of formula units.

    Args:
        channels: which of CHANNELS the entries of `values` are, in that order; absent ones contribute nothing.
        values: one value per channel and point, in the units written beside CHANNELS.
        T: temperature, K.
        magnetism: kind and factors, broadcastable to the batch.
        R: gas constant, J/(mol K).

    >>> iron = Magnetism(jnp.array(1), jnp.array(0.4), jnp.array(-1.0))
    >>> energy = physical_energy(("TC", "BM"), jnp.array([1043.0, 2.22]), jnp.array(300.0), iron)
    >>> round(float(energy), 1)
    -6274.3
    """
    value = dict(zip(channels, values, strict=True))
    energy = jnp.zeros_like(T)
    if "BM" in value:
        energy = magnetic_energy(value["TC"], value.get("NT"), value["BM"], T, magnetism, R)
    if "LNTHETA" in value:
        energy = energy + value["OSCILLATORS"] * einstein_energy(value["LNTHETA"], T, R)
    if "GD" in value:
        energy = energy + value["TWO_STATE"] * two_state_energy(value["GD"], T, R)
    return energy
