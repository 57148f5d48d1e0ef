"""The peer: LAMMPS on the same problems, set up for its own best speed.

Each `prepare_...` writes the inputs, equilibrates, tries its settings where it is told to, and returns a
`Contender`. One system runs over two MPI processes; many replicas run as one process a core, all cores at
once. Rates come from LAMMPS' own "Loop time" (setting up is not counted), lists are rebuilt with `check
yes`, so that nobody outruns them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from . import inputs
from .lammps_run import CHECK, cores, folder, quickest, run_together, thermo_rows, together
from .report import Contender, Rate

LJ = f"""
pair_style lj/cut 2.5
pair_modify shift yes
pair_coeff 1 1 1.0 1.0 2.5
neighbor 0.3 bin
{CHECK}
fix move all nve
timestep {inputs.LJ_STEP}
thermo_style custom step temp etotal
thermo_modify format float %.12g
"""


def prepare_lj(particles: int, steps: int, one_a_core: bool = False) -> Contender:
    """The melt of LAMMPS' bench/in.lj: fcc at 0.8442, T = 1.44, r_c 2.5, skin 0.3, dt 0.005, `-sf opt`.

    Where `one_a_core`, independent copies run as one process a core; otherwise one system over all cores.
    """
    where, cells = folder("lj"), inputs.lj_cells(particles)
    melt = f"""
units lj
atom_style atomic
lattice fcc {inputs.LJ_DENSITY}
region box block 0 {cells} 0 {cells} 0 {cells}
create_box 1 box
create_atoms 1 box
mass 1 1.0
velocity all create {inputs.LJ_TEMPERATURE} 87287 loop geom
{LJ}
run {max(200, min(1000, 4_000_000 // particles))}
write_data melt.data nocoeff
"""
    run_together([melt], where, cores())
    script = f"units lj\natom_style atomic\nread_data melt.data\n{LJ}\nthermo {steps}\nrun {steps}\n"
    replicas, processes = (cores(), 1) if one_a_core else (1, cores())

    def measure() -> Rate:
        logs = run_together([script] * replicas, where, processes)
        rows = thermo_rows(logs[0].text)
        note = f"E/N drift {rows[-1][2] - rows[0][2]:+.1e}, a list every {logs[0].steps_per_list:.1f} steps"
        return together(f"lj-{particles}", particles, replicas, steps, logs, note)

    return Contender(measure)


def _wca_section(skin: float, steps: int, seed: int, source: str = "start.data", velocities: bool = True) -> str:
    """One replica of 500 WCA disks with Langevin noise, damping time 1, T = 1."""
    cutoff = 2 ** (1 / 6)
    return f"""
clear
units lj
atom_style atomic
dimension 2
boundary p p p
read_data {source}
{f"velocity all create 1.0 {seed} loop geom" if velocities else ""}
pair_style lj/cut {cutoff:.12f}
pair_modify shift yes
pair_coeff 1 1 1.0 1.0 {cutoff:.12f}
neighbor {skin} bin
{CHECK}
fix move all nve
fix noise all langevin 1.0 1.0 {1 / inputs.WCA_DAMPING_RATE} {seed}
fix flat all enforce2d
timestep {inputs.WCA_STEP}
thermo_style custom step temp etotal
thermo {max(1, steps // 20)}
run {steps}
"""


def prepare_wca(replicas: int = 32, steps: int = 2000, skins: Sequence[float] = (0.3, 0.4, 0.5, 0.6, 0.8)) -> Contender:
    """`replicas` systems of 500 disks (density 0.6), one process a core, replicas in sequence in each."""
    where = folder("wca")
    positions, side = inputs.wca_lattice()
    inputs.write_data(where / "start.data", (side, side), positions, np.zeros(len(positions), int))
    run_together([_wca_section(0.4, 4000, 11) + "write_data warm.data nocoeff\n"], where)
    suffix, skin = quickest(where, skins, ("opt", "omp"), lambda s: _wca_section(s, 4000, 12, "warm.data"))
    seeds = iter(range(1000, 10**8))

    def measure() -> Rate:
        share = replicas // cores()
        scripts = [
            "".join(_wca_section(skin, steps, next(seeds), "warm.data") for _ in range(share)) for _ in range(cores())
        ]
        logs = run_together(scripts, where, suffix=suffix)
        temperature = np.mean([row[1] for log in logs for row in thermo_rows(log.text)])
        cadence = f"a list every {logs[0].steps_per_list:.1f} steps"
        note = f"-sf {suffix}, skin {skin}, {cadence}, T = {temperature:.3f}"
        return together("wca-500", len(positions), share * cores(), steps, logs, note)

    return Contender(measure)
