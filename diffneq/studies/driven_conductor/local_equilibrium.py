"""Velocities of the driven electrons against their local-equilibrium form: when, how much and how it breaks."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from diffneq.statistics import Estimate
from diffneq.statistics.profiles import density_profile, kurtosis_profile, mean_profile
from diffneq.statistics.velocities import VelocityMoments, log_density, tail_temperature, velocity_moments
from diffneq.studies.driven_conductor.plan import Plan
from diffneq.studies.driven_conductor.response import over_replicas

THRESHOLDS = (4.0, 6.0, 8.0, 10.0)  # v_c^2 in units of T_y/m
FAR = 8.0  # the one that stands for the tails: beyond 2.8 thermal velocities, half a percent of the electrons
_BINS = np.linspace(0.0, 6.0, 61)  # of |v_y| in thermal velocities
_SLICES = 12


@dataclass(frozen=True)
class LocalEquilibrium:
    """Electrons in the uniform steady state at `field`.

    `along`, `across`: moments of v_x and v_y; `phonon` temperature; `tails`, the temperature beyond v_c^2 = c T_y/m for
    each c of `THRESHOLDS`; `speed`, `log_density` and its `error` (B,), ln P(|v_y|). Departures from a Maxwellian at
    the temperature of the phonons, zero in local equilibrium: `hotter` T_y/T_phonon - 1, `anisotropy` T_x/T_y - 1,
    `along.kurtosis`, `across.kurtosis`, `along.skewness`, and `far`, T_tail/T_y - 1. `settling`, relative change of T_y
    from the first to the second half of the run: zero in a steady state.
    """

    field: float
    along: VelocityMoments
    across: VelocityMoments
    phonon: Estimate
    tails: dict[float, Estimate]
    speed: np.ndarray
    log_density: np.ndarray
    error: np.ndarray
    hotter: Estimate
    anisotropy: Estimate
    settling: Estimate

    @property
    def far(self) -> Estimate:
        tail, here = self.tails[FAR], self.across.temperature
        ratio = tail.value / here.value
        error = ratio * np.hypot(tail.error / tail.value, here.error / here.value)
        return Estimate(ratio - 1, float(error), "", "T_tail/T_y - 1", tail.method, tail.warnings)

    def departures(self) -> dict[str, Estimate]:
        """Name -> measure of departure from local equilibrium."""
        return {
            "T_y/T_phonon - 1": self.hotter,
            "T_x/T_y - 1": self.anisotropy,
            "skewness of v_x": self.along.skewness,
            "excess kurtosis of v_x": self.along.kurtosis,
            "excess kurtosis of v_y": self.across.kurtosis,
            "T_tail/T_y - 1": self.far,
        }


def local_equilibrium(plan: Plan, field: float, steady) -> LocalEquilibrium:
    """From the snapshots of `Runs.steady`."""
    mass = float(plan.model().mass[0])
    along, across = (steady[n].reshape(plan.replicas, -1).astype(float) for n in ("along", "across"))
    first, second = velocity_moments(along, mass), velocity_moments(across, mass)
    phonon = (steady["phonon_along"] + steady["phonon_across"]).mean(1) / 2
    kinetic = second.temperature.value
    reach = np.sqrt(kinetic / mass)
    tails = {c: tail_temperature(across, np.sqrt(c) * reach, mass) for c in THRESHOLDS}
    speed, value, error = log_density(across, _BINS * reach)
    own = mass * across.var(1)
    return LocalEquilibrium(
        field, first, second, over_replicas(phonon, "T_0", "phonon temperature"), tails, speed, value, error,
        _excess(own, phonon, "T_y/T_phonon - 1"), _excess(mass * along.var(1), own, "T_x/T_y - 1"),
        _settling(steady["across"].astype(float) ** 2),
    )  # fmt: skip


def _excess(above: np.ndarray, below: np.ndarray, name: str) -> Estimate:
    """<a>/<b> - 1 from paired means of replicas."""
    ratio = above.mean() / below.mean()
    found = over_replicas((above - ratio * below) / below.mean())
    return Estimate(float(ratio - 1), found.error, "", name, "ratio of means, scatter of replicas")


def _settling(squares: np.ndarray) -> Estimate:
    """Mean over the second half of the snapshots (R, S, N) less that over the first, over the mean of all."""
    means, half = squares.mean(2), squares.shape[1] // 2
    change = (means[:, half:].mean(1) - means[:, :half].mean(1)) / means.mean()
    return over_replicas(change, "", "second half less first")


def onset(fields, departures: list[Estimate], level: float) -> float:
    """The field at which a departure reaches `level`, by a power law from the field before; NaN outside the ladder.

    What is reached must also stand out of its error by a factor of four; a point before it that does not, but lies
    above the level by chance, counts as being at the level.

    >>> print(round(onset([0.1, 0.2], [Estimate(0.01, 0.001), Estimate(0.04, 0.001)], 0.02), 3))
    0.141
    """
    known = [(e, abs(d.value), d.error) for e, d in zip(fields, departures, strict=True) if e > 0]
    if known and known[0][1] >= level and known[0][1] > 4 * known[0][2]:
        return float("nan")  # somewhere below the first field
    for (e, small, _), (f, large, error) in pairwise(known):
        if large >= level and large > 4 * error:
            below = min(max(small, 1e-12), level)
            return float(e * (f / e) ** (np.log(level / below) / np.log(large / below))) if large > below else float(e)
    return float("nan")


@dataclass(frozen=True)
class WallProfiles:
    """Between thermal walls, in slices across the conductor, (B,) arrays; `*_error` alike.

    `y` centre of the slices [R]; `density` and `drift` of the electrons; `along` m <(v_x - u(y))^2>, `across` m <v_y^2>
    and `phonon` temperature; `kurtosis`, local excess of v_y; `settling`, relative change of the phonon temperature
    from the first to the second half of the run.
    """

    field: float
    y: np.ndarray
    density: np.ndarray
    density_error: np.ndarray
    drift: np.ndarray
    drift_error: np.ndarray
    along: np.ndarray
    along_error: np.ndarray
    across: np.ndarray
    across_error: np.ndarray
    phonon: np.ndarray
    phonon_error: np.ndarray
    kurtosis: np.ndarray
    kurtosis_error: np.ndarray
    settling: Estimate


def wall_profiles(plan: Plan, walls) -> WallProfiles:
    """From the snapshots of `Runs.walls`."""
    model = plan.walled()
    length, breadth = (float(model.box.lengths[a]) for a in (1, 0))
    edges = np.linspace(0.0, length, _SLICES + 1)
    electron, phonon = (float(model.mass[a]) for a in (0, 1))
    y, along, across = (walls[f"electron_{n}"].astype(float) for n in ("y", "along", "across"))
    y = np.clip(y, 0.0, length)
    drift, drift_error = mean_profile(y, along, edges)
    own = along - drift[np.minimum((y / length * _SLICES).astype(int), _SLICES - 1)]
    squares = (walls["phonon_along"].astype(float) ** 2 + walls["phonon_across"].astype(float) ** 2) / 2
    return WallProfiles(
        plan.walls_field,
        (edges[1:] + edges[:-1]) / 2,
        *density_profile(y, edges, breadth),
        drift,
        drift_error,
        *mean_profile(y, electron * own**2, edges),
        *mean_profile(y, electron * across**2, edges),
        *mean_profile(np.clip(walls["phonon_y"], 0.0, length), phonon * squares, edges),
        *kurtosis_profile(y, across, edges),
        _settling(squares),
    )
