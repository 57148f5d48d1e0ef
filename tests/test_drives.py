"""Drives: closed forms, derivatives against finite differences, phases against exact integers."""

import math
from fractions import Fraction

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from diffneq import drives
from diffneq.drives import Clock, Constant, Multisine, Ramp, Sine, Sum, Table, crest_factor, cycles, multisine
from diffneq.drives import phase as _phase

TIMES = np.linspace(0.0, 7.0, 29)
TWO = [0.1, 0.2]


def example_drives():
    """One of each, with the closed form it must follow."""
    sine = Sine(0.3, 0.21, 0.4)
    two = Multisine(TWO, [0.3, -0.5], harmonics=(1, 3), period=11.0)
    return {
        "constant": (Constant(0.7), lambda t: 0.7 + 0 * t),
        "ramp": (Ramp(0.1, 0.5, 4.0), lambda t: 0.1 + 0.4 * np.clip(t / 4.0, 0, 1)),
        "sine": (sine, lambda t: 0.3 * np.sin(2 * np.pi * 0.21 * t + 0.4)),
        "multisine": (
            two,
            lambda t: 0.1 * np.sin(2 * np.pi * t / 11 + 0.3) + 0.2 * np.sin(6 * np.pi * t / 11 - 0.5),
        ),
        "table": (
            Table([0.0, 1.5, 4.0], [0.2, -0.4, 0.9]),
            lambda t: np.interp(t, [0.0, 1.5, 4.0], [0.2, -0.4, 0.9]),
        ),
        "periodic table": (
            Table([0.5, 1.5, 3.5], [0.2, -0.4, 0.2], periodic=True),
            lambda t: np.interp(t, [0.5, 1.5, 3.5], [0.2, -0.4, 0.2], period=3.0),
        ),
        "sum": (Sum([Constant(0.7), sine]), lambda t: 0.7 + 0.3 * np.sin(2 * np.pi * 0.21 * t + 0.4)),
    }


NAMES = list(example_drives())


