"""From the ledgers of all phases to padded arrays."""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from diffneq.thermo.calphad import expressions
from diffneq.thermo.calphad.constitution import Constitution
from diffneq.thermo.calphad.features import ONE, Affine, Feature, Ledger
from diffneq.thermo.calphad.phases import magnetic_kind
from diffneq.thermo.calphad.physical import CHANNELS, XIONG
from diffneq.thermo.calphad.pieces import EVERYWHERE
from diffneq.thermo.calphad.sizes import bucket
from diffneq.thermo.calphad.tables import Magnetism, Rows, Tables


class Compiled(NamedTuple):
    """A phase with its ledger, its rows of z and its features in the order of the tables."""

    phase: Constitution
    magnetic_hints: dict
    ledger: Ledger
    z: list[Affine]
    features: list[Feature]


def compiled(phase: Constitution, magnetic_hints: dict, ledger: Ledger) -> Compiled:
    """Gives every row of z and every feature of a phase its place: 1, y, then what features and entropy need."""
    products = [*ledger.energy, *(f for _, f in ledger.physical), *(f for _, f in ledger.feature_moles)]
    products += [f for _, f in ledger.feature_entropy]
    features = sorted(set(products), key=lambda f: (len(f), f))
    rows = [phase.site(s, name) for s, name in phase.variables]
    needed = [row for f in features for row in f] + [*ledger.entropy, *(row for row, _ in ledger.feature_entropy)]
    z = list(dict.fromkeys([ONE, *rows, *needed]))
    return Compiled(phase, magnetic_hints, ledger, z, features)


class Sizes(NamedTuple):
    """Padded sizes."""

    phases: int
    elements: int
    n_y: int
    n_z: int
    n_f: int
    degree: int
    n_s: int


def sizes(phases: Sequence[Compiled], elements: int) -> Sizes:
    """The padded sizes that hold all phases."""
    largest = lambda counts: bucket(max([1, *counts]))
    return Sizes(
        bucket(len(phases)),
        bucket(elements),
        largest(len(p.phase.variables) for p in phases),
        largest(len(p.z) for p in phases),
        largest(len(p.features) for p in phases),
        largest(len(f) for p in phases for f in p.features),
        largest(len(p.phase.sublattices) for p in phases),
    )


def tables(
    phases: Sequence[Compiled], elements: tuple[str, ...], units: expressions.Units, gas_constant: float
) -> Tables:
    """The padded arrays of all phases; see tables.py for their meaning."""
    size = sizes(phases, len(elements))
    polynomials, odd = units.table()
    coefficients = np.zeros((bucket(len(polynomials)), polynomials.shape[1]))
    coefficients[: len(polynomials)] = polynomials
    channels = _channels(phases)
    energy = _rows(_energy_entries(phases, size), len(coefficients), size.phases * size.n_f)
    entries = list(_physical_entries(phases, size, channels))
    physical = _rows(iter(entries), len(coefficients), size.phases * len(channels) * size.n_f) if channels else None
    arrays = _constitution_arrays(phases, elements, size)
    return Tables(
        coefficients=jnp.asarray(coefficients),
        energy=energy,
        physical=physical,
        **{name: jnp.asarray(array) for name, array in arrays.items()},
        magnetism=_magnetism(phases, size),
        gas_constant=jnp.asarray(gas_constant, float),
        **_ionic_arrays(phases, elements, size),
        channels=channels,
        expressions=odd,
        physical_varies=any(_varies(row, polynomials) for _, row in entries),
    )


def _channels(phases: Sequence[Compiled]) -> tuple[str, ...]:
    """The channels of CHANNELS that the phases fill, with what the energies of those need besides."""
    used = {name for p in phases for name, _ in p.ledger.physical}
    if used & {"TC", "BM", "NT"}:
        used |= {"TC", "BM"}
        used |= {"NT"} if any(magnetic_kind(p.magnetic_hints) == XIONG for p in phases) else set()
    return tuple(name for name in CHANNELS if name in used)


Entries = Iterator[tuple[int, expressions.Row]]  # (target, row)


def _energy_entries(phases, size: Sizes) -> Entries:
    for n, p in enumerate(phases):
        place = {f: k for k, f in enumerate(p.features)}
        for f, rows in p.ledger.energy.items():
            yield from ((n * size.n_f + place[f], row) for row in rows)


def _physical_entries(phases, size: Sizes, channels: tuple[str, ...]) -> Entries:
    for n, p in enumerate(phases):
        place = {f: k for k, f in enumerate(p.features)}
        for (name, f), rows in p.ledger.physical.items():
            target = (n * len(channels) + channels.index(name)) * size.n_f + place[f]
            yield from ((target, row) for row in rows)


