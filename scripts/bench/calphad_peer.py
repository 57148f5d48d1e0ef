"""pycalphad on the same systems, warm: `equilibrium` over a Cartesian grid, and `Workspace` point by point."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import Any

from .calphad_cases import Case


class Peer:
    """One system with its models built and compiled once, as a user with many conditions would."""

    def __init__(self, case: Case, phases: tuple[str, ...]):
        import pycalphad
        from pycalphad import variables as v
        from pycalphad.codegen.phase_record_factory import PhaseRecordFactory
        from pycalphad.core.utils import instantiate_models

        self.case, self.v, self.phases = case, v, list(phases)
        self.database = pycalphad.Database(str(case.path))
        self.components = [*case.elements, "VA"]
        self.models = instantiate_models(self.database, self.components, self.phases)
        self.records = PhaseRecordFactory(self.database, self.components, {v.N, v.P, v.T}, self.models)

    def _conditions(self, T: Any, fractions: Any) -> dict:
        v, others = self.v, self.case.elements[1:]
        given = {v.T: T, v.P: 101325.0, v.N: 1.0}
        return given | {v.X(e): x for e, x in zip(others, fractions, strict=True)}

    def on_grid(self, count: int) -> Callable[[], float]:
        """Seconds a point of `equilibrium` over a grid of about `count` points."""
        from pycalphad import equilibrium

        T, fractions = self.case.grid(count)
        conditions = self._conditions(list(T), [list(f) for f in fractions])

        def measure() -> float:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                start = time.perf_counter()
                result = equilibrium(
                    self.database,
                    self.components,
                    self.phases,
                    conditions,
                    model=self.models,
                    phase_records=self.records,
                )
                return (time.perf_counter() - start) / result.GM.size

        measure()
        return measure

    def point_by_point(self, count: int) -> Callable[[], float]:
        """Seconds a point of `Workspace` for random conditions, one after the other."""
        from pycalphad import Workspace

        T, x = self.case.random(count)

        def measure() -> float:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                start = time.perf_counter()
                for t, own in zip(T, x, strict=True):
                    workspace = Workspace(
                        database=self.database, components=self.components, phases=self.phases,
                        conditions=self._conditions(float(t), map(float, own[1:])),
                        models=self.models, phase_record_factory=self.records,
                    )  # fmt: skip
                    _ = workspace.eq
                return (time.perf_counter() - start) / count

        return measure
