"""Our engine on the same problems: the functions of `lammps_peer`, with the same records.

Every `prepare_...` builds, equilibrates and compiles, and returns a `Contender` whose `measure()` times one
further run, list rebuilds included, and waits for the result (`jax.block_until_ready`) before it stops the
clock.
"""

from __future__ import annotations

import subprocess
import sys
import time

from . import inputs
from .report import Contender, Unavailable

NOT_YET = "Our rows are skipped: the engine is not connected to the bench yet."


def prepare_lj(particles: int, steps: int, replicas: int = 1, precision: str = "f32") -> Contender:
    """The melt of `lammps_peer.prepare_lj`: one system over both cores, or `replicas` of them."""
    raise Unavailable(NOT_YET)


def prepare_wca(replicas: int = 32, steps: int = 2000) -> Contender:
    """`replicas` systems of `inputs.wca_lattice()` with Langevin noise, in one run, float32."""
    raise Unavailable(NOT_YET)


def prepare_conductor(case: inputs.ConductorCase, steps: int, seed: int = 1) -> Contender:
    """All fields of `case` at once, from `inputs.conductor_positions(case, seed)`, with `conductivities`."""
    raise Unavailable(NOT_YET)


def compile_seconds() -> float:
    """Seconds from a cold start of the default conductor run to its first chunk, less the chunk itself."""
    raise Unavailable(NOT_YET)


def import_seconds() -> float:
    """Best of three: `import diffneq` in a fresh interpreter, less the interpreter's own start."""

    def fresh(statement: str) -> float:
        begin = time.perf_counter()
        answer = subprocess.run([sys.executable, "-c", statement], capture_output=True)
        if answer.returncode != 0:
            raise Unavailable(
                "The import row is skipped: `import diffneq` fails here; install it with `pip install .`"
            )
        return time.perf_counter() - begin

    return min(fresh("import diffneq") for _ in range(3)) - min(fresh("pass") for _ in range(3))