def _rows(entries: Entries, polynomials: int, targets: int) -> Rows:
    """Rows sorted by target and padded by rows of weight 0; equal rows of one target are added."""
    merged: dict[tuple, float] = {}
    for target, row in entries:
        units = [u if u >= 0 else polynomials - 1 - u for u in row.units]  # expressions follow the polynomials
        key = (target, row.multiplier, *[*units, 0, 0][:2], *row.range)
        merged[key] = merged.get(key, 0.0) + row.weight
    table = sorted((key, weight) for key, weight in merged.items() if weight)
    table += [((targets - 1, 0, 0, 0, -math.inf, math.inf), 0.0)] * (bucket(max(1, len(table))) - len(table))
    keys = np.array([key for key, _ in table])
    return Rows(
        weight=jnp.asarray([weight for _, weight in table]),
        multiplier=jnp.asarray(keys[:, 1].astype(np.int32)),
        unit=jnp.asarray(keys[:, 2:4].astype(np.int32)),
        low=jnp.asarray(keys[:, 4]),
        high=jnp.asarray(keys[:, 5]),
        target=jnp.asarray(keys[:, 0].astype(np.int32)),
        targets=targets,
    )


def _varies(row: expressions.Row, polynomials: np.ndarray) -> bool:
    """Does a coefficient depend on T or P?"""
    return bool(row.multiplier or any(u < 0 or polynomials[u][1:].any() for u in row.units) or row.range != EVERYWHERE)


def _constitution_arrays(phases, elements: tuple[str, ...], size: Sizes) -> dict[str, np.ndarray]:
    result = {
        "factors": np.zeros((size.phases, size.n_f, size.degree), np.int32),
        "constant": np.zeros((size.phases, size.n_z)),
        "extended": np.zeros((size.phases, size.n_z, size.n_y)),
        "entropy": np.zeros((size.phases, size.n_z)),
        "moles": np.zeros((size.phases, size.elements, size.n_y)),
        "sites": np.zeros((size.phases, size.n_s, size.n_y)),
        "charge": np.zeros((size.phases, size.n_y)),
        "present": np.zeros((size.phases, size.n_y), bool),
    }
    for n, p in enumerate(phases):
        for k, row in enumerate(p.z):
            result["constant"][n, k] = row.constant
            for j, weight in row.linear:
                result["extended"][n, k, j] = weight
            result["entropy"][n, k] = p.ledger.entropy.get(row, 0.0)
        for f, product in enumerate(p.features):
            result["factors"][n, f, : len(product)] = [p.z.index(row) for row in product]
        for j, (s, name) in enumerate(p.phase.variables):
            species = p.phase.species[name]
            result["present"][n, j] = True
            result["sites"][n, s, j] = 1.0
            if p.phase.is_ionic:
                continue
            result["charge"][n, j] = p.phase.site_ratios[s] * species.charge
            for element, amount in species.constituents.items():
                if element != "VA":
                    result["moles"][n, elements.index(element), j] = p.phase.site_ratios[s] * amount
    return result


def _ionic_arrays(phases, elements: tuple[str, ...], size: Sizes) -> dict:
    if not any(p.phase.is_ionic for p in phases):
        return {"feature_moles": None, "feature_entropy": None}
    moles = np.zeros((size.phases, size.elements, size.n_f))
    entropy = np.zeros((size.phases, size.n_z, size.n_f))
    for n, p in enumerate(phases):
        for (element, f), weight in p.ledger.feature_moles.items():
            moles[n, elements.index(element), p.features.index(f)] = weight
        for (row, f), weight in p.ledger.feature_entropy.items():
            entropy[n, p.z.index(row), p.features.index(f)] = weight
    return {"feature_moles": jnp.asarray(moles), "feature_entropy": jnp.asarray(entropy)}


def _magnetism(phases, size: Sizes) -> Magnetism:
    kind, structure, afm = np.zeros(size.phases, np.int32), np.zeros(size.phases), np.zeros(size.phases)
    for n, p in enumerate(phases):
        kind[n] = magnetic_kind(p.magnetic_hints)
        if kind[n]:
            structure[n] = p.magnetic_hints["ihj_magnetic_structure_factor"]
            afm[n] = p.magnetic_hints["ihj_magnetic_afm_factor"]
    return Magnetism(jnp.asarray(kind), jnp.asarray(structure), jnp.asarray(afm))
