"""Many sines at once: the field, and how to choose its harmonics and phases."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike

from diffneq._parameters import check_finite, float_leaf
from diffneq.drives import phase as _phase
from diffneq.drives.clock import Clock, Time, seconds


class Multisine(eqx.Module):
    """E(t) = sum_k a_k sin(2 pi h_k t/T0 + phi_k), h_k whole: many frequencies at once, repeating after T0.

    Over whole periods the sines are orthogonal, so one run gives the response at every h_k/T0 with no
    leakage. `multisine` chooses harmonics and phases well.

    Arguments: `amplitudes` (K,) [force/charge]; `phases` (K,) [radians]; `harmonics`, K different positive
    whole numbers, and `period` T0 [time], both static. With R replicas, amplitudes and phases may be (R, K).
    A `Clock` of which T0 is a whole number of steps keeps the phases exact. Raises ValueError for wrong
    lengths, harmonics that are not whole, positive and different, T0 <= 0, or values that are not finite.

    >>> field = Multisine(amplitudes=[0.1, 0.2], phases=[0.0, 0.0], harmonics=(1, 3), period=12.0)
    >>> round(float(field(1.0)), 6)             # 0.1 sin(30 deg) + 0.2 sin(90 deg)
    0.25
    """

    amplitudes: Array = eqx.field(converter=float_leaf)
    phases: Array = eqx.field(converter=float_leaf)
    harmonics: tuple[int, ...] = eqx.field(static=True, converter=tuple)
    period: float = eqx.field(static=True, converter=float)

    def __check_init__(self):
        whole = all(isinstance(k, (int, np.integer)) and 0 < k < 2**31 for k in self.harmonics)
        if not whole or not self.harmonics or len(set(self.harmonics)) != len(self.harmonics):
            raise ValueError(f"Multisine: harmonics must be different whole numbers > 0, got {self.harmonics}.")
        if not (math.isfinite(self.period) and self.period > 0):
            raise ValueError(f"Multisine: period must be positive and finite, got {self.period}.")
        for name, value in {"amplitudes": self.amplitudes, "phases": self.phases}.items():
            if value.ndim not in (1, 2) or value.shape[-1] != len(self.harmonics):
                raise ValueError(
                    f"Multisine: {name} must have one entry for each of the {len(self.harmonics)} harmonics, "
                    f"got shape {tuple(value.shape)}."
                )
        check_finite("Multisine", amplitudes=self.amplitudes, phases=self.phases)

    @property
    def frequencies(self) -> np.ndarray:
        """h_k/T0, shape (K,) [1/time]; multiply by 2 pi for angular frequencies."""
        return np.asarray(self.harmonics, dtype=np.float64) / self.period

    def __call__(self, t: Time) -> Array:
        turns = _harmonic_cycles(self.harmonics, self.period, t)
        lead = (1,) * (turns.ndim - 1)
        amplitudes, phases = self.amplitudes, self.phases
        if amplitudes.ndim == phases.ndim == 1:  # one drive at many times
            amplitudes, phases = amplitudes.reshape(*lead, -1), phases.reshape(*lead, -1)
        return jnp.sum(amplitudes * jnp.sin(2.0 * math.pi * turns + phases), axis=-1)


def _harmonic_cycles(harmonics: tuple[int, ...], period: float, t: Time) -> Array:
    """h_k t/T0 mod 1, shape t.shape + (K,)."""
    times = seconds(t)[..., None]
    lead = (1,) * (times.ndim - 1)
    rates = jnp.asarray(np.asarray(harmonics) / period, dtype=times.dtype).reshape(*lead, -1)
    if not isinstance(t, Clock):
        turns = rates * times
        return turns - jnp.floor(turns)
    counts = jnp.asarray(harmonics, dtype=jnp.uint32).reshape(*lead, -1)
    first = _phase.times(_step_of_period(period, t.dt), t.step)
    base = (first[0][..., None], first[1][..., None])
    later = t.step.astype(t.dt.dtype) * (t.dt - jax.lax.stop_gradient(t.dt))
    return _phase.to_float(_phase.times(base, counts), times.dtype) + rates * later[..., None]


def _step_of_period(period: float, dt: Array) -> _phase.Fixed:
    """dt/T0. Where T0/dt is a whole number to within round-off it is taken as that whole number."""
    steps = period / dt
    whole = jnp.round(steps)
    round_off = 4.0 * jnp.finfo(dt.dtype).eps * steps
    is_whole = (jnp.abs(steps - whole) <= round_off) & (whole >= 1.0) & (whole <= 2.0**22)
    exact = _phase.reciprocal(jnp.where(is_whole, whole, 1.0).astype(jnp.uint32))
    nearly = _phase.from_float(dt / period)
    return jnp.where(is_whole, exact[0], nearly[0]), jnp.where(is_whole, exact[1], nearly[1])


def multisine(
    lowest: float,
    highest: float,
    count: int,
    amplitude: ArrayLike,
    dt: float,
    *,
    phases: str = "schroeder",
    key: Array | None = None,
) -> Multisine:
    """E(t) = sum_k a_k sin(2 pi h_k t/T0 + phi_k) with h_k/T0 spread evenly in the logarithm.

    T0 is the whole number of steps nearest to 1/lowest. Where the logarithmic spacing asks for the same
    harmonic twice, the next free one is taken. The phases are Schroeder's, then polished by clipping the
    peaks in time and restoring the amplitudes in frequency: with a low peak, every sine can be stronger
    before the response bends.

    Arguments: `lowest`, `highest` [1/time] (cycles); `count`, how many sines; `amplitude` [force/charge] of
    each sine, scalar or (count,); `dt` [time], the step of the run; `phases`, "schroeder", or "random" with a
    `key`. Raises ValueError for frequencies out of order or beyond half a cycle per step, and for a `count`
    larger than the number of harmonics between them.

    Sources: M. R. Schroeder, IEEE Trans. Inf. Theory 16, 85 (1970); E. van der Ouderaa, J. Schoukens, J.
    Renneboog, IEEE Trans. Instrum. Meas. 37, 145 (1988).

    >>> field = multisine(lowest=0.01, highest=1.0, count=12, amplitude=0.02, dt=0.01)
    >>> field.harmonics
    (1, 2, 3, 4, 5, 8, 12, 19, 28, 43, 66, 100)
    >>> crest_factor(field) < 2.3
    True
    """
    steps, harmonics = _log_harmonics(lowest, highest, count, dt)
    amplitudes = np.asarray(amplitude, dtype=np.float64)
    if amplitudes.shape not in ((), (count,)) or not np.all(np.isfinite(amplitudes)):
        raise ValueError(f"multisine: amplitude must be one finite number or {count} of them, got {amplitude}.")
    amplitudes = np.broadcast_to(amplitudes, (count,))
    if phases == "random":
        if key is None:
            raise ValueError('multisine: phases="random" needs a key, for example key=jax.random.key(0).')
        chosen = np.asarray(jax.random.uniform(key, (count,), maxval=2.0 * math.pi))
    elif phases == "schroeder":
        chosen = _polished(amplitudes, _schroeder(amplitudes, harmonics), harmonics)
    else:
        raise ValueError(f'multisine: phases must be "schroeder" or "random", got {phases!r}.')
    return Multisine(amplitudes, chosen, tuple(int(k) for k in harmonics), steps * dt)


def crest_factor(field: Multisine) -> float:
    """C = max|E| / sqrt(mean E^2) over one period; sqrt(2) for one sine. For a field of one replica."""
    amplitudes, phases = (np.asarray(leaf, dtype=np.float64) for leaf in (field.amplitudes, field.phases))
    signal = _one_period(amplitudes, phases, np.asarray(field.harmonics))
    return float(np.max(np.abs(signal)) / np.sqrt(np.mean(signal**2)))


def _log_harmonics(lowest: float, highest: float, count: int, dt: float) -> tuple[int, np.ndarray]:
    """Steps per period and (count,) harmonics, from 1 to the one nearest `highest`."""
    if not (0.0 < lowest <= highest <= 0.5 / dt < math.inf):
        raise ValueError(f"multisine: need 0 < lowest <= highest <= 1/(2 dt), got {lowest}, {highest} and dt = {dt}.")
    steps = round(1.0 / (lowest * dt))
    top = max(1, min(round(highest * steps * dt), (steps - 1) // 2))
    if not 1 <= count <= top:
        raise ValueError(f"multisine: count must be from 1 to {top}, the harmonics there are, got {count}.")
    harmonics = np.rint(np.geomspace(1.0, top, count)).astype(int)
    for i in range(1, count):  # the low end of a logarithmic grid of whole numbers is crowded
        harmonics[i] = max(harmonics[i], harmonics[i - 1] + 1)
    return steps, harmonics


def _schroeder(amplitudes: np.ndarray, harmonics: np.ndarray) -> np.ndarray:
    """Phases of a chirp that dwells at each frequency in proportion to its power."""
    power = amplitudes**2 / max(float(np.sum(amplitudes**2)), 1e-300)
    delay = np.concatenate([[0.0], np.cumsum(power)[:-1]])
    return -2.0 * math.pi * np.cumsum(np.diff(harmonics, prepend=0) * delay) % (2.0 * math.pi)


def _one_period(amplitudes: np.ndarray, phases: np.ndarray, harmonics: np.ndarray) -> np.ndarray:
    """E over one period, eight points or more per shortest wave."""
    points = 1 << math.ceil(math.log2(8 * int(harmonics.max()) + 8))
    spectrum = np.zeros(points // 2 + 1, dtype=complex)
    spectrum[harmonics] = -0.5j * points * amplitudes * np.exp(1j * phases)
    return np.fft.irfft(spectrum, points)


def _polished(amplitudes: np.ndarray, phases: np.ndarray, harmonics: np.ndarray, rounds: int = 300) -> np.ndarray:
    """The phases with the lowest peak met while clipping peaks and restoring amplitudes in turn."""
    best, best_peak = phases, math.inf
    for turn in range(rounds):
        signal = _one_period(amplitudes, phases, harmonics)
        peak = float(np.max(np.abs(signal)))
        if peak < best_peak:
            best, best_peak = phases, peak
        level = peak * (0.5 + 0.45 * turn / rounds)  # hard at first, gently at the end
        clipped = np.fft.rfft(np.clip(signal, -level, level))[harmonics]
        phases = np.angle(1j * clipped)
    return best
