"""What a simulation returns: labelled records, the final state, and where the numbers come from."""

from __future__ import annotations

import hashlib
import importlib.metadata
import platform
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np

from diffneq.dynamics.state import State, observed_units


@dataclass(frozen=True)
class Result:
    """Records and state of R replicas.

    Arguments:
        records: name -> (R, n_records), or (R, n_records, ...) of a record that is an array; after a replica was lost
            nan, of integers 0.
        time: end of each record, (n_records,) float64 [t]; (R, n_records) where dt is stacked over replicas.
        state: the state after the last step, which `simulate(start=...)` continues.
        status: (R,) step at which a replica was lost, 0 where all is well.
        failures: a sentence for each lost replica.
        warnings: sentences about the whole run.
        units: name -> unit.
        provenance: versions, dtype, device, configuration.
        diagnostics: energy balance and what the lists did.
    """

    records: dict[str, np.ndarray]
    time: np.ndarray
    state: State
    status: np.ndarray
    failures: list[str]
    warnings: list[str]
    units: dict[str, str]
    provenance: dict[str, Any]
    diagnostics: dict[str, Any] = field(default_factory=dict)
    model: Any = None

    @classmethod
    def gather(cls, model, dynamics, run, steps, record_every, names, valid, identity, lists) -> Result:
        count, total = int(valid.sum()), steps // record_every
        keep = slice(0, count)
        records, none = {}, np.zeros((0, len(valid)))
        for name in names:
            values = np.moveaxis(np.concatenate(run.records.get(name, [none]), axis=0), 0, 1)[keep]
            # Where every replica was lost, the run ended early.
            beyond = ((0, 0), (0, total - values.shape[1])) + ((0, 0),) * (values.ndim - 2)
            records[name] = np.pad(values, beyond, constant_values=_nothing(values))
        steps_done = run.first_step + record_every * np.arange(1, total + 1, dtype=float)
        time = np.asarray(dynamics.dt)[..., None] * steps_done
        for r in np.flatnonzero(run.failed[keep]):
            first_bad = max(0, (int(run.failed[r]) - 1 - run.first_step) // record_every)
            for values in records.values():
                values[r, first_bad:] = _nothing(values)
        balance = run.energy - run.first_energy - run.work - run.heat
        diagnostics = {
            "energy": run.energy[keep],
            "energy_change": (run.energy - run.first_energy)[keep],
            "work": run.work[keep],
            "heat": run.heat[keep],
            "energy_error": balance[keep],
            "reruns": lists.reruns,
            "list_cadence": lists.cadence,
            "list_skin": None if lists.plan is None else lists.plan.skin,
            "list_slots": None if lists.plan is None else lists.plan.slots,
            "farthest_move": run.farthest,
        }
        state = jax.tree.map(lambda x: x[keep], run.state)
        known = {**observed_units(dynamics), **model.units}
        units = {name: known.get(name, "") for name in records}
        failures = sorted(run.failures, key=lambda sentence: int(sentence.split()[1]))  # by replica
        return cls(records, time, state, run.failed[keep], failures, run.warnings, units, identity, diagnostics, model)

    def positions(self, replica: int = 0) -> np.ndarray:
        """Positions (N, d) of one replica [L], inside the box."""
        of_one = lambda x: np.asarray(x, float)[replica] if np.ndim(x) else np.asarray(x, float)
        torus = jax.tree.map(of_one, self.model.box.torus)
        along = torus.unsheared(tuple(np.asarray(u[replica], float) for u in self.state.displacement))
        columns = [
            (np.asarray(anchor[replica], float) * (period / 2.0**32) + x) % period
            for anchor, x, period in zip(self.state.anchor, along, torus.extent, strict=True)
        ]
        return np.stack(torus.sheared(tuple(columns)), axis=1)

    def dataset(self):
        """`xarray.Dataset` with dimensions (run, time), units in the attributes of each variable."""
        import xarray

        variables: dict[str, Any] = {
            name: (
                ("run", "time", *(f"{name}_{k}" for k in range(values.ndim - 2))),
                values,
                {"units": self.units[name]},
            )
            for name, values in self.records.items()
        }
        variables["status"] = (("run",), self.status, {"long_name": "step at which the replica was lost, 0: none"})
        coordinates = {"time": ("time", self.time, {"units": "t"}), "run": np.arange(len(self.status))}
        if self.time.ndim == 2:
            coordinates["time"] = np.arange(self.time.shape[1])
            variables["end"] = (("run", "time"), self.time, {"units": "t", "long_name": "end of each record"})
        attributes = {key: str(value) for key, value in self.provenance.items()}
        attributes["failures"] = " ".join(self.failures)
        return xarray.Dataset(variables, coordinates, attributes)


def _nothing(values: np.ndarray):
    """What stands for no record."""
    return np.nan if np.issubdtype(values.dtype, np.inexact) else 0


def describe(batch, keys, steps: int, record_every: int, names, start, skin) -> dict[str, Any]:
    """The identity of a run: what must agree for a checkpoint to go on from, and the provenance of its result."""
    digest = hashlib.sha256()
    leaves, tree = jax.tree.flatten(batch.system)
    digest.update(str(tree).encode())
    for leaf in leaves:
        array = np.asarray(leaf) if not callable(leaf) else np.zeros(0)
        digest.update(str(array.shape).encode() + str(array.dtype).encode() + array.tobytes())
    if start is not None:
        for leaf in jax.tree.leaves(start):
            digest.update(np.asarray(leaf).tobytes())
    return {
        "system": digest.hexdigest()[:16],
        "keys": hashlib.sha256(np.asarray(jax.random.key_data(keys)).tobytes()).hexdigest()[:16],
        "replicas": len(keys),
        "steps": int(steps),
        "record_every": int(record_every),
        "record": ",".join(names),
        "skin": str(skin),
        "dtype": str(batch.system[0].mass.dtype),
        "device": jax.devices()[0].device_kind,
        "diffneq": _version("diffneq"),
        "jax": jax.__version__,
        "jaxlib": _version("jaxlib"),
        "python": platform.python_version(),
    }


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "unknown"
