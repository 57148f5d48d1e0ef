"""Is a phase that can order ordered? Its sublattices differ then."""

from collections.abc import Sequence

import numpy as np

from diffneq.thermo.calphad.system import System

_EQUAL = 1e-4


def states(system: System, phases: Sequence[int], log_y: np.ndarray) -> tuple[str, ...]:
    """For each phase "ordered", "disordered", or "" where its model knows no such difference."""
    return tuple(state(system, phase, y) for phase, y in zip(phases, np.exp(log_y), strict=True))


def state(system: System, phase: int, y: np.ndarray) -> str:
    """The same for one phase with the site fractions y."""
    record = system.phases[phase]
    if record.disordered is None:
        return ""
    groups: dict[tuple[str, ...], list[np.ndarray]] = {}
    for s, names in enumerate(record.sublattices):
        places = [k for k, (own, _) in enumerate(record.variables) if own == s]
        if len(places) > 1:
            groups.setdefault(names, []).append(y[places])
    spread = [np.ptp(np.stack(members), axis=0).max() for members in groups.values() if len(members) > 1]
    return "ordered" if max(spread, default=0.0) > _EQUAL else "disordered"


def shown_name(system: System, phase: int, y: np.ndarray) -> str:
    """The name of a phase as a reader knows it: a disordered state has the name of the disordered phase."""
    record = system.phases[phase]
    return str(record.disordered) if state(system, phase, y) == "disordered" else record.name
