"""The command `diffneq diagram`: the phase diagram of two components, its invariants, a picture and files."""

import csv
import dataclasses
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax

from diffneq.plotting import binary_phase_diagram
from diffneq.thermo.calphad.database import load
from diffneq.thermo.calphad.diagrams import BinaryDiagram, binary
from diffneq.thermo.calphad.system import build


@dataclasses.dataclass(frozen=True)
class Report:
    """A diagram and the files made of it; `components` in the order of whoever asked."""

    diagram: BinaryDiagram
    components: tuple[str, str]
    notes: tuple[str, ...]
    files: tuple[Path, ...]

    def to_dict(self) -> dict[str, Any]:
        """For a program: x are mole fractions of the second component as it was named."""
        record = self.diagram.to_dict()
        for name in ("invariants", "points"):
            record[name] = [self._turned(entry) for entry in record[name]]
        return {
            "components": list(self.components), **{k: v for k, v in record.items() if k != "elements"},
            "notes": [*self.notes, *record["notes"]], "files": [str(path) for path in self.files],
        }  # fmt: skip

    def _turned(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        if self.components == self.diagram.elements:
            return dict(entry)
        phases = [{**phase, "x": 1.0 - phase["x"]} for phase in reversed(entry["phases"])]
        return {**entry, "phases": phases}

    def table(self) -> str:
        """For a reader."""
        record = self.to_dict()
        lines = [f"{record['name']}: {' - '.join(self.components)}, {record['T'][0]:g} to {record['T'][1]:g} K"]
        for title, entries in (("invariant reactions", record["invariants"]), ("other points", record["points"])):
            lines += ["", f"{title}; x({self.components[1]}) of each phase"] if entries else []
            for entry in entries:
                phases = "   ".join(f"{phase['name']} {phase['x']:.4f}" for phase in entry["phases"])
                lines.append(f"  {entry['T']:9.2f} K  {entry['kind']:36} {phases}")
        return "\n".join([*lines, *(f"note: {note}" for note in record["notes"])])


def run(
    file: str,
    components: Sequence[str],
    temperature: Sequence[float] | None = None,
    phases: Sequence[str] | None = None,
    out: str | Path | None = None,
    progress: bool = True,
) -> Report:
    """The diagram of two components of a database; writes a picture, the curves and the labelled dataset.

    Args:
        file: of the database, or the name of one that is shipped.
        components: two elements.
        temperature: lowest and highest, K; by default from 300 K to somewhat above the last melting point.
        phases: by default all that the elements allow.
        out: folder of the files; by default ./diagram-A-B.
        progress: show a bar when it takes more than two seconds.

    Raises:
        ValueError: what is wrong with the database, the names or the temperatures, in a sentence.
    """
    names = tuple(name.upper() for name in components)
    if len(set(names)) != 2 or len(names) != 2:
        raise ValueError(f"A binary diagram needs two different components, got {' '.join(names)}; for example AL ZN.")
    span = None if temperature is None else (float(temperature[0]), float(temperature[1]))
    with jax.enable_x64(True), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the notes of the system say the same, and the report holds them
        system = build(load(file), names, phases)
        diagram = binary(system, span, progress=progress)
    folder = Path(f"diagram-{names[0]}-{names[1]}" if out is None else out)
    return Report(diagram, (names[0], names[1]), system.notes, write(diagram, folder))


def write(diagram: BinaryDiagram, folder: Path) -> tuple[Path, ...]:
    """The files of a diagram: diagram.png, boundaries.csv, diagram.nc."""
    folder.mkdir(parents=True, exist_ok=True)
    picture, curves, everything = (folder / name for name in ("diagram.png", "boundaries.csv", "diagram.nc"))
    data = diagram.dataset
    binary_phase_diagram(data).savefig(picture)
    second = diagram.elements[1]
    with curves.open("w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(["region", "phase_1", "phase_2", "T_K", f"x1_{second}", f"x2_{second}",
                        *(f"mu_{e}_J_per_mol" for e in diagram.elements)])  # fmt: skip
        for k, region in enumerate(diagram.regions):
            for T, x, mu in zip(region.T, region.x, region.mu, strict=True):
                table.writerow([k, *region.phases, f"{T:.6f}", *(f"{v:.9g}" for v in (*x, *mu))])
    data.to_netcdf(everything)
    return picture, curves, everything
