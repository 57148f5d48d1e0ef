"""Response and noise of one steady state: pulses, probe, sum rules, effective temperature."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from diffneq.response.admittance import Admittance, admittance
from diffneq.response.effective_temperature import EffectiveTemperature, effective_temperature
from diffneq.response.kramers_kronig import KramersKronig, f_sum_rule, kramers_kronig
from diffneq.response.pulse import PulseResponse, initial_derivatives, pulse_response
from diffneq.response.sum_rules import RunningMoments, running_moments
from diffneq.statistics import Estimate, autocovariance
from diffneq.statistics.distributions import chi_squared_tail
from diffneq.studies.driven_conductor.plan import Plan

SIGMA = "e^2 t/m"
_CUTOFFS = np.geomspace(0.3, 150.0, 60)
_FIT = 0.75  # of the short pulses: over all of it the fit changes with its window by more than its scatter
_WINDOW = 30.0  # of the autocovariance of the current [t]
_TAIL = 2.5  # Re sigma falls faster than w^-2: forces on electrons depend on positions only


@dataclass(frozen=True)
class Agreement:
    """sigma(w) from pulses and from the probe: `pulse` and `pulse_error` (K,) complex, chi^2 over both parts."""

    pulse: np.ndarray
    pulse_error: np.ndarray
    chi2: float
    dof: int
    p_value: float


@dataclass(frozen=True)
class DrivenResponse:
    """What a small extra field does to the steady state at `field`, and what it does by itself.

    `weight` n_e e^2/m; `pulse` phi(t); `initial`, phi, phi', phi'' at 0+ from short pulses; `curvature`, (e^2/m^2 A)
    <sum_j d^2U/dx_j^2>; `moments`, running integrals; `probe`, the admittance under the multisine, with its
    Kramers-Kronig relations and `f_sum` over n_e e^2/m; `agreement` of pulses and probe; `noise`, the effective
    temperature; `collective`, <dJ^2> m/(N_e e^2), and `kinetic`, m <(v_x - <v_x>)^2>.
    """

    field: float
    weight: float
    pulse: PulseResponse
    initial: tuple[Estimate, Estimate, Estimate]
    curvature: Estimate
    moments: RunningMoments
    probe: Admittance
    imaginary: KramersKronig
    real: KramersKronig
    f_sum: Estimate
    agreement: Agreement
    noise: EffectiveTemperature
    collective: Estimate
    kinetic: Estimate

    @property
    def second_moment(self) -> Estimate:
        """-phi''(0+), the left side of the second-moment rule."""
        bend = self.initial[2]
        return Estimate(-bend.value, bend.error, bend.unit, "second moment", bend.method, (), bend.diagnostics)

    @property
    def static(self) -> Estimate:
        """sigma(0) = int_0^inf phi dt."""
        samples = self.pulse.conductivity([0.0])[:, 0].real
        return over_replicas(samples, SIGMA, "differential conductivity, pulses")


def over_replicas(samples, unit: str = "", name: str = "mean") -> Estimate:
    """Mean of one number for each independent replica, and its standard error."""
    x = np.asarray(samples, float)
    error = float(x.std(ddof=1) / np.sqrt(len(x)))
    return Estimate(float(x.mean()), error, unit, name, "scatter of replicas", (), {"dof": len(x) - 1.0})


def driven_response(plan: Plan, field: float, steady, probed) -> DrivenResponse:
    """All about one field from the records of `Runs.steady` and the dataset of `Runs.probed`."""
    model = plan.model()
    electrons, area = model.counts[0], float(model.area)
    mass, charge = float(model.mass[0]), float(model.charge[0])
    weight = electrons * charge**2 / (mass * area)
    impulse = mass * float(steady["impulse"]) / charge
    short, long = (
        pulse_response(steady[f"{n}_plus"], steady[f"{n}_minus"], steady[f"{n}_time"], impulse, area, "e^2/m R^2")
        for n in ("short", "long")
    )
    bends = steady["curvature"].mean(1) * charge**2 / (mass**2 * area)
    probe = _probe(plan, field, probed)
    w, sigma = probe.frequency, probe.sigma
    total = f_sum_rule(w, sigma.real, probe.error_real, tail_power=_TAIL)
    velocity = steady["along"].reshape(plan.replicas, -1).astype(float)
    variance = _variance(plan, field, steady)
    return DrivenResponse(
        field,
        weight,
        long,
        initial_derivatives(short, _FIT * plan.short_time),
        over_replicas(bends, "e^2/m t^2 R^2", "curvature of the potential"),
        running_moments(long, _CUTOFFS, weight),
        probe,
        kramers_kronig(w, sigma, probe.covariance, predict="imag", tail_power=_TAIL),
        kramers_kronig(w, sigma, probe.covariance, predict="real"),
        _scaled(total, weight, "f-sum m/(n_e e^2)"),
        _agreement(long, probe),
        effective_temperature(
            steady["current"], plan.record_time, probe, plan.temperature, steps=plan.record_every
        ),
        over_replicas(variance * mass / (electrons * charge**2), "T_0", "collective temperature"),
        over_replicas(mass * velocity.var(1), "T_0", "kinetic temperature along the field"),
    )  # fmt: skip


def _scaled(total: Estimate, unit: float, name: str) -> Estimate:
    parts = {key: part / unit for key, part in total.diagnostics.items()}
    return Estimate(total.value / unit, total.error / unit, "", name, total.method, total.warnings, parts)


def _variance(plan: Plan, field: float, steady) -> np.ndarray:
    """<dJ^2> of each replica about its own long-time mean, which is zero in equilibrium.

    The mean over a finite record takes g(0)/T of the variance away; g(0) is the sum of the autocovariance over a window
    W of four relaxation times, each lag of which misses the same amount: g(0) = sum_W/(1 - 2 W/T).
    """
    squares = steady["current_squared"].mean(1)
    if field == 0:
        return squares
    x = steady["current"] - steady["current"].mean(1, keepdims=True)
    length = x.shape[1]
    window = min(round(_WINDOW / plan.record_time), length // 5)
    covariance = autocovariance(x, window + 1).mean(0)
    total = covariance[0] + 2 * covariance[1:].sum()
    lost = total / (1 - (2 * window + 1) / length) / length
    return squares - steady["current"].mean(1) ** 2 + lost


def _probe(plan: Plan, field: float, probed) -> Admittance:
    """Differential conductivity from both signs of the probe."""
    here = probed["current"].sel(field=field).transpose("sign", "seed", "time").values
    sign = np.repeat(probed["sign"].values, here.shape[1])
    values = here.reshape(-1, here.shape[-1])
    good = np.isfinite(values).all(1)
    drive = plan.probe(field)
    amplitudes = sign[good, None] * np.asarray(drive.amplitudes, float)
    phases = np.broadcast_to(np.asarray(drive.phases, float), amplitudes.shape)
    lengths = [float(x) for x in plan.model().box.lengths]
    return admittance(
        values[good], plan.record_time, drive.period, drive.harmonics, amplitudes, phases, *lengths,
        steps=plan.record_every, unit=SIGMA,
    )  # fmt: skip


def _agreement(pulse: PulseResponse, probe: Admittance) -> Agreement:
    """chi^2 of the difference at the frequencies of the probe, each part and frequency by itself.

    Frequencies of the pulse response are correlated; chi^2 then scatters more than its degrees of freedom say, but its
    mean is right.
    """
    samples = pulse.conductivity(probe.frequency)
    mean, count = samples.mean(0), len(samples)
    error = (samples.real.std(0, ddof=1) + 1j * samples.imag.std(0, ddof=1)) / np.sqrt(count)
    difference = mean - probe.sigma
    chi2 = np.sum(difference.real**2 / (error.real**2 + probe.error_real**2))
    chi2 += np.sum(difference.imag**2 / (error.imag**2 + probe.error_imag**2))
    dof = 2 * len(mean)
    return Agreement(mean, error, float(chi2), dof, chi_squared_tail(float(chi2), dof))
