"""Reciprocal-space Coulomb forces of our particle mesh beside jax-md's, in one run, in single precision.

    python scripts/bench_electrostatics.py [--ions 1728] [--repeats 20]

Same ions, alpha, mesh and order (4, the only one that jax-md has); times are the quickest of the repeats, errors are
against Ewald's sum in double precision. Accuracy for the same time is then shown with the order that ours would take.
"""

from __future__ import annotations

import argparse
import time

import jax
import jax.numpy as jnp
import numpy as np
from jax_md._energy.electrostatics import coulomb_recip_pme

from diffneq.particles.electrostatics.coulomb import long_range_forces
from diffneq.particles.electrostatics.ewald import Ewald
from diffneq.particles.electrostatics.lattice import fractional
from diffneq.particles.electrostatics.mesh import ParticleMesh


def quickest(function, argument, repeats: int) -> tuple[float, np.ndarray]:
    """Milliseconds of the quickest call, and what it returns."""
    out = jax.block_until_ready(function(argument))
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        jax.block_until_ready(function(argument))
        times.append(time.perf_counter() - began)
    return 1e3 * min(times), np.asarray(out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ions", type=int, default=1728)
    parser.add_argument("--repeats", type=int, default=20)
    given = parser.parse_args()
    size, alpha, points = given.ions, 0.3, 32
    edge = (size / 0.03) ** (1 / 3)
    rng = np.random.default_rng(0)
    positions = jnp.asarray(rng.uniform(0, edge, (size, 3)), jnp.float32)
    charges = jnp.asarray(np.where(np.arange(size) % 2 == 0, 1.0, -1.0), jnp.float32)
    cell = edge * jnp.eye(3, dtype=jnp.float32)

    def ours(order):
        method = ParticleMesh(alpha, 10.0, (points,) * 3, order)
        return jax.jit(lambda x: jnp.stack(long_range_forces(method, fractional(x, cell), charges, cell), axis=1))

    their_energy = coulomb_recip_pme(charges, jnp.float32(edge), points, alpha=alpha)
    with jax.enable_x64(True):
        wide = [jnp.asarray(np.asarray(x), jnp.float64) for x in (positions, charges, cell)]
        limits = (int(np.ceil(1.2 * alpha * edge)),) * 3
        exact = np.stack(
            long_range_forces(Ewald(alpha, 10.0, limits), fractional(wide[0], wide[2]), wide[1], wide[2]), 1
        )
    size_of = np.sqrt(np.mean(exact**2))
    print(f"{size} ions, mesh {points}^3, alpha {alpha}; error relative to the rms reciprocal force")
    base = None
    runs = [("jax-md, order 4", jax.jit(lambda x: -jax.grad(their_energy)(x)))]
    runs += [(f"diffneq, order {order}", ours(order)) for order in (4, 5, 6)]
    for name, function in runs:
        spent, forces = quickest(function, positions, given.repeats)
        base = base or spent
        error = np.sqrt(np.mean((forces - exact) ** 2)) / size_of
        print(f"  {name:18s} {spent:7.2f} ms  error {error:.1e}  {base / spent:.1f} times jax-md's rate", flush=True)


if __name__ == "__main__":
    main()
