"""The units of ionic models: eV, angstrom, atomic mass unit u, elementary charge e; k_B in eV/K, explicitly.

    time unit t0 = angstrom sqrt(u/eV) = 10.1805 fs

Temperatures of models and dynamics are k_B T in eV: `kelvin(300.0)`; times are in t0: `femtoseconds(2.0)`.

Source of the constants: E. Tiesinga, P. J. Mohr, D. B. Newell, B. N. Taylor, CODATA recommended values 2022, NIST.

>>> round(1 / femtoseconds(1.0), 4), round(kelvin(300.0), 6)
(10.1805, 0.025852)
"""

from __future__ import annotations

import math

BOLTZMANN = 8.617333262e-5  # k_B [eV/K]
ELEMENTARY_CHARGE = 1.602176634e-19  # e [C], and eV [J]
ATOMIC_MASS = 1.66053906892e-27  # u [kg]
ANGSTROM = 1e-10  # [m]
COULOMB = 14.3996454685  # e^2/(4 pi epsilon_0) [eV angstrom]

# t0 [s]
TIME = ANGSTROM * math.sqrt(ATOMIC_MASS / ELEMENTARY_CHARGE)


def femtoseconds(time: float) -> float:
    """A time given in femtoseconds, in t0."""
    return time * 1e-15 / TIME


def picoseconds(time: float) -> float:
    """A time given in picoseconds, in t0."""
    return time * 1e-12 / TIME


def kelvin(temperature: float) -> float:
    """k_B T [eV] of a temperature given in kelvin."""
    return temperature * BOLTZMANN


def gigapascals(pressure: float) -> float:
    """A pressure given in GPa, in eV/angstrom^3."""
    return pressure * 1e9 * ANGSTROM**3 / ELEMENTARY_CHARGE


def in_gigapascals(pressure: float) -> float:
    """A pressure in eV/angstrom^3, in GPa.

    >>> round(in_gigapascals(1.0), 4)
    160.2177
    """
    return pressure / gigapascals(1.0)


def siemens_per_metre(conductivity: float) -> float:
    """A conductivity in e^2/(eV angstrom t0), current density e/(angstrom^2 t0) over field eV/(e angstrom), in S/m.

    >>> round(siemens_per_metre(1.0) / 1e5, 4)  # e/(angstrom ps V) = 1602.177 S/m
    1.5738
    """
    return conductivity * ELEMENTARY_CHARGE / (ANGSTROM * TIME)


def siemens_per_centimetre(conductivity: float) -> float:
    """The same in S/cm."""
    return siemens_per_metre(conductivity) / 100.0


def square_centimetres_per_second(diffusivity: float) -> float:
    """A diffusivity in angstrom^2/t0, in cm^2/s.

    >>> round(square_centimetres_per_second(1.0), 5)
    0.00982
    """
    return diffusivity * (ANGSTROM * 100.0) ** 2 / TIME
