"""An invariant reaction of phases that are named, wherever it lies: stable or not."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from diffneq.thermo.calphad.diagrams.events import Event
from diffneq.thermo.calphad.diagrams.reactions import Reaction, reaction
from diffneq.thermo.calphad.diagrams.scan import Start, at_temperature, log_fractions, solved
from diffneq.thermo.calphad.system import System


def invariant(system: System, phases: Sequence[str], T: float, y: Sequence[Any], P: float = 101325.0) -> Reaction:
    """G_k = mu . M_k for three phases of a binary system: the reaction near T and y, by Newton's method.

    No other phase is looked at, so the reaction may be metastable; `binary` finds and certifies the stable ones. Useful
    for phases without a lowest state, such as bcc whose lattice may empty at no cost, and for extrapolations.

    Arguments:
        system: from `build`, of two elements.
        phases: three names.
        T: temperature to start from, K.
        y: site fractions to start from, for each phase (see `PhaseModel.site_fractions`); none of them zero.
        P: pressure, Pa.

    Raises ValueError: not three phases of two elements, or no reaction found from there.
    """
    if len(phases) != 3 or len(system.elements) != 2:
        raise ValueError(
            "An invariant reaction of a binary system has three phases; name three, and build two elements."
        )
    models = [system.phase(name) for name in phases]
    y = [np.asarray(own, float) for own in y]
    if any(len(own) != model.phase.n_y for own, model in zip(y, models, strict=True)):
        raise ValueError(f"Give the site fractions of {', '.join(phases)}, {[m.phase.n_y for m in models]} numbers.")
    energies = [float(m.energy(T, own, P, "formula")) for m, own in zip(models, y, strict=True)]
    moles = np.stack([np.asarray(m.moles(own)) for m, own in zip(models, y, strict=True)])
    mu = np.linalg.lstsq(moles, np.array(energies))[0]
    log_y = np.zeros((3, system.tables.sizes[2]))
    for row, own in zip(log_y, y, strict=True):
        row[: len(own)] = log_fractions(own)
    places = tuple(system.index(name) for name in phases)
    (solution,) = solved(system, P, [Start(places, log_y, mu, float(T), at_temperature(T))])
    if solution is None or np.abs(np.diff(np.sort(solution.x[:, 1]))).min() < 1e-7:
        raise ValueError(f"Newton's method found no reaction of {', '.join(phases)} near {T:g} K; start closer to it.")
    order = np.argsort(solution.x[:, 1])
    x, u = solution.x[order, 1], solution.unknowns
    at = float(u.T)
    own = [np.exp(u.log_y[k])[: models[k].phase.n_y] for k in order]
    S = [float(models[k].entropy(at, f, P)) for k, f in zip(order, own, strict=True)]
    share = (x[1] - x[0]) / (x[2] - x[0])
    # The middle phase is the one of high temperature if it has more entropy than the outer two together.
    pair_below = S[1] > (1 - share) * S[0] + share * S[2]
    mu = u.mu * float(system.tables.gas_constant) * at
    return reaction(system, Event("invariant", at, tuple(places[k] for k in order), tuple(map(float, x)),
                                  u.log_y[order], mu, bool(pair_below)))  # fmt: skip
