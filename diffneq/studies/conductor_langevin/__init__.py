"""The current of the conductor as a Langevin variable: where the plain equation holds, and what mends it elsewhere."""

from __future__ import annotations

from diffneq.studies.conductor_langevin.analysis import Measured, View, measure, view
from diffneq.studies.conductor_langevin.models import CANDIDATES, PLAIN
from diffneq.studies.conductor_langevin.records import Plan, Record, record
from diffneq.studies.conductor_langevin.report import Report
from diffneq.studies.conductor_langevin.two_rates import TwoRates

__all__ = ["CANDIDATES", "PLAIN", "Measured", "Plan", "Record", "Report", "TwoRates", "View", "analyse", "measure"]


def analyse(
    plan: Plan | None = None,
    names: tuple[str, ...] | None = None,
    records: dict[float, Record] | None = None,
    progress: bool = True,
) -> Report:
    """Candidates for M dV/dt at each field and sampling interval, judged by replicas that they have not seen.

    Arguments: `plan`, the runs and how they are looked at; `names` of `CANDIDATES`, all by default, `PLAIN` among
    them; `records`, field -> Record, where they were made before.

    A model is better than the plain Langevin equation, M dV = (F - g V) dt + sqrt(2 g T) dW with the known force F, if
    it predicts held-out replicas better by four standard errors. Its residuals tell what it leaves: they are white
    where no memory is missed, and Gaussian where the noise is.
    """
    plan = Plan() if plan is None else plan
    if names is not None and (PLAIN not in names or not set(names) <= set(CANDIDATES) or len(names) < 2):
        raise ValueError(f"names are two or more of {list(CANDIDATES)}, {PLAIN!r} among them; got {list(names)}.")
    records = {e: record(plan, e, progress) for e in plan.fields} if records is None else records
    measured = {e: measure(x) for e, x in records.items()}
    views = {(e, x.interval * k): view(x, k, names) for e, x in records.items() for k in plan.thinnings}
    return Report(plan, records, measured, views)
