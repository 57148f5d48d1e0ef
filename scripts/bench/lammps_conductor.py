"""The peer on the soft conductor: one LAMMPS run a field, fields shared by the cores.

Each run goes on from the last state of the one before and records means of the current J = sum v_x of the
electrons, so that the very runs that are timed give the conductivity.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from . import inputs
from .lammps_run import CHECK, Log, cores, folder, quickest, run_together, together
from .report import Conductivity, Contender, Rate, conductivity

EVERY, INTERVAL = 10, 1000  # J is sampled every 10 steps and averaged over 1,000 (10 units of time)


class _Conductor:
    """The runs of every field: inputs, states carried from one run to the next, recorded currents."""

    def __init__(self, case: inputs.ConductorCase, seed: int):
        self.case, self.where = case, folder("conductor")
        inputs.write_pair_table(self.where / "pair.table", case.stiffness, case.diameter)
        positions = inputs.conductor_positions(case, seed)
        inputs.write_data(self.where / "start.data", case.lengths, positions, case.species)
        self.seeds = iter(range(7000 + 100_000 * seed, 10**8))
        self.series: dict[float, list[np.ndarray]] = {field: [] for field in case.fields}

    def section(self, field: float, steps: int, skin: float, source: str, target: str = "", record: str = "") -> str:
        """One run at one field from the data file `source`, leaving its last state in `target`."""
        case = self.case
        means = f"{EVERY} {INTERVAL // EVERY} {INTERVAL} c_speed c_warmth file {record}"
        return f"""
clear
units lj
atom_style atomic
dimension 2
boundary p p p
read_data {source}
group electrons type 1
group phonons type 2
group mobile type 1 2
{f"velocity mobile create 1.0 {next(self.seeds)} loop geom" if source == "start.data" else ""}
pair_style table linear 2000
pair_coeff * * pair.table HERTZ
neighbor {skin} bin
{CHECK}
neigh_modify exclude type 3 3
fix move mobile nve
fix noise phonons langevin 1.0 1.0 {1 / case.damping_rate} {next(self.seeds)}
{f"fix drive electrons addforce {field} 0.0 0.0" if field else ""}
fix flat mobile enforce2d
compute speed electrons reduce sum vx
compute warmth phonons temp
{f"fix means all ave/time {means}" if record else ""}
timestep {case.step}
thermo {steps}
run {steps}
{f"write_data {target} nocoeff" if target else ""}
"""

    def scripts(self, section: Callable[[float], str]) -> list[str]:
        """One script a core: its share of the fields, one section after the other."""
        return ["".join(section(field) for field in self.case.fields[core :: cores()]) for core in range(cores())]

    def warm_up(self, skin: float) -> None:
        """Equilibrate under each field until the transient is over."""
        run_together(
            self.scripts(lambda e: self.section(e, self.case.transient, skin, "start.data", f"state-{e}.data")),
            self.where,
        )

    def run(self, steps: int, skin: float, suffix: str) -> list[Log]:
        """Every field `steps` further, all cores at once; records current and phonon temperature."""

        def onwards(field: float) -> str:
            state = f"state-{field}.data"
            return self.section(field, steps, skin, state, state, f"means-{field}.txt")

        logs = run_together(self.scripts(onwards), self.where, suffix=suffix)
        for field, rows in self.series.items():
            rows.append(np.loadtxt(self.where / f"means-{field}.txt", ndmin=2)[:, 1:])
        return logs

    def conductivities(self) -> tuple[Conductivity, ...]:
        """sigma = <J>/(A E) of each field from everything recorded so far."""
        found = {field: np.concatenate(rows) for field, rows in self.series.items()}
        return tuple(conductivity(field, rows[:, 0], rows[:, 1], self.case.area) for field, rows in found.items())


def prepare_conductor(
    case: inputs.ConductorCase, steps: int, seed: int = 1, skins: Sequence[float] = (0.6, 0.8, 1.0, 1.5)
) -> Contender:
    """The conductor's fields spread over the cores, the pair law as a table, LAMMPS' best skin."""
    if steps % INTERVAL:
        raise ValueError(f"the current is averaged over {INTERVAL} steps: ask for a multiple of that")
    job = _Conductor(case, seed)
    job.warm_up(1.0)
    middle = case.fields[len(case.fields) // 2]
    suffix, skin = quickest(
        job.where, skins, ("opt", "omp"), lambda s: job.section(middle, 2000, s, f"state-{middle}.data")
    )

    def measure() -> Rate:
        logs = job.run(steps, skin, suffix)
        note = f"-sf {suffix}, skin {skin}, a list every {logs[0].steps_per_list:.0f} steps"
        return together("conductor", case.particles, len(case.fields), steps, logs, note)

    return Contender(measure, job.conductivities)
