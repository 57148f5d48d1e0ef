"""Our equilibria, timed: a batch with certificates, values with gradients, first calls in a fresh process."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from diffneq.thermo.calphad import build, equilibrium, stable_state

from .calphad_cases import Case

R = 8.3145  # pycalphad's


def system_of(case: Case):
    """Built with pycalphad's gas constant."""
    return build(case.path, case.elements, gas_constant=R, without=case.without)


def batch(case: Case, count: int) -> tuple[Callable[[], float], Callable[[], dict]]:
    """(seconds a condition of one more call, what became of the conditions of the last one)."""
    system = system_of(case)
    T, x = case.random(count)
    fractions = {e: x[:, k] for k, e in enumerate(case.elements) if k}
    last = {}

    def measure() -> float:
        start = time.perf_counter()
        last["result"] = equilibrium(system, T=T, x=fractions)
        return (time.perf_counter() - start) / count

    def outcome() -> dict:
        status = last["result"].status.values
        sound = float(np.isin(status, (0, 8)).mean())
        return {"certified": sound, "lowest certificate (J/mol)": float(last["result"].certificate.min())}

    measure()  # compiles
    return measure, outcome


def gradient_cost(case: Case, count: int, rounds: int) -> float:
    """Seconds for G and its gradient by T, x and all coefficients, over seconds for G: best of the rounds."""
    system = system_of(case)
    T, x = map(jnp.asarray, case.random(count))
    total = lambda T, x, c: jnp.sum(stable_state(system, T, x, coefficients=c).G)
    value, both = jax.jit(total), jax.jit(jax.value_and_grad(total, (0, 1, 2)))
    seconds = {value: [], both: []}
    for turn in range(rounds + 1):
        for function, found in seconds.items():
            start = time.perf_counter()
            jax.block_until_ready(function(T, x, system.tables.coefficients))
            if turn:
                found.append(time.perf_counter() - start)
    return min(seconds[both]) / min(seconds[value])


def second_database() -> tuple[int, float]:
    """(programs compiled, seconds) of the first call for a database of a size that another one had before."""
    from .calphad_cases import CASES

    first, other = system_of(CASES[0]), build("Al-Zn", ["Al", "Zn"])
    equilibrium(first, T=600.0, x={"ZN": 0.3})
    compiled = []
    listener = lambda name, seconds, **_: (
        compiled.append(seconds) if name.endswith("backend_compile_duration") else None
    )
    jax.monitoring.register_event_duration_secs_listener(listener)
    start = time.perf_counter()
    equilibrium(other, T=600.0, x={"ZN": 0.3})
    return len(compiled), time.perf_counter() - start


_FIRST = """
import time, jax
jax.config.update("jax_enable_x64", True)
from bench.calphad_cases import CASES
from bench.calphad_ours import system_of, equilibrium
case = CASES[{index}]
T, x = case.random(8)
system = system_of(case)
start = time.perf_counter()
equilibrium(system, T=T, x={{e: x[:, k] for k, e in enumerate(case.elements) if k}})
print(time.perf_counter() - start)
"""


def first_call(index: int) -> float:
    """Seconds of the first call in a fresh process, with nothing compiled before and no cache on disk."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("JAX_")}
    folder = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    environment["PYTHONPATH"] = os.pathsep.join([folder, environment.get("PYTHONPATH", "")])
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _FIRST.format(index=index)],
        env=environment,
        capture_output=True,
        text=True,
    )
    if run.returncode:
        raise RuntimeError(run.stderr[-2000:])
    return float(run.stdout.split()[-1])
