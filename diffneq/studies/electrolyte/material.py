"""From the name of a material to a model, and what the runs need to know of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import jax
import numpy as np

from diffneq.materials import cubic_llzo, edge_of_density, electrolyte, rock_salt, softbv, teter, tosi_fumi
from diffneq.materials.files import read
from diffneq.materials.tosi_fumi import SALTS
from diffneq.models.electrolyte import Electrolyte
from diffneq.models.structure import Structure
from diffneq.models.tracks import framework
from diffneq.options.electrolyte import ElectrolyteOptions

# A share of the density of the crystal: that of the melt, where none is given.
_MELT = 0.72
_CUTOFFS = {"softbv": 6.0, "teter": 8.0, "tosi-fumi": 9.0}
_LEAST_IONS = 150
# That of the source, whose crystal keeps its framework to about 1000 K in this cell, under pressure. At 0.785, where
# the static pressure vanishes, oxygen collapses onto oxygen and the framework flows from 500 K on.
_SOFTBV_FACTOR = 1.0
# Ions of a framework that have gone this share of their nearest distance do not come back.
_FLOWS = 0.4


@dataclass(frozen=True)
class Material:
    """A model with what is known of the material.

    `structure`; `hop`, the distance between sites of a mobile ion [A]; `anneal`, the temperature at which the start is
    forgotten [K]; `solid`, whether it has a framework that must not flow; `framework_distance`, between neighbours in
    the framework [A]; `description` of cell and potential.
    """

    model: Electrolyte
    structure: Structure
    hop: float
    anneal: float
    solid: bool
    framework_distance: float
    description: str

    @property
    def volume(self) -> float:
        return float(self.model.box.volume)

    @property
    def carriers(self) -> int:
        """Mobile ions."""
        return sum(n for n, yes in zip(self.model.counts, self.model.is_carrier, strict=True) if yes)

    @property
    def flow_limit(self) -> float:
        """Root mean square displacement [A] at which the framework counts as molten."""
        return _FLOWS * self.framework_distance


def material(options: ElectrolyteOptions) -> Material:
    """The model that is asked for.

    Raises:
        ValueError: for an unknown material, a potential without its elements, a cell that is not neutral.
    """
    name = options.material
    if name.lower() == "llzo":
        return _garnet(options)
    if name in SALTS:
        return _salt(options)
    if Path(name).suffix or Path(name).exists():
        return _from_file(options)
    raise ValueError(f"material is llzo, one of {', '.join(SALTS)}, or a file with a structure; got {name!r}.")


def _garnet(options: ElectrolyteOptions) -> Material:
    potential = options.potential or "teter"
    structure = cubic_llzo(jax.random.key(options.seed), options.repeats or 1)
    model = _model(structure, potential, None, options)
    edge = float(structure.cell[0, 0]) / (options.repeats or 1)
    words = f"cubic Li7La3Zr2O12, fixed cell, a = {edge:.3f} A, {structure.size} ions, {_words(potential, model)}"
    return Material(model, structure, 1.7, 1200.0, True, _nearest(model, structure), words)


def _salt(options: ElectrolyteOptions) -> Material:
    name, potential = options.material, options.potential or "tosi-fumi"
    crystal = rock_salt(name)
    edge = float(crystal.cell[0, 0]) / _MELT ** (1 / 3)
    if options.density is not None:
        edge = edge_of_density(name, options.density)
    structure = rock_salt(name, options.repeats or 3, edge)
    model = _model(structure, potential, name, options)
    side = float(structure.cell[0, 0])
    words = f"molten {name}, fixed cell, {structure.size} ions in ({side:.3f} A)^3, {_words(potential, model)}"
    hot = 1.5 * max(options.temperatures)
    return Material(model, structure, edge / 2, hot, False, edge / 2, words)


def _from_file(options: ElectrolyteOptions) -> Material:
    if not Path(options.material).exists():
        raise ValueError(f"there is no file {options.material}.")
    structure = read(options.material)
    if options.repeats:
        structure = structure.supercell(options.repeats)
    if options.potential is None:
        raise ValueError("a structure from a file needs a potential: give --potential softbv or teter.")
    model = _model(structure, options.potential, None, options)
    words = f"{Path(options.material).name}, fixed cell, {structure.size} ions, {_words(options.potential, model)}"
    hop = max(1.5, 0.5 * (float(model.box.volume) / _carriers(model)) ** (1 / 3))
    solid = not all(model.is_carrier)
    return Material(model, structure, hop, max(options.temperatures), solid, _nearest(model, structure), words)


def _model(structure: Structure, potential: str, salt: str | None, options: ElectrolyteOptions) -> Electrolyte:
    reach = min(_CUTOFFS[potential], 0.49 * min(float(h) for h in structure.box.heights))
    if structure.size < _LEAST_IONS and reach < _CUTOFFS[potential]:
        raise ValueError(
            f"a cell of {structure.size} ions is too small for the cutoff of {_CUTOFFS[potential]:g} A of {potential}: "
            f"give --repeats {2 if options.repeats is None else options.repeats + 1}."
        )
    if potential == "softbv":
        field = softbv(structure.names, structure.counts, _SOFTBV_FACTOR)
    elif potential == "teter":
        field = teter(structure, cutoff=reach)
    elif salt is None:
        raise ValueError("tosi-fumi is for alkali halides by name, for example diffneq electrolyte NaCl.")
    else:
        field = tosi_fumi(salt, structure, cutoff=reach)
    carriers = structure.names if salt else None
    return electrolyte(structure, field, carriers, coupling=options.coupling)


def _words(potential: str, model: Electrolyte) -> str:
    names = {"softbv": f"softBV, f = {_SOFTBV_FACTOR:g}", "teter": "Teter, PME", "tosi-fumi": "Tosi-Fumi, PME"}
    return f"{names[potential]}, r_c = {model.cutoff:.3g} A"


def _carriers(model: Electrolyte) -> int:
    return sum(n for n, yes in zip(model.counts, model.is_carrier, strict=True) if yes)


def _nearest(model: Electrolyte, structure: Structure) -> float:
    """Mean distance of a framework ion from its nearest framework neighbour [A]."""
    held = structure.positions[framework(model)]
    if len(held) < 2:
        return 2.0
    cell = structure.cell
    some = held[:: max(1, len(held) // 64)]
    apart = (some[:, None] - held[None]) @ np.linalg.inv(cell)
    distance = np.linalg.norm((apart - np.round(apart)) @ cell, axis=-1)
    distance[distance < 1e-6] = np.inf
    return float(distance.min(1).mean())
