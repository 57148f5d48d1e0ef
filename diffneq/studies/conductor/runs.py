"""The simulations of the study, as resumable sweeps: undriven, constant fields, multisine, other sizes."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

from diffneq.drives import Constant
from diffneq.studies.conductor.plan import Plan
from diffneq.sweeps import sweep

_RECORDED = ("electron_temperature", "phonon_temperature")
_FIELD_UNIT = "k_B T_0/(e R)"


def _undriven(plan: Plan, electrons: int):
    model = plan.model(electrons)
    return model, model.dynamics(), Constant(0.0)


def _constant(plan: Plan, field: float, electrons: int):
    model = plan.model(electrons)
    return model, model.dynamics(), Constant(field)


def _multisine(plan: Plan, electrons: int):
    model = plan.model(electrons)
    return model, model.dynamics(), plan.drive()


class Runs:
    """Runs the parts one after another; each has a store of its own under `folder`.

    Arguments: `plan`; `folder` for the stores; `resume`, go on from stores that are there; `devices`, `progress` as in
    `simulate`.
    """

    def __init__(self, plan: Plan, folder: Path, resume: bool = False, devices=None, progress: bool = True):
        self.plan, self.folder, self.resume = plan, folder, resume
        self.devices, self.progress = devices, progress

    def _sweep(self, name: str, build, grid, seeds: int, steps: int, number: int):
        if self.progress:
            print(f"{name}:", file=sys.stderr, flush=True)
        return sweep(
            partial(build, self.plan),
            grid,
            seeds=seeds,
            key=self.plan.seed * 16 + number,
            store=self.folder / f"{name.replace(' ', '-')}.zarr",
            resume=self.resume,
            devices=self.devices,
            progress=self.progress,
            steps=steps,
            record_every=self.plan.record_every,
            record=_RECORDED,
        )

    def equilibrium(self):
        """Undriven replicas."""
        plan = self.plan
        grid = {"electrons": [plan.electrons]}
        return self._sweep("equilibrium", _undriven, grid, plan.replicas, plan.steps(plan.time), 0)

    def constant_fields(self):
        """Constant fields in both directions."""
        plan = self.plan
        fields = sorted({s * f for f in plan.fields for s in (-1.0, 1.0)})
        grid = {"field": (fields, _FIELD_UNIT), "electrons": [plan.electrons]}
        return self._sweep("constant field", _constant, grid, plan.seeds, plan.steps(plan.field_time), 1)

    def multisine(self):
        """Many frequencies at once; the first period is transient."""
        plan = self.plan
        steps = round(plan.drive().period / plan.dt) * (plan.periods() + 1)
        return self._sweep("multisine", _multisine, {"electrons": [plan.electrons]}, plan.replicas, steps, 2)

    def sizes(self):
        """One field at other sizes: a dataset for each number of electrons."""
        plan, out = self.plan, {}
        for electrons in plan.sizes:
            grid = {"field": ([plan.size_field], _FIELD_UNIT), "electrons": [electrons]}
            name = f"size {electrons}"
            out[electrons] = self._sweep(
                name, _constant, grid, plan.seeds_at(electrons), plan.steps(plan.field_time), 3
            )
        return out
