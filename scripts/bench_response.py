"""What each method of `response` costs, beside the plain runs that it needs: python scripts/bench_response.py.

The conductor with 60 electrons, 32 replicas. For every method: seconds, the number of plain runs of the same length
that its estimator asks for (pairs of daughters count twice; a derivative along a trajectory as one run), and the ratio.
"""

from __future__ import annotations

import argparse
import time

import jax

from diffneq.drives import Constant
from diffneq.models import Conductor
from diffneq.response import METHODS, Problem, sample
from diffneq.response.derivatives.ensemble import responses

# plain runs of R replicas over the horizon, for each snapshot
RUNS = {
    "fluctuation_dissipation": 1.5,
    "transient_time_correlation": 2.0,
    "coupled": 2.0,
    "transient_subtraction": 2.0,
    "tangent": 1.0,
    "adjoint": 1.0,
}


def seconds(call) -> float:
    """The second of two calls: without compilation."""
    call()
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--replicas", type=int, default=32)
    options.add_argument("--time", type=float, default=4.0, help="horizon")
    given = options.parse_args()
    jax.config.update("jax_num_cpu_devices", 1)  # all on one core: what is compared is work
    model = Conductor.preset("soft", electrons=60)
    problem = Problem(model, model.dynamics(), Constant(0.0), "current", "drive.amplitude", given.time, 10)
    ensemble = sample(problem, jax.random.key(0), replicas=given.replicas, snapshots=2, equilibration=20.0)
    keys = ensemble.keys(0, 0, given.replicas)
    plain = seconds(lambda: [responses(ensemble, problem.system, s, keys) for s in ensemble.states]) / 2
    print(f"plain run of {given.replicas} replicas, t = {given.time:g}: {plain:.3f} s")
    print(f"{'method':28s} {'seconds':>8s} {'runs':>6s} {'ratio':>6s}")
    for name, runs in RUNS.items():
        took = seconds(lambda name=name: METHODS[name](ensemble))
        count = 2 * runs
        print(f"{name:28s} {took:8.3f} {count:6.0f} {took / (count * plain):6.2f}")


if __name__ == "__main__":
    main()
