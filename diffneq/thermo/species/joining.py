"""Polymorphs and the liquid of a substance as one species."""

import itertools
from collections.abc import Sequence

import numpy as np

from diffneq.thermo.species.reference import check_same_reference
from diffneq.thermo.species.species import Species, make


def join(name: str, phases: Sequence[Species], gap: float = 1.0) -> Species:
    """One species whose pieces are those of several phases, each in its own range, in order of temperature.

    Its Gibbs energy is that of the stable phase; H and S jump by the heats of transition.

    Arguments:
        phases: of one composition, with ranges that follow on each other.
        gap: largest distance between neighbouring ranges, K.

    Raises:
        ValueError: different compositions or references, or ranges that overlap or leave a gap.

    >>> import jax
    >>> from diffneq.thermo.species import library
    >>> with jax.enable_x64(True):
    ...     pick = library.collection("nasa")
    ...     iron = join("Fe", [pick[k] for k in ("Fe(a)", "Fe(c)", "Fe(d)", "Fe(L)")])
    ...     melting = float(iron.molar_enthalpy(1810.0) - iron.molar_enthalpy(1808.0))
    >>> iron.range, round(melting, -2)
    ((200.0, 6000.0), 13900.0)
    """
    ordered = sorted(phases, key=lambda s: s.range[0])
    first = ordered[0]
    check_same_reference(ordered)
    if any(dict(s.elements) != dict(first.elements) or s.phase != first.phase for s in ordered):
        raise ValueError(f"{name}: only phases of one composition can be joined.")
    for a, b in itertools.pairwise(ordered):
        if abs(a.range[1] - b.range[0]) > gap:
            raise ValueError(f"{name}: {a.name} ends at {a.range[1]:g} K and {b.name} begins at {b.range[0]:g} K.")
    edges = np.concatenate([ordered[0].edges, *(s.edges[1:] for s in ordered[1:])])
    rows = np.concatenate([np.asarray(s.coefficients) for s in ordered])
    return make(name, first.elements, first.phase, edges, rows, standard_pressure=first.standard_pressure,
                model=first.model, source=first.source, reference=first.reference)  # fmt: skip
