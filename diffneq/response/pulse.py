"""The response to a kick: pairs of runs that differ by a momentum pulse, from the same start with the same noise."""

from dataclasses import dataclass

import numpy as np

from diffneq.statistics import Estimate

_CYCLES = 16.0  # of a frequency that its window holds at least: the taper then changes sigma by less than 1e-4


@dataclass(frozen=True)
class PulseResponse:
    """phi(t), the current density at t that a unit impulse of the field at t = 0 leaves behind.

    Fields: `time` (T,) [time], from zero; `samples` (R, T) [conductivity/time], one for each independent
    replica; `unit` of phi.
    """

    time: np.ndarray
    samples: np.ndarray
    unit: str = ""

    @property
    def response(self) -> np.ndarray:
        """Mean over replicas, (T,)."""
        return self.samples.mean(0)

    @property
    def error(self) -> np.ndarray:
        """Scatter of replicas, (T,)."""
        return self.samples.std(0, ddof=1) / np.sqrt(len(self.samples))

    def conductivity(self, frequency) -> np.ndarray:
        """sigma(w) = int_0^inf phi(t) e^{iwt} dt of every replica, complex (R, K).

        Argument: `frequency` w (K,) [rad/time]. phi is linear between its points and integrated exactly. A
        smooth taper ends it: over the last quarter of the record and, for the higher frequencies, over the last
        half of sixteen cycles, because what comes later is smooth and adds nothing but noise there.
        """
        w = np.atleast_1d(np.asarray(frequency, float))
        return np.stack([self._transform(x) for x in w], axis=1)

    def window(self, frequency: float) -> float:
        """The time [time] at which the taper ends: sixteen cycles, an eighth of the record at least, or all of it."""
        length = float(self.time[-1])
        return min(length, max(2 * np.pi * _CYCLES / frequency, length / 8)) if frequency > 0 else length

    def _transform(self, w: float) -> np.ndarray:
        end, length = self.window(w), self.time[-1]
        taper = _taper(self.time / end, 0.5 if end < length else 0.75)
        return (self.samples * taper) @ _fourier_weights(self.time, w)


def pulse_response(plus, minus, time, impulse: float, area: float, unit: str = "") -> PulseResponse:
    """phi(t) = [<J(t)>_+ - <J(t)>_-]/(2 A p), E(t) = +-p delta(t) at t = 0 on top of whatever drives the system.

    The impulse p gives each charge e the momentum e p, so that phi(0+) = n e^2/m, and sigma(w) = int_0^inf phi(t)
    e^{iwt} dt is the differential conductivity of the state in which the runs start, however far from equilibrium.
    The difference of +p and -p has no error of order p^2. As long as the two runs of a pair stay close their noise
    drops out; later the variance of phi is that of two currents over (2 A p)^2.

    Arguments: `plus`, `minus` (R, T) or (R, P, T), J [charge length/time] after either kick for R independent
    replicas (means over P pairs are taken first, as pairs of one replica share its impurities); `time` (T,) [time]
    after the kick, from zero; `impulse` p [field time]; `area` A [length^2].
    Raises `ValueError` for shapes that do not match, fewer than two replicas, or times that do not start at zero.
    Source: R. Kubo, J. Phys. Soc. Jpn. 12, 570 (1957); subtraction: G. Ciccotti, G. Jacucci, Phys. Rev. Lett. 35, 789
    (1975).

    >>> t = np.linspace(0, 20, 401)  # a Drude metal, tau = 1
    >>> drude = np.tile(np.exp(-t), (2, 1))
    >>> pulse = pulse_response(0.1 * drude, -0.1 * drude, t, impulse=0.1, area=1.0)
    >>> print(np.round(pulse.conductivity([0.0, 1.0])[0], 3))  # 1/(1 - i w tau)
    [1. +0.j  0.5+0.5j]
    """
    plus, minus, t = (np.asarray(x, np.float64) for x in (plus, minus, time))
    if plus.shape != minus.shape or plus.ndim not in (2, 3) or t.ndim != 1 or plus.shape[-1] != len(t):
        raise ValueError(f"plus and minus must have shape (R, {len(t)}), not {plus.shape} and {minus.shape}.")
    if len(plus) < 2:
        raise ValueError("one replica has no scatter and so no error; give two or more.")
    if len(t) < 4 or t[0] != 0 or (np.diff(t) <= 0).any():
        raise ValueError("time must increase from 0, where the current is that right after the kick.")
    if not (np.isfinite(plus).all() and np.isfinite(minus).all()):
        raise ValueError("the currents contain NaN or infinity; keep the good replicas, result.status == 0.")
    samples = (plus - minus) / (2 * area * impulse)
    return PulseResponse(t, samples.mean(1) if samples.ndim == 3 else samples, unit)


