"""Constants of pure substances, and the look-up by name.

Source of every number: ChemSep's pure-component data, version 8.32 (H. A. Kooijman, R. Taylor, The ChemSep Book;
Artistic Licence 2.0), as carried by the package `chemicals` (MIT). The families of Tsonopoulos' correlation are ours.
"""

import difflib
from typing import NamedTuple


class Substance(NamedTuple):
    """Constants of one substance, SI units per mole unless said.

    `vapour_pressure` (A, B, C, D, E) of ln(P/Pa) = A + B/T + C ln T + D T^E, valid within `range` (K). `density`
    coefficients of the liquid in kmol/m^3 by equation `density_form`: 105, A/B^(1 + (1 - T/C)^D), or 106,
    A (1 - t)^(B + C t + D t^2 + E t^3) with t = T/T_c. `r`, `q`: volume and surface of UNIQUAC.
    """

    name: str
    cas: str
    molar_mass: float  # g/mol
    critical_temperature: float  # K
    critical_pressure: float  # Pa
    critical_volume: float  # m^3/mol
    acentric_factor: float
    dipole: float  # debye
    family: str
    vapour_pressure: tuple[float, float, float, float, float]
    range: tuple[float, float]
    density_form: int
    density: tuple[float, float, float, float, float]
    r: float
    q: float


_ALL = (
    Substance(
        "acetic acid", "64-19-7", 60.05196, 594.45, 5790000.0, 0.000171, 0.46, 1.739, "ester",
        (87.50607, -7603.906, -9.655308, 7.168835e-06, 2.0), (273.15, 594.75),
        105, (1.0627, 0.22174, 594.76, 0.22566, 0.0), 2.23, 2.04,
    ),
    Substance(
        "acetone", "67-64-1", 58.07914, 508.1, 4700000.0, 0.000209, 0.307, 2.881, "ketone",
        (72.77713, -5752.936, -7.680083, 6.83076e-06, 2.0), (178.45, 508.2),
        105, (1.1051, 0.24556, 508.21, 0.27409, 0.0), 2.5735, 2.336,
    ),
    Substance(
        "benzene", "71-43-2", 78.11184, 562.05, 4895000.0, 0.000256, 0.209, 0, "normal",
        (88.368, -6712.9, -10.022, 7.694e-06, 2.0), (272.04, 562.16),
        105, (0.99938, 0.26348, 562.05, 0.27856, 0.0), 3.1878, 2.4,
    ),
    Substance(
        "1-butanol", "71-36-3", 74.1216, 563.05, 4423000.0, 0.000275, 0.591, 1.75, "alkanol",
        (94.3424, -9140.942, -10.0038, 1.706963e-06, 2.0), (184.51, 563.0),
        105, (0.7931, 0.24201, 563.05, 0.22263, 0.0), 3.4543, 3.052,
    ),
    Substance(
        "chloroform", "67-66-3", 119.3776, 536.5, 5500000.0, 0.00024, 0.226, 1.01, "halide",
        (99.91512, -6781.559, -11.93873, 1.15883e-05, 2.0), (207.15, 536.4),
        105, (0.53556, 0.18404, 536.5, 0.18541, 0.0), 2.7, 2.34,
    ),
    Substance(
        "cyclohexane", "110-82-7", 84.15948, 553.5, 4073000.0, 0.000308, 0.211, 0, "normal",
        (79.82965, -6246.688, -8.778766, 6.933726e-06, 2.0), (263.06, 553.8),
        105, (0.93459, 0.28022, 553.5, 0.29409, 0.0), 4.0464, 3.24,
    ),
    Substance(
        "ethanol", "64-17-5", 46.06844, 513.92, 6148000.0, 0.000167, 0.649, 1.691, "alkanol",
        (88.0754, -7652.06, -9.471507, 5.928087e-06, 2.0), (159.05, 516.25),
        105, (1.3539, 0.24957, 515.66, 0.22099, 0.0), 2.11, 1.97,
    ),
    Substance(
        "ethyl acetate", "141-78-6", 88.10513, 523.2, 3830000.0, 0.000286, 0.361, 1.781, "ester",
        (93.16862, -7073.291, -10.65983, 8.16528e-06, 2.0), (189.6, 523.3),
        105, (0.78926, 0.24295, 523.26, 0.25762, 0.0), 3.48, 3.12,
    ),
    Substance(
        "methanol", "67-56-1", 32.04186, 512.64, 8097000.0, 0.000118, 0.565, 1.7, "methanol",
        (73.40342, -6548.076, -7.409987, 5.72492e-06, 2.0), (175.47, 512.64),
        105, (1.7918, 0.23929, 512.64, 0.21078, 0.0), 1.43, 1.43,
    ),
    Substance(
        "n-hexane", "110-54-3", 86.17536, 507.6, 3025000.0, 0.000368, 0.297, 0, "normal",
        (71.56625, -5848.968, -7.46028, 5.0823e-06, 2.0), (174.15, 507.6),
        105, (0.55661, 0.23506, 507.6, 0.24183, 0.0), 4.4998, 3.856,
    ),
    Substance(
        "2-propanol", "67-63-0", 60.09502, 508.3, 4762000.0, 0.00022, 0.665, 1.661, "alkanol",
        (77.70856, -7630.115, -7.63517, 9.965114e-07, 2.0), (185.28, 508.3),
        105, (1.1898, 0.26648, 508.3, 0.23986, 0.0), 2.78, 2.51,
    ),
    Substance(
        "toluene", "108-88-3", 92.13843, 591.75, 4108000.0, 0.000316, 0.264, 0.3598, "normal",
        (32.89891, -5013.81, -1.348918, -1.869928e-06, 2.0), (178.18, 592.15),
        105, (0.89799, 0.27359, 591.75, 0.30006, 0.0), 3.9228, 2.968,
    ),
    Substance(
        "water", "7732-18-5", 18.01528, 647.14, 22064000.0, 5.595e-05, 0.344, 1.85, "water",
        (74.55502, -7295.586, -7.442448, 4.2881e-06, 2.0), (263.15, 647.29),
        106, (32.51621, -3.213004, 7.92411, -7.359898, 2.703522), 0.92, 1.4,
    ),
)  # fmt: skip
SUBSTANCES = {each.name: each for each in _ALL}
_SYNONYMS = {
    "n-butanol": "1-butanol", "butanol": "1-butanol", "isopropanol": "2-propanol", "hexane": "n-hexane",
    "trichloromethane": "chloroform", "propanone": "acetone", "h2o": "water", "ethyl alcohol": "ethanol",
    "ethanoic acid": "acetic acid", "ethyl ethanoate": "ethyl acetate", "methylbenzene": "toluene",
}  # fmt: skip


def substance(name: str) -> Substance:
    """The constants of a substance by its name, a common synonym or its CAS number.

    Raises:
        ValueError: it is not among `SUBSTANCES`; the sentence names close matches.

    >>> substance("Isopropanol").name
    '2-propanol'
    """
    wanted = " ".join(name.lower().replace("_", " ").split())
    wanted = _SYNONYMS.get(wanted, wanted)
    for each in _ALL:
        if wanted in (each.name, each.cas):
            return each
    close = difflib.get_close_matches(wanted, [*SUBSTANCES, *_SYNONYMS], n=3, cutoff=0.6)
    close = list(dict.fromkeys(_SYNONYMS.get(each, each) for each in close))
    hint = f"did you mean {' or '.join(close)}?" if close else f"there are {', '.join(SUBSTANCES)}."
    raise ValueError(f"There is no substance '{name}' in the table; {hint}")
