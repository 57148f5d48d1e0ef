"""What G, H and S of a species refer to, and how that is changed: standard pressure, zero of enthalpy, elements.

The entropy of an ideal gas depends on the pressure: G(T, P2) - G(T, P1) = R T ln(P2/P1). Between 1 atm and 1 bar that
is R T ln 1.01325, 32.6 J/mol at 298.15 K. Numbers that refer to different pressures are refused together, and converted
on request.
"""

from collections.abc import Iterable, Mapping, Sequence

import equinox as eqx
import numpy as np
from jaxtyping import Array, ArrayLike

from diffneq.thermo.species.functions import SCALE, place
from diffneq.thermo.species.species import GAS_CONSTANT, Reference, Species

# H(298.15 K) - H(0 K) of the elements in their stable state, kJ per mole of atoms: J. D. Cox, D. D. Wagman,
# V. A. Medvedev, CODATA Key Values for Thermodynamics (1989).
THERMAL_ENTHALPY = {
    "H": 4.234, "O": 4.340, "N": 4.335, "C": 1.050, "S": 4.412, "F": 4.4125, "Cl": 4.5905, "Br": 12.26, "I": 6.598,
    "Si": 3.217, "Al": 4.540, "Cu": 5.004, "Zn": 5.657, "Ag": 5.745, "Mg": 4.998, "Ca": 5.736, "Ti": 4.824,
    "Li": 4.632, "Na": 6.460, "K": 7.088, "Pb": 6.870, "Sn": 6.323, "P": 5.360, "Ar": 6.197, "He": 6.197, "B": 1.222,
}  # fmt: skip


def at_standard_pressure(species: Species, pressure: float) -> Species:
    """The same substance with G referred to another standard pressure, Pa; only gases change (their numbers).

    >>> import jax
    >>> from diffneq.thermo.species import library
    >>> with jax.enable_x64(True):
    ...     bar = library.species("N2", "shomate")
    ...     atm = at_standard_pressure(bar, 101325.0)
    ...     difference = float(atm.molar_gibbs(298.15) - bar.molar_gibbs(298.15))
    >>> round(difference, 1)
    32.6
    """
    if not pressure > 0:
        raise ValueError(f"A standard pressure is positive, for example 1e5 Pa, not {pressure}.")
    coefficients = np.array(species.coefficients)
    if species.phase == "gas":
        coefficients[:, place(1)] += SCALE * GAS_CONSTANT * np.log(pressure / species.standard_pressure)
    return eqx.tree_at(lambda s: s.coefficients, _replace(species, standard_pressure=float(pressure)), coefficients)


def with_reference(species: Species, reference: Reference) -> Species:
    """The same substance with another zero of enthalpy: the elements at 298.15 K, or at 0 K.

    Raises:
        ValueError: another reference, or an element whose H(298.15 K) - H(0 K) is not in the table.
    """
    if reference not in ("elements at 298.15 K", "elements at 0 K"):
        raise ValueError(f"The reference is 'elements at 298.15 K' or 'elements at 0 K', not {reference!r}.")
    if reference == species.reference:
        return species
    unknown = [e for e, _ in species.elements if e not in THERMAL_ENTHALPY]
    if unknown:
        raise ValueError(f"H(298.15 K) - H(0 K) of {', '.join(unknown)} is not known here, so {species.name} stays.")
    shift = 1e3 * sum(count * THERMAL_ENTHALPY[e] for e, count in species.elements)
    coefficients = np.array(species.coefficients)
    coefficients[:, place(0)] += shift if reference == "elements at 0 K" else -shift
    return eqx.tree_at(lambda s: s.coefficients, _replace(species, reference=reference), coefficients)


def _replace(species: Species, **changes) -> Species:
    fields = {name: getattr(species, name) for name in Species.__dataclass_fields__}
    return Species(**{**fields, **changes})


def check_same_reference(species: Sequence[Species]) -> None:
    """Nothing, if all refer to the same.

    Raises:
        ValueError: two standard pressures or two zeros of enthalpy.
    """
    first = species[0]
    for other in species[1:]:
        if other.standard_pressure != first.standard_pressure:
            raise ValueError(
                f"{first.name} refers to {first.standard_pressure:g} Pa and {other.name} to "
                f"{other.standard_pressure:g} Pa; convert one with at_standard_pressure(species, "
                f"{first.standard_pressure:g})."
            )
        if other.reference != first.reference:
            raise ValueError(
                f"The enthalpy of {first.name} is zero for '{first.reference}', that of {other.name} for "
                f"'{other.reference}'; convert one with with_reference(species, '{first.reference}')."
            )


def alike(species: Iterable[Species], pressure: float) -> tuple[Species, ...]:
    """All at one standard pressure, Pa."""
    return tuple(at_standard_pressure(s, pressure) for s in species)


def formation(species: Species, T: ArrayLike, elements: Mapping[str, Species]) -> tuple[Array, Array]:
    """Enthalpy and Gibbs energy of formation from the elements at the same T, J/mol.

    Arguments:
        elements: symbol -> the element in its reference state, such as {"O": O2, "H": H2, "C": graphite}.

    Raises:
        ValueError: an element is missing or is none, or the references differ.

    >>> import jax
    >>> from diffneq.thermo.species import library
    >>> with jax.enable_x64(True):
    ...     pick = library.collection("nasa")
    ...     H, G = formation(pick["CO2"], 1000.0, {"C": pick["C(gr)"], "O": pick["O2"]})
    >>> round(float(G) / 1e3, 1)
    -395.9
    """
    missing = [e for e, _ in species.elements if e not in elements]
    if missing:
        raise ValueError(f"{species.name} needs the reference state of {', '.join(missing)}.")
    parts = {e: elements[e] for e, _ in species.elements}
    check_same_reference([species, *parts.values()])
    H, G = species.molar_enthalpy(T), species.molar_gibbs(T)
    for e, count in species.elements:
        own = dict(parts[e].elements)
        if set(own) != {e}:
            raise ValueError(f"{parts[e].name} is not the element {e}.")
        H, G = H - count / own[e] * parts[e].molar_enthalpy(T), G - count / own[e] * parts[e].molar_gibbs(T)
    return H, G
