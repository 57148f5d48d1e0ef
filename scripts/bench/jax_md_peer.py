"""The other peer: jax-md's own neighbour-list path on the Lennard-Jones melt, as its notebooks write it.

It lives in a process of its own, with JAX's default settings, so that neither side's configuration touches
the other. `python -m bench.jax_md_peer --particles 4000 --steps 40` compiles, prints "ready", and answers
each line it reads with one JSON record of a timed run; it ends when its input does.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from . import inputs
from .report import Contender, Rate, Unavailable, rate

SKIN = 0.3
CUTOFF = 2.5
ONSET = 2.0


def prepare_lj(particles: int = 4000, steps: int = 40) -> Contender:
    """jax-md on the melt of bench/in.lj, float32, sparse ordered list, `nve`; compilation is not counted."""

    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "bench.jax_md_peer",
        "--particles",
        str(particles),
        "--steps",
        str(steps),
    ]
    worker = subprocess.Popen(
        command,
        cwd=Path(__file__).parents[1],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        bufsize=1,
    )
    if worker.stdin is None or worker.stdout is None or worker.stdout.readline().strip() != "ready":
        raise Unavailable(
            "The jax-md row is skipped: `pip install jax-md` and try "
            "`python -m bench.jax_md_peer` in the folder scripts to see what is wrong."
        )
    ask, answer = worker.stdin, worker.stdout

    def measure() -> Rate:
        ask.write("go\n")
        record = json.loads(answer.readline())
        return rate(f"lj-{particles}", "jax-md", particles, 1, "f32", steps, record["seconds"], record["note"])

    return Contender(measure)


def _melt(particles: int, steps: int) -> Iterator[dict]:
    """Compile and warm up, then yield one record per timed run, each going on from the last."""
    import jax
    import jax.numpy as jnp
    from jax_md import energy, partition, quantity, simulate, space

    positions, side = inputs.fcc(inputs.lj_cells(particles))
    displacement, shift = space.periodic(side)
    neighbor_fn, energy_fn = energy.lennard_jones_neighbor_list(
        displacement,
        side,
        sigma=1.0,
        epsilon=1.0,
        r_onset=ONSET,
        r_cutoff=CUTOFF,
        dr_threshold=SKIN,
        format=partition.NeighborListFormat.OrderedSparse,
    )
    init, apply = simulate.nve(energy_fn, shift, dt=inputs.LJ_STEP)
    start = jnp.asarray(positions, jnp.float32)
    neighbors = neighbor_fn.allocate(start, extra_capacity=8)
    state = init(jax.random.key(0), start, kT=inputs.LJ_TEMPERATURE, neighbor=neighbors)

    @jax.jit
    def run(state, neighbors):
        def step(_, both):
            state, neighbors = both
            neighbors = neighbors.update(state.position)
            return apply(state, neighbor=neighbors), neighbors

        return jax.lax.fori_loop(0, steps, step, (state, neighbors))

    while True:
        begin = time.perf_counter()
        state, neighbors = jax.block_until_ready(run(state, neighbors))
        seconds = time.perf_counter() - begin
        if bool(neighbors.did_buffer_overflow):
            raise RuntimeError("jax-md's neighbour list overflowed")
        temperature = float(quantity.temperature(momentum=state.momentum, mass=state.mass))
        yield {"seconds": seconds, "note": f"OrderedSparse, skin {SKIN}, T = {temperature:.2f}"}


def main() -> None:
    """Serve timed runs until the input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--particles", type=int, default=4000)
    parser.add_argument("--steps", type=int, default=40)
    arguments = parser.parse_args()
    runs = _melt(arguments.particles, arguments.steps)
    next(runs)
    print("ready", flush=True)
    for _ in sys.stdin:
        print(json.dumps(next(runs)), flush=True)


if __name__ == "__main__":
    main()