@pytest.mark.parametrize("name", NAMES)
def test_closed_form_for_floats_arrays_clocks_and_batches(name, x64):
    drive, exact = example_drives()[name]
    expected = exact(TIMES)
    np.testing.assert_allclose(eqx.filter_jit(drive)(jnp.asarray(TIMES)), expected, atol=1e-12)
    np.testing.assert_allclose(jax.jit(jax.vmap(drive))(jnp.asarray(TIMES)), expected, atol=1e-12)
    clock = Clock(np.arange(29, dtype=np.int32), dt=0.25)
    np.testing.assert_allclose(eqx.filter_jit(drive)(clock), expected, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("clocked", [False, True])
def test_parameter_derivatives_agree_with_finite_differences(name, clocked, x64):
    drive, _ = example_drives()[name]
    leaves, static = eqx.partition(drive, eqx.is_inexact_array)
    flat, unravel = ravel_pytree(leaves)
    t = Clock(21, dt=0.11) if clocked else 2.31
    function = jax.jit(lambda x: eqx.combine(unravel(x), static)(t))
    gradient = jax.jit(jax.grad(function))(flat)
    for i in range(flat.size):
        shift = jnp.zeros_like(flat).at[i].set(1e-6)
        difference = (function(flat + shift) - function(flat - shift)) / 2e-6
        np.testing.assert_allclose(gradient[i], difference, rtol=2e-6, atol=2e-8)


@pytest.mark.parametrize("name", NAMES)
def test_time_derivatives_of_float_and_clock_agree_with_finite_differences(name, x64):
    drive, _ = example_drives()[name]
    function = jax.jit(lambda t: drive(t))
    slope = (function(2.31 + 1e-6) - function(2.31 - 1e-6)) / 2e-6
    np.testing.assert_allclose(jax.jit(jax.grad(function))(2.31), slope, atol=1e-7)
    by_dt = jax.jit(jax.grad(lambda dt: drive(Clock(21, dt))))(0.11)
    np.testing.assert_allclose(by_dt, 21 * slope, atol=1e-6)


def test_second_derivatives_of_a_clocked_phase(x64):
    phase = lambda f, dt: cycles(f, Clock(1000, dt))
    mixed = jax.jit(jax.jacfwd(jax.grad(phase), argnums=1))(0.013, 0.01)
    assert mixed == 1000.0


@pytest.mark.parametrize("precision", ["single", "double"])
@pytest.mark.parametrize("frequency", [0.05, 0.7310585, 1e-4, -0.31, 37.25])
def test_phase_is_exact_after_1e8_steps(precision, frequency):
    with jax.enable_x64(precision == "double"):
        steps = np.array([0, 1, 99, 10**5 + 3, 10**8, 10**8 + 7, 4 * 10**9], dtype=np.uint32)
        found = np.asarray(jax.jit(lambda f, step: cycles(f, Clock(step, 0.01)))(frequency, steps))
        kind = np.float64 if precision == "double" else np.float32
        per_step = Fraction(float(kind(frequency) * kind(0.01)))
        exact = [float(per_step * int(step) % 1) for step in steps]
        assert found.dtype == kind
        assert np.all((found >= 0) & (found < 1))
        off = np.abs(found - exact)
        assert np.max(np.minimum(off, 1 - off)) < (3e-8 if precision == "double" else 1.3e-7)


def test_multisine_is_periodic_to_the_bit_of_a_phase_in_single_precision():
    drive = multisine(lowest=0.001, highest=2.0, count=24, amplitude=0.02, dt=0.01, phases="random",
                      key=jax.random.key(1))  # fmt: skip
    period = 100_000
    steps = np.arange(0, period, 1237, dtype=np.uint32)
    first = eqx.filter_jit(drive)(Clock(steps, 0.01))
    late = eqx.filter_jit(drive)(Clock(steps + np.uint32(1000 * period), 0.01))
    turns = 2 * np.pi * (np.outer(steps.astype(float), drive.harmonics) / period % 1)
    exact = np.sum(np.asarray(drive.amplitudes) * np.sin(turns + np.asarray(drive.phases)), axis=-1)
    np.testing.assert_allclose(first, exact, atol=2e-7)
    np.testing.assert_allclose(late, exact, atol=2e-7)


def test_fixed_point_arithmetic_against_python_integers():
    rng = np.random.default_rng(3)
    n = rng.integers(1, 2**22, 200).astype(np.uint32)
    n[:4] = [1, 2, 3, 2**22]
    high, low = (np.asarray(part).astype(object) for part in jax.jit(_phase.reciprocal)(n))
    assert all(h * 2**32 + q == 2**64 // int(m) % 2**64 for h, q, m in zip(high, low, n, strict=True))
    phase = tuple(jnp.asarray(rng.integers(0, 2**32, 200, dtype=np.uint32)) for _ in range(2))
    count = rng.integers(0, 2**32, 200, dtype=np.uint32)
    high, low = (np.asarray(part).astype(object) for part in jax.jit(_phase.times)(phase, count))
    for i in range(200):
        exact = (int(phase[0][i]) * 2**32 + int(phase[1][i])) * int(count[i]) % 2**64
        assert high[i] * 2**32 + low[i] == exact


def test_replicas_are_stacked_on_the_leading_axis():
    drive = Sum([Constant([0.1, 0.2, 0.3]), Multisine(np.full((3, 2), 0.5), np.zeros((3, 2)), (1, 2), 4.0)])
    fields = jax.vmap(lambda each: each(1.0))(drive)
    np.testing.assert_allclose(fields, [0.6, 0.7, 0.8], atol=1e-6)


def test_multisine_has_whole_periods_low_peaks_and_the_right_power():
    drive = multisine(lowest=0.003, highest=1.0, count=20, amplitude=0.02, dt=0.01)
    assert drive.period == pytest.approx(33333 * 0.01)
    assert drive.harmonics[0] == 1
    assert drive.frequencies[-1] == pytest.approx(1.0, rel=0.005)
    assert np.all(np.diff(drive.harmonics) > 0)
    assert crest_factor(drive) < 2.6
    signal = eqx.filter_jit(drive)(Clock(np.arange(33333, dtype=np.uint32), 0.01))
    assert np.mean(np.asarray(signal) ** 2) == pytest.approx(20 * 0.02**2 / 2, rel=1e-4)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Constant(math.nan), "amplitude must be finite"),
        (lambda: Constant(np.zeros((2, 2))), "must be a scalar"),
        (lambda: Constant([0.1, math.inf]), r"index \[1\]"),
        (lambda: Ramp(0.0, 1.0, 0.0), "duration must be positive"),
        (lambda: Ramp([0.0, 1.0], [1.0, 2.0, 3.0], 1.0), "same replicas"),
        (lambda: Sine(0.1, math.inf), "frequency must be finite"),
        (lambda: Multisine(TWO, [0.0], (1, 2), 1.0), "one entry for each"),
        (lambda: Multisine(TWO, TWO, (1, 1), 1.0), "harmonics must be different"),
        (lambda: Multisine(TWO, TWO, (1, 2.5), 1.0), "whole numbers"),
        (lambda: Multisine(TWO, TWO, (1, 2), -1.0), "period must be positive"),
        (lambda: Table([0.0, 1.0], [1.0]), "same length"),
        (lambda: Table([0.0, 0.0], TWO), "increase strictly"),
        (lambda: Sum([]), "Sum: parts"),
        (lambda: Clock(1.5, 0.01), "step must be whole"),
        (lambda: Clock(-1, 0.01), "step must be whole"),
        (lambda: Clock(1, -0.01), "dt must be positive"),
        (lambda: multisine(0.1, 0.01, 2, 0.1, 0.01), "lowest <= highest"),
        (lambda: multisine(0.1, 0.3, 9, 0.1, 0.01), "count must be from 1 to 3"),
        (lambda: multisine(0.1, 0.3, 2, [0.1] * 3, 0.01), "amplitude must be"),
        (lambda: multisine(0.1, 0.3, 2, 0.1, 0.01, phases="random"), "needs a key"),
        (lambda: multisine(0.1, 0.3, 2, 0.1, 0.01, phases="best"), "phases must be"),
    ],
)
def test_misuse_is_one_sentence(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_nothing_is_checked_under_a_trace():
    assert jax.jit(lambda a: Constant(a)(0.0))(0.5) == 0.5
    assert np.isnan(jax.jit(lambda a: Constant(a)(0.0))(math.nan))
    assert drives.seconds(Clock(3, 0.5)) == 1.5
