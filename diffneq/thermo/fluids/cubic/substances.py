"""Critical constants, acentric factors and ideal heat capacities of pure fluids.

T_c, p_c, the acentric factor and the molar mass are those of the reference equation of state named in each row (as
collected in CoolProp 8.0, MIT licence: I. H. Bell et al., Ind. Eng. Chem. Res. 53 (2014) 2498). The polynomials in T
are our least-squares fits to the ideal-gas heat capacities of the same equations from 200 K (or the triple point) to
1000 K, within 4 %, for most fluids within 2 %.
"""

from typing import NamedTuple


class Substance(NamedTuple):
    """What a cubic equation of state needs to know of a fluid."""

    name: str
    T_critical: float  # K
    p_critical: float  # Pa
    acentric: float
    molar_mass: float  # kg/mol
    heat_capacity: tuple[float, float, float, float] = (29.0, 0.0, 0.0, 0.0)  # of the ideal gas, J/(mol K^(k+1))
    citation: str = "given by the user"


_ROWS = (
    ("methane", 190.564, 4599200.0, 0.01142, 0.0160428, (3.26692e+01, -2.35999e-02, 1.39851e-04, -7.69789e-08),
     "U. Setzmann, W. Wagner, J. Phys. Chem. Ref. Data 20 (1991) 1061"),
    ("ethane", 305.322, 4872200.0, 0.099, 0.03006904, (1.99807e+01, 9.50017e-02, 7.28379e-05, -6.65321e-08),
     "D. Bücker, W. Wagner, J. Phys. Chem. Ref. Data 35 (2006) 205"),
    ("propane", 369.89, 4251165.0, 0.1521, 0.04409562, (1.43941e+01, 2.00948e-01, 1.49022e-05, -5.76094e-08),
     "E. W. Lemmon, M. O. McLinden, W. Wagner, J. Chem. Eng. Data 54 (2009) 3141"),
    ("n-butane", 425.125, 3796000.0, 0.2008101, 0.0581222, (2.22606e+01, 2.61040e-01, 1.65735e-05, -7.47053e-08),
     "D. Bücker, W. Wagner, J. Phys. Chem. Ref. Data 35 (2006) 929"),
    ("isobutane", 407.81, 3629000.0, 0.1835318, 0.0581222, (1.02541e+01, 3.11174e-01, -4.59527e-05, -4.90637e-08),
     "D. Bücker, W. Wagner, J. Phys. Chem. Ref. Data 35 (2006) 929"),
    ("n-pentane", 469.7, 3367519.0, 0.2510319, 0.07214878, (3.18776e+01, 2.78382e-01, 1.19146e-04, -1.55940e-07),
     "M. Thol et al., Fluid Phase Equilib. (2019), n-alkanes"),
    ("n-hexane", 507.82, 3044115.0, 0.3003189, 0.08617536, (2.60364e+01, 4.08278e-01, -1.06783e-08, -1.07698e-07),
     "M. Thol et al., Fluid Phase Equilib. (2019), n-alkanes"),
    ("ethylene", 282.35, 5041692.0, 0.0866, 0.02805376, (1.64841e+01, 8.29972e-02, 3.79793e-05, -4.46771e-08),
     "J. Smukala, R. Span, W. Wagner, J. Phys. Chem. Ref. Data 29 (2000) 1053"),
    ("benzene", 562.0197, 4906289.0, 0.210837, 0.0781118, (-5.42422e+01, 5.76360e-01, -4.47331e-04, 1.36416e-07),
     "M. Thol, E. W. Lemmon, R. Span, High Temp. High Press. 41 (2012) 81"),
    ("toluene", 591.7491, 4126347.0, 0.2657, 0.09213842, (-1.71442e+01, 4.58176e-01, -1.57007e-04, -2.56154e-08),
     "E. W. Lemmon, R. Span, J. Chem. Eng. Data 51 (2006) 785"),
    ("nitrogen", 126.192, 3395800.0, 0.0372, 0.02801348, (3.03849e+01, -9.76464e-03, 2.07308e-05, -8.63740e-09),
     "R. Span et al., J. Phys. Chem. Ref. Data 29 (2000) 1361"),
    ("oxygen", 154.5994, 5046411.0, 0.0222, 0.0319988, (2.93318e+01, -6.67144e-03, 2.83822e-05, -1.63247e-08),
     "R. Schmidt, W. Wagner, Fluid Phase Equilib. 19 (1985) 175"),
    ("argon", 150.687, 4863001.0, -0.00219, 0.039948, (2.07862e+01, 0.0, 0.0, 0.0),
     "Ch. Tegeler, R. Span, W. Wagner, J. Phys. Chem. Ref. Data 28 (1999) 779"),
    ("krypton", 209.4796, 5525432.0, -0.00089, 0.083798, (2.07862e+01, 0.0, 0.0, 0.0),
     "E. W. Lemmon, R. Span, J. Chem. Eng. Data 51 (2006) 785"),
    ("xenon", 289.7326, 5841914.0, 0.00363, 0.131293, (2.07862e+01, 0.0, 0.0, 0.0),
     "E. W. Lemmon, R. Span, J. Chem. Eng. Data 51 (2006) 785"),
    ("hydrogen", 33.14433, 1296358.0, -0.219, 0.00201588, (2.44208e+01, 2.32188e-02, -3.61354e-05, 1.89242e-08),
     "J. W. Leachman et al., J. Phys. Chem. Ref. Data 38 (2009) 721"),
    ("carbon monoxide", 132.8599, 3498195.0, 0.0497, 0.0280101, (3.04864e+01, -1.11992e-02, 2.55266e-05, -1.16568e-08),
     "E. W. Lemmon, R. Span, J. Chem. Eng. Data 51 (2006) 785"),
    ("carbon dioxide", 304.1282, 7377298.0, 0.22394, 0.0440098, (1.93528e+01, 7.59848e-02, -6.06550e-05, 1.97078e-08),
     "R. Span, W. Wagner, J. Phys. Chem. Ref. Data 25 (1996) 1509"),
    ("hydrogen sulfide", 373.1009, 8998872.0, 0.1005, 0.03408088,
     (3.28545e+01, -4.36164e-03, 3.46762e-05, -1.73387e-08),
     "E. W. Lemmon, R. Span, J. Chem. Eng. Data 51 (2006) 785"),
    ("sulfur dioxide", 430.64, 7886579.0, 0.2561299, 0.0640638, (2.67831e+01, 5.19542e-02, -2.59453e-05, 1.51693e-09),
     "K. Gao, J. Wu, P. Zhang, E. W. Lemmon, J. Chem. Eng. Data 61 (2016) 2859"),
    ("ammonia", 405.56, 11363390.0, 0.2556905, 0.01703052, (2.95633e+01, 1.20560e-02, 3.47806e-05, -2.01119e-08),
     "K. Gao et al., J. Phys. Chem. Ref. Data 52 (2023) 013102"),
    ("water", 647.096, 22064000.0, 0.3442921, 0.01801527, (3.31253e+01, -3.74924e-03, 1.98942e-05, -8.04429e-09),
     "W. Wagner, A. Pruss, J. Phys. Chem. Ref. Data 31 (2002) 387"),
    ("R134a", 374.212, 4059276.0, 0.32684, 0.102032, (2.12898e+01, 2.49260e-01, -1.34718e-04, 4.79956e-08),
     "R. Tillner-Roth, H. D. Baehr, J. Phys. Chem. Ref. Data 23 (1994) 657"),
)  # fmt: skip
SUBSTANCES = {row[0]: Substance(*row) for row in _ROWS}


def substance(fluid: str | Substance) -> Substance:
    """A fluid by its name, or as given.

    Raises ValueError: an unknown name.

    >>> substance("Methane").T_critical
    190.564
    """
    if isinstance(fluid, Substance):
        return fluid
    found = {name.lower(): row for name, row in SUBSTANCES.items()}.get(fluid.lower())
    if found is None:
        raise ValueError(f"Unknown fluid {fluid!r}; choose from {', '.join(SUBSTANCES)}, or give a Substance.")
    return found
