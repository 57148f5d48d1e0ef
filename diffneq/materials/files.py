"""Structures from ASE and to extended XYZ. ASE's units are ours: angstrom, eV, u, and t0 = angstrom sqrt(u/eV)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from diffneq.models.structure import Structure
from diffneq.models.tracks import unwrapped


def from_atoms(atoms: Any, names: Sequence[str] | None = None) -> Structure:
    """The structure of an ASE `Atoms`, with its velocities if it has any.

    The cell is turned to the standard orientation of `Box.triclinic` where it is not rectangular, and ions are put in
    order of their species.

    Arguments: `names`, the order of the species; default that in which they come.

    Raises:
        ValueError: where the atoms are not periodic in all three directions.
    """
    if not np.all(atoms.pbc) or atoms.cell.rank < 3:
        raise ValueError("from_atoms: the atoms must be periodic in three directions, atoms.pbc = True, with a cell.")
    cell = np.asarray(atoms.cell[:], float)
    if np.linalg.det(cell) < 0:
        raise ValueError("from_atoms: the cell is left-handed; exchange two of its edges.")
    speeds = atoms.get_velocities() if atoms.has("momenta") else None
    return Structure.of(atoms.get_chemical_symbols(), atoms.get_positions(), cell, names, speeds)


def read(path: str | Path, names: Sequence[str] | None = None, index: int = -1) -> Structure:
    """The structure in any file that ASE reads; `index` is that of the frame."""
    return from_atoms(_ase_io().read(str(path), index=index), names)


def to_atoms(structure: Structure, mass=None):
    """ASE `Atoms` of a structure, with velocities; `mass`, one a species [u], default ASE's."""
    _ase_io()
    from ase import Atoms

    masses = None if mass is None else np.repeat(np.asarray(mass, float), structure.counts)
    atoms = Atoms(structure.symbols, structure.positions, cell=structure.cell, pbc=True, masses=masses)
    if structure.velocities is not None:
        atoms.set_velocities(np.asarray(structure.velocities, float))
    return atoms


def last_structure(result, replica: int = 0) -> Structure:
    """Where the ions of a run are at its end, with velocities."""
    model = result.model
    speed = np.stack([np.asarray(v[replica], float) for v in result.state.velocity], axis=1)
    return Structure(model.box, model.names, model.counts, result.positions(replica), speed)


def write_extxyz(path: str | Path, structures: Sequence[Structure], mass=None) -> None:
    """Frames to an extended XYZ file; velocities are written as momenta, which is how ASE keeps them."""
    _ase_io().write(str(path), [to_atoms(s, mass) for s in structures], format="extxyz")


def write_trajectory(path: str | Path, result, replica: int = 0) -> None:
    """The records "places" of a run as continuous positions in an extended XYZ file, with the time [t0] of each."""
    if "places" not in result.records:
        raise ValueError('write_trajectory: run with simulate(..., record=("places",)) to keep a trajectory.')
    model = result.model
    paths = unwrapped(model, result.records["places"][replica : replica + 1])[0]
    frames = []
    for place, time in zip(paths, result.time, strict=True):
        frames.append(to_atoms(Structure(model.box, model.names, model.counts, place), model.mass))
        frames[-1].info["time_t0"] = float(time)
    _ase_io().write(str(path), frames, format="extxyz")


def _ase_io():
    try:
        import ase.io
    except ImportError as missing:
        raise ImportError("Reading and writing structures needs ASE: pip install 'diffneq[ase]'.") from missing
    return ase.io
