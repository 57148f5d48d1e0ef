"""Contenders of `bench_stochastic`: underdamped Langevin steps of many one-dimensional trajectories, and a piston."""

from __future__ import annotations

import math
import time
from contextlib import nullcontext

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import PartitionSpec

from bench.report import Contender, Unavailable, rate
from diffneq.drives import Ramp
from diffneq.stochastic import BreathingTrap, Underdamped, draws, trajectories

DT, RATE, END = 0.05, 1.0, 2.0
BLOCK = 2048


def precision(name: str):
    return jax.enable_x64(True) if name == "f64" else nullcontext()


def timed(name, engine, count, digits, steps, run, note="") -> Contender:
    """`run(seed)` returns an array; the first call compiles."""
    with precision(digits):
        jax.block_until_ready(run(0))
    seeds = iter(range(1, 10**9))

    def measure():
        with precision(digits):
            started, busy = time.perf_counter(), time.process_time()
            jax.block_until_ready(run(next(seeds)))
            seconds, busy = time.perf_counter() - started, time.process_time() - busy
            full = f"{note}; {count * steps / busy / 1e6:.0f} M per second of processor"
            return rate(name, engine, 1, count, digits, steps, seconds, full)

    return Contender(measure)


def ours(count: int, steps: int, digits: str, devices: int | None = None) -> Contender:
    """`diffneq.stochastic.trajectories` with protocol, work, heat and shadow work."""
    with precision(digits):
        dtype = np.float64 if digits == "f64" else np.float32
        start = np.random.default_rng(0).normal(size=count).astype(dtype)
        dynamics = Underdamped(dtype(DT), dtype(1.0), dtype(RATE), dtype(1.0))
        protocol = Ramp(dtype(1.0), dtype(END), dtype(steps * DT))

    def run(seed):
        key = jax.random.key(seed)
        return trajectories(BreathingTrap(), dynamics, protocol, key, steps, start, devices=devices).work

    return timed("ours", "diffneq", count, digits, steps, run, "BAOAB with work and heat")


