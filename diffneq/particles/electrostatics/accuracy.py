"""How large the errors of Coulomb forces are: root mean square over the ions, before anything has been simulated.

    dF^2 = (k Q)^2/N [ e_real^2 + e_reciprocal^2 ],     Q = sum_i q_i^2

The e^2 are those of the force between two unit charges, averaged over all distances; so the estimate is that of charges
without correlations, and what screens itself has a little less. All in NumPy: these are numbers for a plan.

Sources: J. Kolafa, J. W. Perram, Mol. Simul. 9, 351 (1992), for both sums; for the mesh, whose sum over aliases is done
exactly, R. W. Hockney, J. W. Eastwood, Computer Simulation Using Particles (1988), ch. 8, in the form for splines that
are differentiated: H. Wang, F. Dommert, C. Holm, J. Chem. Phys. 133, 034117 (2010).
"""

from __future__ import annotations

import numpy as np

from diffneq.particles.electrostatics import splines
from diffneq.particles.electrostatics.ewald import Ewald
from diffneq.particles.electrostatics.mesh import ParticleMesh

# Aliases on either side that count: the next are smaller by 3^-p.
_ALIASES = 2


def force_error(method: Ewald | ParticleMesh, charges, cell) -> float:
    """Estimated rms error of the force on an ion [energy/L] of charges (N,) in a cell (3, 3).

    >>> method = Ewald(alpha=0.35, cutoff=9.0, limits=(8, 8, 8))
    >>> bool(4e-6 < force_error(method, np.tile([1.0, -1.0], 100), np.eye(3) * 20.0) < 6e-6)
    True
    """
    cell, alpha, charges = np.asarray(cell, float), float(method.alpha), np.asarray(charges, float)
    if isinstance(method, Ewald):
        far = ewald_error(alpha, method.limits, cell)
    else:
        far = mesh_error(alpha, method.mesh, method.order, cell)
    near = real_space_error(alpha, float(method.cutoff), cell)
    return charge_factor(charges, float(method.coulomb_constant)) * float(np.hypot(near, far))


def charge_factor(charges: np.ndarray, coulomb_constant: float) -> float:
    """k Q/sqrt(N): what the error between unit charges is multiplied by."""
    return coulomb_constant * float(np.sum(charges**2)) / np.sqrt(len(charges))


def real_space_error(alpha: float, cutoff: float, cell: np.ndarray) -> float:
    """e_real = 2 exp(-alpha^2 r_c^2)/sqrt(r_c V): the pairs beyond the cutoff [1/L^2]."""
    return 2 * np.exp(-((alpha * cutoff) ** 2)) / np.sqrt(cutoff * abs(np.linalg.det(cell)))


def ewald_error(alpha: float, limits, cell: np.ndarray) -> float:
    """The reciprocal vectors beyond the limits [1/L^2]: Kolafa and Perram's sum outside a sphere, here outside slabs.

    e^2 = (8 alpha^2/V) sum_a sum_{n > n_a} h_a exp(-(n h_a)^2/(2 alpha^2))/(n h_a)^2, with planes h_a = 2 pi/|cell_a|
    apart; within a plane the Gaussian is integrated.
    """
    total = 0.0
    for limit, edge in zip(limits, np.linalg.norm(cell, axis=1), strict=True):
        spacing = 2 * np.pi / edge
        k = spacing * np.arange(limit + 1, limit + 2 + int(8 * alpha / spacing))
        total += np.sum(spacing * np.exp(-(k**2) / (2 * alpha**2)) / k**2)
    return np.sqrt(8 * alpha**2 / abs(np.linalg.det(cell)) * total)


def mesh_error(alpha: float, mesh, order: int, cell: np.ndarray) -> float:
    """The mesh's aliases [1/L^2], averaged over all positions of both charges.

    e^2 = (1/V^2) sum_n [ G^2 (sum_m k_m^2 W_m^2)(sum_m W_m^2) - 2 G k^2 W^2 psi + k^2 psi^2 ]
          + what the mesh leaves out

    psi = 4 pi exp(-k^2/(4 alpha^2))/k^2, W the transform of the spline at n + m K, and G = psi prod |b|^-2.
    """
    numbers = [np.fft.fftfreq(count, 1 / count) for count in mesh]
    sums = [_alias_sums(n, count, order) for n, count in zip(numbers, mesh, strict=True)]
    rows = 2 * np.pi * np.linalg.inv(cell).T
    metric = rows @ rows.T
    outer = lambda x, y, z: x[:, None, None] * y[None, :, None] * z[None, None, :]
    k2, alias_k2 = np.zeros(mesh), np.zeros(mesh)
    for a in range(3):
        for b in range(3):
            k2 = k2 + metric[a, b] * outer(*(numbers[c] ** ((c == a) + (c == b)) for c in range(3)))
            alias_k2 = alias_k2 + metric[a, b] * outer(*(sums[c][(c == a) + (c == b)] for c in range(3)))
    k2[0, 0, 0] = 1.0
    psi = 4 * np.pi / k2 * np.exp(-k2 / (4 * alpha**2))
    psi[0, 0, 0] = 0.0
    own = outer(*(np.sinc(n / count) ** (2 * order) for n, count in zip(numbers, mesh, strict=True)))
    influence = psi / outer(*(splines.transform(order, count) ** 2 for count in mesh))
    spread = outer(*(s[0] for s in sums))
    squares = influence**2 * alias_k2 * spread - 2 * influence * k2 * own * psi + k2 * psi**2
    volume = abs(np.linalg.det(cell))
    beyond = ewald_error(alpha, [(count - 1) // 2 for count in mesh], cell)
    return float(np.sqrt(max(np.sum(squares), 0.0) / volume**2 + beyond**2))


def _alias_sums(n: np.ndarray, count: int, order: int) -> list[np.ndarray]:
    """sum_m W_m^2 (n + m K)^j for j = 0, 1, 2."""
    all_n = n[:, None] + count * np.arange(-_ALIASES, _ALIASES + 1)[None, :]
    squares = np.sinc(all_n / count) ** (2 * order)
    return [np.sum(squares * all_n**j, axis=1) for j in range(3)]
