"""Gas and graphite on the C-H-O triangle beside Cantera's `equilibrate`."""

from __future__ import annotations

import time

import numpy as np

from bench.report import Unavailable
from bench.thermo_case import Contest, ThermoCase
from diffneq.thermo.reactions import equilibrium, species_of
from diffneq.thermo.species import library
from diffneq.thermo.species.reference import at_standard_pressure

_PEER_STATES = 200  # of the grid, for the peer's own loop
_POINTS = 200  # C(200, 2) = 19900 mixtures
_T, _P = 923.0, 101325.0


def _peer():
    try:
        import cantera
    except ImportError as missing:
        raise Unavailable("Cantera is not installed: pip install cantera.") from missing
    return cantera, cantera.Solution("gri30.yaml"), cantera.Solution("graphite.yaml")


def _triangle(count: int) -> Contest:
    """The grid of Cantera's issue 265 (all of it, whatever `count`), and every hundredth point of it for the peer."""
    cantera, gas, carbon = _peer()
    points = np.array([(n, _POINTS - m, m - n) for m in range(_POINTS) for n in range(m)], float)
    candidates = species_of("gri30", "CHO", [at_standard_pressure(library.species("C(gr)"), _P)])
    elements = dict(zip("CHO", points.T / _POINTS, strict=True))
    found = [equilibrium(candidates, elements=elements, T=_T, P=_P)]
    few = points[:: max(1, len(points) // _PEER_STATES)]
    failures = [0]

    def ours() -> float:
        start = time.perf_counter()
        found[0] = equilibrium(candidates, elements=elements, T=_T, P=_P)
        return 1e6 * (time.perf_counter() - start) / len(points)

    def peer() -> float:
        spent, failures[0] = 0.0, 0
        for c, h, o in few:
            gas.TPX = _T, _P, {"C": c, "H": h, "O": o}
            mixture = cantera.Mixture([(gas, 1.0), (carbon, 0.0)])
            mixture.T, mixture.P = _T, _P
            start = time.perf_counter()
            try:
                mixture.equilibrate("TP", solver="gibbs", max_steps=1000)
            except cantera.CanteraError:
                failures[0] += 1
            spent += time.perf_counter() - start
        return 1e6 * spent / len(few)

    def outcome() -> dict[str, float]:
        certified = float((found[0].status == 0).sum())
        return {"mixtures": float(len(points)), "certified by us": certified,
                "Cantera's failures, of every hundred": 100.0 * failures[0] / len(few)}  # fmt: skip

    return Contest(ours, peer, outcome)


CASES = (ThermoCase("gas", "C-H-O gas and graphite, 923 K, 1 atm", "Cantera", 20.0, _triangle),)