def without_accounts(count: int, steps: int, digits: str) -> Contender:
    """The same numbers, blocks and devices, and nothing but positions and velocities."""
    dtype = jnp.float64 if digits == "f64" else jnp.float32
    cores = jax.local_device_count()
    blocks = -(-count // (BLOCK * cores)) * cores
    size = 16 * math.ceil(count / blocks / 16)
    mesh = jax.make_mesh((cores,), ("run",), axis_types=(jax.sharding.AxisType.Auto,))

    def block(words, names):
        keep, strength = np.exp(-RATE * DT), np.sqrt(1 - np.exp(-2 * RATE * DT))

        def two(carry, pair):
            x, v = carry
            for (xi,) in draws.of_steps(words, 2 * pair, 2, names, 1, dtype, True):
                k = 1 + (END - 1) * pair.astype(dtype) * (2 / steps)
                v = v - DT / 2 * k * x
                x = x + DT / 2 * v
                v = keep * v + strength * xi
                x = x + DT / 2 * v
                v = v - DT / 2 * k * x
            return (x.astype(dtype), v.astype(dtype)), None

        zero = jnp.zeros(names.shape, dtype)
        return lax.scan(two, (zero, zero), jnp.arange(steps // 2, dtype=jnp.uint32))[0][0]

    def body(words, names):
        return lax.map(lambda n: block(words, n), names)

    split = jax.shard_map(
        body, mesh=mesh, in_specs=(PartitionSpec(), PartitionSpec("run")), out_specs=PartitionSpec("run"),
        check_vma=False,
    )  # fmt: skip

    @jax.jit
    def run(key):
        names = jnp.arange(blocks * size, dtype=jnp.uint32).reshape(blocks, size)
        return split(draws.words_of(key, 1), names)

    note = "bare: XLA makes the noise twice, for x and for v"
    return timed("no accounts", "diffneq", count, digits, steps, lambda s: run(jax.random.key(s)), note)


def plain_jax(count: int, steps: int, digits: str) -> Contender:
    """`lax.scan` over steps of all trajectories with `jax.random.normal`: what one writes first."""
    dtype = jnp.float64 if digits == "f64" else jnp.float32
    keep, strength = np.exp(-RATE * DT), np.sqrt(1 - np.exp(-2 * RATE * DT))

    @jax.jit
    def run(key):
        def step(carry, number):
            x, v = carry
            k = 1 + (END - 1) * number.astype(dtype) / steps
            v = v - DT / 2 * k * x
            x = x + DT / 2 * v
            v = keep * v + strength * jax.random.normal(jax.random.fold_in(key, number), (count,), dtype)
            x = x + DT / 2 * v
            return ((x).astype(dtype), (v - DT / 2 * k * x).astype(dtype)), None

        zero = jnp.zeros(count, dtype)
        return lax.scan(step, (zero, zero), jnp.arange(steps))[0][0]

    return timed("plain scan", "jax", count, digits, steps, lambda s: run(jax.random.key(s)), "jax.random, no accounts")


def numpy_loop(count: int, steps: int) -> Contender:
    """The same in NumPy, double precision, one core."""
    keep, strength = np.exp(-RATE * DT), np.sqrt(1 - np.exp(-2 * RATE * DT))

    def run(seed):
        random = np.random.default_rng(seed)
        x, v, work = random.normal(size=count), random.normal(size=count), np.zeros(count)
        for n in range(steps):
            now, then = (1 + (END - 1) * m / steps for m in (n, n + 1))
            work += (then - now) * x * x / 2
            v -= DT / 2 * then * x
            x += DT / 2 * v
            v = keep * v + strength * random.standard_normal(count)
            x += DT / 2 * v
            v -= DT / 2 * then * x
        return work

    return timed("numpy", "numpy", count, "f64", steps, run, "protocol work")


def diffrax_align(count: int, steps: int, digits: str) -> Contender:
    """diffrax's ALIGN for underdamped Langevin equations, at constant potential: it has no protocols, and no work."""
    try:
        import diffrax
    except ImportError:
        raise Unavailable("diffrax is not installed: pip install diffrax") from None
    dtype = jnp.float64 if digits == "f64" else jnp.float32
    end = steps * DT

    def one(key):
        noise = diffrax.UnsafeBrownianPath((), key, levy_area=diffrax.SpaceTimeLevyArea)
        unit = jnp.ones((), dtype)
        drift = diffrax.UnderdampedLangevinDriftTerm(RATE * unit, unit, lambda x, _: x)
        kicks = diffrax.UnderdampedLangevinDiffusionTerm(RATE * unit, unit, noise)
        found = diffrax.diffeqsolve(
            diffrax.MultiTerm(drift, kicks), diffrax.ALIGN(0.1), 0.0, end, DT, (0 * unit, 0 * unit),
            saveat=diffrax.SaveAt(t1=True), adjoint=diffrax.ForwardMode(), max_steps=steps + 8,
        )  # fmt: skip
        return found.ys[0][0]

    run = jax.jit(lambda key: jax.vmap(one)(jax.random.split(key, count)))
    note = "fewer, constant potential, no accounts"
    return timed("diffrax ALIGN", "diffrax", count, digits, steps, lambda s: run(jax.random.key(s)), note)


def piston(replicas: int, digits: str) -> Contender:
    """Collisions of Rayleigh pistons with gas particles, event by event."""
    from diffneq.event_driven.piston import simulate_piston
    from diffneq.models.piston import Piston

    dtype = np.float64 if digits == "f64" else np.float32
    with precision(digits):
        made = Piston(dtype(0.04), (dtype(1.0), dtype(2.0)))
    run = lambda seed: simulate_piston(
        made, jax.random.key(seed), replicas=replicas, duration=20.0, record_every=5.0, warm_up=0.0
    )
    with precision(digits):
        run(0)
    seeds = iter(range(1, 10**9))

    def measure():
        with precision(digits):
            started = time.perf_counter()
            done = int(run(next(seeds)).collisions.sum())
            seconds = time.perf_counter() - started
        return rate("piston", "diffneq", 1, 1, digits, done, seconds, "collisions, not steps")

    return Contender(measure)
