"""What the equality of Harada and Sasa needs, from trajectories: velocity noise, and the response to a kick."""

from typing import Any

import jax
import numpy as np
from jax import Array

from diffneq.fluctuations.theorems.harada_sasa import HaradaSasaTest, harada_sasa
from diffneq.statistics import Estimate
from diffneq.stochastic import Overdamped, trajectories


def velocity_spectrum(position, dt: float, cutoff: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """C~(w) = |int_0^T e^(iwt) (v - v_s) dt|^2/T of each run, from increments of position.

    Arguments: `position` (R, T + 1) [L], unwrapped, every `dt` [time]; `cutoff` [rad/time], well below pi/dt, as
    increments average the velocity over dt. v_s is the mean over all runs. Returns frequencies 2 pi k/(T dt) (K,) up
    to the cutoff, spectra (R, K) [L^2/time] and mean velocities (R,). Raises `ValueError` for wrong shapes.

    >>> walks = np.cumsum(np.random.default_rng(0).normal(size=(200, 401)), 1)      # 2 D = 1
    >>> spectra = velocity_spectrum(walks, 1.0, 1.0)[1]
    >>> bool(abs(spectra.mean() - 1) < 0.05)
    True
    """
    x = np.asarray(position, np.float64)
    if x.ndim != 2 or x.shape[1] < 9 or not np.isfinite(x).all():
        raise ValueError(f"velocity_spectrum: position must be finite, (R, T + 1) with T >= 8, got shape {x.shape}.")
    steps = np.diff(x, axis=1)
    time = steps.shape[1] * dt
    frequency = 2 * np.pi * np.fft.rfftfreq(steps.shape[1], dt)
    kept = frequency <= cutoff
    amplitude = np.fft.rfft(steps - steps.mean(), axis=1)[:, kept]
    return frequency[kept], np.abs(amplitude) ** 2 / time, steps.sum(1) / time


def kick_response(plus, minus, dt: float, kick: float, friction: float, frequency, delay: float = 0.0) -> np.ndarray:
    """Re R~(w) = (1/friction) [1 + int_0^inf cos(wt) D'(t) dt], D = (x_+ - x_-)/(2 kick), D(0) = 1.

    A force impulse I moves an overdamped coordinate at once, by I/friction: pairs of runs that start kick ahead and
    behind, with the SAME noise, answer it with hardly any noise left.

    Arguments: `plus`, `minus` (R, M + 1) [L], starting from x + kick and x - kick, every `dt` [time], until they have
    met again; `kick` [L]; `friction` [mass/time]; `frequency` (K,) [rad/time]; `delay` [time] by which the force
    precedes the first record. Returns (R, K). Raises `ValueError`
    where D has not died out or levelled off by the last tenth of the record.

    >>> t = np.arange(0, 12.0, 0.05)      # a trap: D = e^-t, R~ = w^2/(1 + w^2)
    >>> pair = 0.1 * np.exp(-t) * np.ones((8, 1))
    >>> kick_response(pair, -pair, 0.05, 0.1, 1.0, [1.0, 2.0])[0].round(3)
    array([0.5, 0.8])
    """
    d = (np.asarray(plus, np.float64) - np.asarray(minus, np.float64)) / (2 * kick)
    mean = d.mean(0)
    late = mean[-max(len(mean) // 10, 2) :]
    if abs(late[-1] - late[0]) > 0.02 + 4 * np.std(d[:, -1] - d[:, -len(late)]) / np.sqrt(len(d)):
        raise ValueError("kick_response: the pairs still move relative to each other; follow the response for longer.")
    t = (np.arange(d.shape[1] - 1) + 0.5) * dt + delay
    return (1 + np.diff(d, axis=1) @ np.cos(np.outer(t, frequency))) / friction


def harada_sasa_simulated(
    potential: Any,
    dynamics: Overdamped,
    protocol: Any,
    key: Array,
    start: Array,
    steps: int,
    *,
    record_every: int = 1,
    kick: float = 0.1,
    cutoff: float | None = None,
) -> HaradaSasaTest:
    """Both sides of Harada and Sasa's equality for one overdamped coordinate, from four runs of one program.

    A run to reach the steady state, a run that is recorded (noise, velocity, heat), and a pair with a small kick and
    common noise (response), each of `steps` steps: long against the memory.

    Arguments: as `diffneq.stochastic.trajectories`: `potential` U(x, parameter), tilted by -f x if a force drives;
    `dynamics`, Overdamped, with the Euler-Maruyama scheme (the noise of Leimkuhler and Matthews is correlated from
    step to step); `protocol` constant, or None; `start` (n,) positions; `record_every` steps between records; `kick`
    [L]; `cutoff` [rad/time], by default pi/4 over the time between records.
    Returns a HaradaSasaTest whose `direct` is the heat given to the bath per time. Raises `ValueError` for another
    scheme and positions of more than one coordinate. Source: T. Harada, S. Sasa, Phys. Rev. Lett. 95, 130602 (2005).
    """
    if not isinstance(dynamics, Overdamped) or dynamics.scheme != "Euler-Maruyama":
        raise ValueError('harada_sasa_simulated: dynamics must be Overdamped(.., scheme="Euler-Maruyama").')
    if np.ndim(start) != 1:
        raise ValueError(
            f"harada_sasa_simulated: start must be (n,), one coordinate each, got shape {np.shape(start)}."
        )
    keys = jax.random.split(key, 3)

    def run(key, start):
        return trajectories(potential, dynamics, protocol, key, steps, start, record_every)

    steady = run(keys[0], start).position
    record = run(keys[1], steady)
    plus, minus = (np.asarray(run(keys[2], steady + shift).record_position) for shift in (kick, -kick))
    dt = float(dynamics.dt) * record_every
    cutoff = np.pi / 4 / dt if cutoff is None else float(cutoff)
    frequency, spectra, velocity = velocity_spectrum(record.record_position, dt, cutoff)
    # In time steps h dissipation is F o v, the force at both ends of a step: <(F_n + F_n+1) v_n>/2 = v_s^2 +
    # (C_0 + C_1)/2 - T R_0 has lags k h and (k + 1) h in equal parts; the kick is a force on the step before: h/2 each.
    delay = float(dynamics.dt)
    response = kick_response(plus, minus, dt, kick, float(dynamics.friction), frequency, delay)
    heat = -np.asarray(record.heat, np.float64) / (steps * float(dynamics.dt))
    direct = Estimate(heat.mean(), heat.std(ddof=1) / np.sqrt(len(heat)), "", "dissipation", "heat of the runs")
    T, friction = float(dynamics.temperature), float(dynamics.friction)
    return harada_sasa(frequency, spectra, response, velocity, T, friction, direct=direct)
