"""The checks that `diffneq.selfcheck` runs: jitted, vmapped kernels against NumPy or a published answer."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import jax
import jax.extend
import jax.numpy as jnp
import numpy as np


@dataclass(frozen=True)
class Check:
    """One measured property: `passed` is `error <= tolerance`; `wrong` counts the values outside it."""

    name: str
    passed: bool
    error: float
    tolerance: float
    wrong: int
    values: int
    note: str = ""


def compare(name: str, got, expected, tolerance: float, scale=None, note: str = "") -> Check:
    """A Check of max |got - expected| / scale, where the default scale is max(|expected|, 1) of each value.

    A value that is not finite where it should be counts as wrong by an infinite amount.
    """
    got, expected = np.asarray(got), np.asarray(expected)
    if got.dtype.kind in "iub":  # exact: every value that differs is off by one whole unit
        error = (got != expected).astype(np.float64)
    else:
        expected = expected.astype(np.float64)
        error = np.abs(got.astype(np.float64) - expected)
        error = error / (np.maximum(np.abs(expected), 1.0) if scale is None else scale)
        error = np.where(np.isfinite(error), error, np.inf)
    wrong = int(np.sum(error > tolerance))
    return Check(name, wrong == 0, float(error.max()), tolerance, wrong, error.size, note)


def check_matrix_vector() -> Iterator[Check]:
    """|M r|^2 for many r at once: distances through a box matrix, wrong in jaxlib 0.10.2 on CPUs."""
    note = "This is the miscompilation of jax issue 39103: install another release of jax and jaxlib."
    matrix = np.array([[1.3, 0.2, 0.1], [0.0, 0.9, 0.3], [0.0, 0.0, 1.1]])
    for dtype, rows, tolerance in ((jnp.float64, 20_001, 1e-14), (jnp.float32, 40_001, 1e-5)):
        r = np.random.default_rng(1).normal(size=(rows, 3)).astype(dtype)
        box = matrix.astype(dtype)

        def squared_length(row, box=box):
            return jnp.sum(jnp.matmul(box, row, precision="highest") ** 2)

        expected = np.sum((r.astype(np.float64) @ box.astype(np.float64).T) ** 2, axis=1)
        got = jax.jit(jax.vmap(squared_length))(r)
        yield compare(f"|M r|^2, {rows} rows, {dtype.__name__}", got, expected, tolerance, note=note)


def check_pair_distances() -> Iterator[Check]:
    """Nearest-image distances of all pairs, with the replicas under vmap."""
    positions = np.random.default_rng(2).uniform(0.0, 7.0, size=(3, 2, 257)).astype(np.float32)

    def distances(x):
        d = x[:, :, None] - x[:, None, :]
        d = d - 7.0 * jnp.round(d / 7.0)
        return jnp.sqrt(jnp.sum(d**2, axis=0))

    p = positions.astype(np.float64)
    d = p[:, :, :, None] - p[:, :, None, :]
    d = d - 7.0 * np.round(d / 7.0)
    expected = np.sqrt(np.sum(d**2, axis=1))
    yield compare("pair distances, periodic", jax.jit(jax.vmap(distances))(positions), expected, 2e-6)


def check_reductions() -> Iterator[Check]:
    """Sums of many numbers, whole and by segment."""
    rng = np.random.default_rng(3)
    values = rng.normal(size=(4, 30_011)).astype(np.float32)
    owner = rng.integers(0, 97, size=30_011)
    exact = values.astype(np.float64)
    scale = np.sum(np.abs(exact), axis=1)
    yield compare("sum of 30,011 numbers", jax.jit(jax.vmap(jnp.sum))(values), exact.sum(axis=1), 1e-6, scale)

    def by_owner(v):
        return jax.ops.segment_sum(v, owner, num_segments=97)

    expected = np.stack([np.bincount(owner, weights=v, minlength=97) for v in exact])
    scale = np.stack([np.bincount(owner, weights=np.abs(v), minlength=97) for v in exact])
    yield compare("segment sums", jax.jit(jax.vmap(by_owner))(values), expected, 2e-6, scale)
    yield compare("largest of 30,011", jax.jit(jax.vmap(jnp.max))(values), exact.max(axis=1), 0.0)


def check_functions() -> Iterator[Check]:
    """Elementary functions in float32 against NumPy in float64, over the ranges that the engine uses."""

    def batched(function, x):
        return jax.jit(jax.vmap(jax.vmap(function)))(x.reshape(3, -1)).reshape(-1)

    x = np.linspace(-40.0, 40.0, 6_003).astype(np.float32)
    exact = x.astype(np.float64)
    yield compare("sin, float32", batched(jnp.sin, x), np.sin(exact), 1e-6)
    yield compare("exp, float32", batched(jnp.exp, x), np.exp(exact), 2e-6, np.exp(exact))
    positive = np.exp(exact / 2).astype(np.float32)
    yield compare("log, float32", batched(jnp.log, positive), np.log(positive.astype(np.float64)), 1e-6)
    yield compare("rsqrt, float32", batched(jax.lax.rsqrt, positive) ** 2 * positive, np.ones(x.size), 2e-6)
    u = np.tanh(np.linspace(-5.0, 5.0, 6_003)).astype(np.float32)
    z = np.asarray(batched(jax.lax.erf_inv, u)).astype(np.float64)
    residual = np.array([math.erf(v) for v in z]) - u  # erf(z) must give u back ...
    slope = 2 / math.sqrt(math.pi) * np.exp(-(z**2))  # ... to within the error allowed in z
    yield compare("erf_inv, float32", residual / slope, np.zeros(u.size), 4e-5)


def check_integers() -> Iterator[Check]:
    """Sorts, gathers, scatters and 32-bit arithmetic modulo 2^32, all exact."""
    rng = np.random.default_rng(4)
    a, b = rng.integers(0, 2**32, size=(2, 3, 20_003), dtype=np.uint32)

    def wrap(a, b):
        signed = jax.lax.bitcast_convert_type(a - b, jnp.int32)  # nearest image in fixed point
        return a + b, a * b, signed, a >> 7 ^ b << 3

    expected = (a + b, a * b, (a - b).view(np.int32), a >> 7 ^ b << 3)
    names = ("uint32 sum", "uint32 product", "nearest image", "shifts")
    for name, got, want in zip(names, jax.jit(jax.vmap(wrap))(a, b), expected, strict=True):
        yield compare(f"wrap-around, {name}", got, want, 0.0)
    order = jax.jit(jax.vmap(jnp.argsort))(a)
    yield compare("argsort", order, np.argsort(a, axis=1, kind="stable"), 0.0)
    take = jax.jit(jax.vmap(lambda v, i: v[i]))(b, order)
    yield compare("gather", take, np.take_along_axis(b, np.asarray(order), axis=1), 0.0)
    put = jax.jit(jax.vmap(lambda v, i: jnp.zeros_like(v).at[i].set(v)))(take, order)
    yield compare("scatter", put, b, 0.0)
    bins = (a % 64).astype(np.int32)
    count = jax.jit(jax.vmap(lambda i: jnp.zeros(64, jnp.int32).at[i].add(1)))(bins)
    yield compare("scatter-add", count, np.stack([np.bincount(i, minlength=64) for i in bins]), 0.0)


def threefry(key: np.ndarray, counter: np.ndarray) -> np.ndarray:
    """Threefry-2x32, 20 rounds, in NumPy (Salmon et al., SC11, 2011): key (2,), counter (2, n), uint32."""
    with np.errstate(over="ignore"):
        schedule = (key[0], key[1], key[0] ^ key[1] ^ np.uint32(0x1BD11BDA))
        x, y = counter[0] + schedule[0], counter[1] + schedule[1]
        for block in range(5):
            for turn in ((13, 15, 26, 6), (17, 29, 16, 24))[block % 2]:
                x = x + y
                y = (y << np.uint32(turn) | y >> np.uint32(32 - turn)) ^ x
            x = x + schedule[(block + 1) % 3]
            y = y + schedule[(block + 2) % 3] + np.uint32(block + 1)
    return np.stack([x, y])


def check_random_bits() -> Iterator[Check]:
    """The random bit generator against the published Random123 vectors, and in bulk against NumPy."""
    answers = (  # key, counter, result: kat_vectors of Random123, "threefry2x32 20"
        ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
        ((0xFFFFFFFF,) * 2, (0xFFFFFFFF,) * 2, (0x1CB996FC, 0xBB002BE7)),
        ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
    )
    keys, counters, expected = (np.array(column, np.uint32) for column in zip(*answers, strict=True))
    generate = jax.jit(jax.vmap(jax.extend.random.threefry_2x32))
    yield compare("threefry, published vectors", generate(keys, counters), expected, 0.0)
    counter = np.random.default_rng(5).integers(0, 2**32, size=(3, 2, 10_001), dtype=np.uint32)
    got = generate(keys, counter.reshape(3, -1)).reshape(counter.shape)
    expected = np.stack([threefry(key, c) for key, c in zip(keys, counter, strict=True)])
    yield compare("threefry, 60,006 values", got, expected, 0.0)


def check_loop_and_gradient() -> Iterator[Check]:
    """A driven oscillator in float64: compiled loop against Python's, gradient against finite differences."""
    start = np.linspace(-1.0, 1.0, 33)

    def step(state, k, sine):
        x, v = state
        v = v + 0.05 * (0.7 * sine(0.3 * k) - 1.3 * x - x**3)
        return x + 0.05 * v, v

    def run(x0):
        def body(state, k):
            return step(state, k, jnp.sin), None

        return jax.lax.scan(body, (x0, jnp.zeros_like(x0)), jnp.arange(200.0))[0][0]

    def run_numpy(x0):
        state = (x0, np.zeros_like(x0))
        for k in range(200):
            state = step(state, float(k), np.sin)
        return state[0]

    yield compare("scan of 200 steps, float64", jax.jit(jax.vmap(run))(start), run_numpy(start), 1e-11)
    h = 1e-5
    slope = (run_numpy(start + h) - run_numpy(start - h)) / (2 * h)
    yield compare("gradient through 200 steps, float64", jax.jit(jax.vmap(jax.grad(run)))(start), slope, 1e-6)


CHECKS: tuple[Callable[[], Iterator[Check]], ...] = (
    check_matrix_vector,
    check_pair_distances,
    check_reductions,
    check_functions,
    check_integers,
    check_random_bits,
    check_loop_and_gradient,
)