def initial_derivatives(pulse: PulseResponse, window: float, order: int = 5) -> tuple[Estimate, Estimate, Estimate]:
    """phi(0+), phi'(0+), phi''(0+) from phi(t) = sum_k c_k t^k, k <= order, fitted over 0 < t <= window.

    The fit is linear in phi: errors are the scatter of the replicas. To it is added, as a systematic error,
    the change for a window shorter by a quarter, where it exceeds its own scatter.
    Arguments: `window` [time], well below the duration of a collision; `order` of the polynomial.
    Raises `ValueError` where the window holds too few times for the order.
    """
    full = _fit(pulse, window, order)
    change = _fit(pulse, 0.75 * window, order) - full
    count = len(full)
    scatter = full.std(0, ddof=1) / np.sqrt(count)
    doubt = change.std(0, ddof=1) / np.sqrt(count)
    systematic = np.sqrt(np.maximum(change.mean(0) ** 2 - doubt**2, 0.0))
    names = ("phi(0+)", "phi'(0+)", "phi''(0+)")
    first, second, third = (
        Estimate(
            float(full[:, k].mean()), float(np.hypot(scatter[k], systematic[k])), pulse.unit + "/time" * k, names[k],
            f"polynomial of order {order} over {window:g}", (),
            {"dof": count - 1.0, "statistical": float(scatter[k]), "systematic": float(systematic[k])},
        )
        for k in range(3)
    )  # fmt: skip
    return first, second, third


def _fit(pulse: PulseResponse, window: float, order: int) -> np.ndarray:
    """c_0, c_1, 2 c_2 of every replica, (R, 3)."""
    here = (pulse.time > 0) & (pulse.time <= window * (1 + 1e-9))
    if here.sum() < order + 2:
        raise ValueError(f"{here.sum()} times up to {0.75 * window:g} are too few for order {order}; record finer.")
    powers = (pulse.time[here, None] / window) ** np.arange(order + 1)
    coefficients = pulse.samples[:, here] @ np.linalg.pinv(powers).T
    return coefficients[:, :3] * np.array([1.0, 1.0, 2.0]) / window ** np.arange(3)


def _taper(x: np.ndarray, start: float) -> np.ndarray:
    """1 up to x = start, 0 from x = 1, with two continuous derivatives between."""
    u = np.clip((x - start) / (1 - start), 0.0, 1.0)
    return 1 - u**3 * (10 - 15 * u + 6 * u * u)


def _fourier_weights(t: np.ndarray, w: float) -> np.ndarray:
    """c such that c @ f = int f e^{iwt} dt for f linear between the times (Filon).

    On an interval of width h, with q = w h: the ends weigh h e^{iwt} A(q), A = int_0^1 (1 - s) e^{iqs} ds, and its
    mirror image.
    """
    h = np.diff(t)
    q = w * h
    near = np.abs(q) < 0.05
    safe = np.where(near, 1.0, q)
    exact = 1j / safe + (1 - np.exp(1j * safe)) / safe**2
    series = 0.5 + 1j * q / 6 - q**2 / 24 - 1j * q**3 / 120
    left = np.where(near, series, exact)
    weight = np.zeros(len(t), complex)
    phase = np.exp(1j * w * t)
    weight[:-1] += h * phase[:-1] * left
    weight[1:] += h * phase[1:] * left.conj()
    return weight
