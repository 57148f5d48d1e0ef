"""LAMMPS on the ionic materials: tables for softBV, born/coul/long and buck/coul/long with PPPM for the others."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .electrolyte_cases import (
    ACCURACY,
    CUTOFFS,
    DAMPING_FEMTOSECONDS,
    FEMTOSECONDS,
    KELVIN,
    Case,
    build,
)
from .lammps_run import CHECK, cores, folder, quickest, run_together, together
from .report import Contender, Rate

_POINTS = 4000  # of each table, in r^2: LAMMPS interpolates linearly


def write_data(path: Path, case: Case) -> None:
    """Ions with the charges of the force field, types counted from one."""
    structure = case.structure
    mass, charge = np.asarray(case.model.mass), case.field.charges
    edges = np.diag(structure.cell)
    lines = ["ions", "", f"{structure.size} atoms", f"{len(structure.names)} atom types", ""]
    lines += [f"0 {edge:.12g} {axis}lo {axis}hi" for edge, axis in zip(edges, "xyz", strict=True)]
    lines += ["", "Masses", "", *(f"{k + 1} {m:.8g}" for k, m in enumerate(mass)), "", "Atoms # charge", ""]
    kind = np.repeat(np.arange(len(structure.counts)), structure.counts)
    for i, (k, place) in enumerate(zip(kind, structure.positions % edges, strict=True)):
        lines.append(f"{i + 1} {k + 1} {charge[k]:.10g} " + " ".join(f"{x:.12g}" for x in place))
    path.write_text("\n".join(lines) + "\n")


def write_tables(path: Path, case: Case) -> None:
    """Energy and force of each pair of species from our law, at equal steps of r^2."""
    import jax.numpy as jnp

    from diffneq.particles.pair_laws import pair_force

    cutoff = CUTOFFS[case.name]
    r = np.sqrt(np.linspace(0.6**2, cutoff**2, _POINTS))
    parts = []
    for a in range(len(case.structure.names)):
        for b in range(a, len(case.structure.names)):
            law = case.law.for_pair(a, b)
            energy, force = np.asarray(law.energy(jnp.asarray(r))), np.asarray(pair_force(law, jnp.asarray(r)))
            rows = (
                f"{i + 1} {x:.10g} {u:.10g} {f:.10g}" for i, (x, u, f) in enumerate(zip(r, energy, force, strict=True))
            )
            parts.append(f"P{a + 1}{b + 1}\nN {_POINTS} RSQ 0.6 {cutoff:.10g}\n\n" + "\n".join(rows) + "\n")
    path.write_text("\n".join(parts))


def interaction(case: Case) -> str:
    """The pair_style lines."""
    size, cutoff = len(case.structure.names), CUTOFFS[case.name]
    pairs = [(a, b) for a in range(size) for b in range(a, size)]
    if case.name == "llzo-softbv":
        lines = [f"pair_style table linear {_POINTS}"]
        return "\n".join(lines + [f"pair_coeff {a + 1} {b + 1} pairs.table P{a + 1}{b + 1}" for a, b in pairs])
    law = case.law.law
    if case.name == "nacl":
        lines = [f"pair_style born/coul/long {cutoff}"]
        for a, b in pairs:
            numbers = [law.strength[a, b], law.length, law.contact[a, b], law.sextic[a, b], -law.octic[a, b]]
            lines.append(f"pair_coeff {a + 1} {b + 1} " + " ".join(f"{float(x):.10g}" for x in numbers))
    else:
        lines = [f"pair_style buck/coul/long {cutoff}"]
        for a, b in pairs:
            numbers = [law.strength[a, b], law.length[a, b], law.dispersion[a, b]]
            lines.append(f"pair_coeff {a + 1} {b + 1} " + " ".join(f"{float(x):.10g}" for x in numbers))
    return "\n".join([*lines, f"kspace_style pppm {ACCURACY}"])


def section(case: Case, skin: float, steps: int) -> str:
    """The whole input; metal units, so that the time step is in ps."""
    kelvin = KELVIN[case.name]
    return f"""
clear
units metal
atom_style charge
read_data ions.data
{interaction(case)}
velocity all create {kelvin} 4711 loop geom
neighbor {skin} bin
{CHECK}
fix move all nve
fix bath all langevin {kelvin} {kelvin} {DAMPING_FEMTOSECONDS / 1000} 12345
timestep {FEMTOSECONDS / 1000}
thermo {steps}
run {steps}
"""


def prepare(name: str, steps: int, one_a_core: bool = False) -> Contender:
    """One system over all cores, or copies one a core; suffix and skin by trial."""
    case, where = build(name), folder(name)
    write_data(where / "ions.data", case)
    if name == "llzo-softbv":
        write_tables(where / "pairs.table", case)
    suffix, skin = quickest(where, (0.6, 1.0, 1.5), ("opt", "omp"), lambda s: section(case, s, max(50, steps // 5)))
    replicas, processes = (cores(), 1) if one_a_core else (1, cores())

    def measure() -> Rate:
        logs = run_together([section(case, skin, steps)] * replicas, where, processes, suffix)
        note = f"-sf {suffix}, skin {skin}, a list every {logs[0].steps_per_list:.1f} steps"
        return together(name, case.structure.size, replicas, steps, logs, note)

    return Contender(measure)
