"""Responses that are known exactly: a particle on a ring (Kramers' equation), harmonic chains."""

import numpy as np
from scipy.linalg import expm, null_space

LENGTH = 4.0


class Ring:
    """m dv = (a k sin(k x) + E) dt - m g v dt + noise, U = a cos(k x), k = 2 pi/LENGTH, m = 1.

    rho = sum c_n(x) psi_n(v), d c_n/dt = -n g c_n - sqrt(n) v_T (d/dx - F/T) c_{n-1} - sqrt(n+1) v_T d c_{n+1}/dx.
    Source: H. Risken, The Fokker-Planck Equation (1989), section 10.1.
    """

    def __init__(self, a, field, rate=1.0, temperature=1.0, waves=10, orders=24):
        self.waves, self.orders, self.rate, self.temperature = waves, orders, rate, temperature
        self.a, self.field = a, field
        self.size = 2 * waves + 1
        self.k = 2 * np.pi / LENGTH

    def _generator(self, a, field):
        d = np.diag(1j * self.k * np.arange(-self.waves, self.waves + 1))
        up = np.eye(self.size, k=-1)  # multiplication by exp(i k x)
        force = a * self.k * (up - up.T) / 2j + field * np.eye(self.size)
        speed = np.sqrt(self.temperature)
        total = np.zeros((self.orders, self.size, self.orders, self.size), complex)
        for n in range(self.orders):
            total[n, :, n] -= n * self.rate * np.eye(self.size)
            if n:
                total[n, :, n - 1] -= np.sqrt(n) * speed * (d - force / self.temperature)
            if n + 1 < self.orders:
                total[n, :, n + 1] -= np.sqrt(n + 1) * speed * d
        return total.reshape(self.orders * self.size, -1)

    def stationary(self):
        """Coefficients of the steady state, normalised."""
        vector = null_space(self._generator(self.a, self.field), rcond=1e-9)[:, 0]
        return vector / (vector[self.waves] * LENGTH)

    def mean(self, vector, what):
        """<v>, <cos k x> or <v^2> of a density."""
        c = vector.reshape(self.orders, self.size) * LENGTH
        speed, middle = np.sqrt(self.temperature), self.waves
        if what == "velocity":
            return np.real(speed * c[1, middle])
        if what == "cosine":
            return np.real(c[0, middle + 1] + c[0, middle - 1]) / 2
        return np.real(self.temperature * (c[0, middle] + np.sqrt(2) * c[2, middle]))

    def response(self, times, what, parameter, change=None):
        """Means over records (middles `times`) of d<A(t)>/d(parameter), or of the finite change over its size."""
        start, fine = self.stationary(), 8
        shift = {"field": (0.0, 1.0), "a": (1.0, 0.0)}[parameter]
        step = 1e-6 if change is None else change
        base = self._generator(self.a, self.field)
        moved = self._generator(self.a + step * shift[0], self.field + step * shift[1])
        slope = (moved - base) / step
        width = times[1] - times[0]
        big = np.zeros((len(base) + 1, len(base) + 1), complex)  # d(delta)/dt = L_theta delta + L_1 rho_0
        big[:-1, :-1] = base if change is None else moved
        big[:-1, -1] = slope @ start
        hop = expm(big * width / fine)
        now, values = np.zeros(len(big), complex), []
        now[-1] = 1.0
        for _ in range(len(times) * fine + 1):
            values.append(self.mean(now[:-1], what))
            now = hop @ now
        values = np.array(values)
        edges = values[:-1].reshape(len(times), fine), values[1:].reshape(len(times), fine)
        return (edges[0] + edges[1]).mean(1) / 2


def linear_response(stiffness, rate, times, pushed, seen):
    """Means over records of x_seen(t) after a unit force on `pushed`: m = 1, x'' = -K x - g x' + f."""
    n = len(stiffness)
    flow = np.block([[np.zeros((n, n)), np.eye(n)], [-stiffness, -rate * np.eye(n)]])
    push = np.zeros(2 * n)
    push[n + pushed] = 1.0
    at = lambda t: np.linalg.solve(flow, (expm(flow * t) - np.eye(2 * n)) @ push)[seen]
    width, fine = times[1] - times[0], np.linspace(-0.5, 0.5, 9)
    curve = np.array([[at(t + width * f) for f in fine] for t in times])
    return ((curve[:, 1:] + curve[:, :-1]) / 2).mean(1)
