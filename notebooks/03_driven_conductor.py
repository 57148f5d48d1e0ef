# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A conductor far from equilibrium
#
# A strong field keeps the conductor of [notebook 01](01_conductor.ipynb) in a steady state that is no equilibrium: the
# electrons drift, and are hotter than the phonons, which are hotter than the bath. What of the physics of equilibrium
# survives? This notebook measures
#
# 1. what survives exactly: causality (Kramers–Kronig) and the sum rules of the *differential* conductivity
#    $\sigma_E(\omega)$, the response to a small extra field on top of the strong one,
# 2. what does not: the relation of fluctuation and dissipation, and what its ratio, an effective temperature, is,
# 3. local equilibrium: when, how much and how the velocities of the electrons depart from a Maxwellian.
#
# All errors are one standard error, 0.1223(61) means 0.1223 ± 0.0061, from independent replicas, each with impurities
# of its own. With `DIFFNEQ_FAST=1` the runs are short and the errors large; without it they take several minutes on two
# cores and are kept in a folder.

# %%
import os
import tempfile
import time
import warnings
from pathlib import Path

import jax
from IPython.display import display

import diffneq
from diffneq.statistics import Estimate
from diffneq.studies.driven_conductor import Plan, Runs, analyse, pictures

# %matplotlib inline
# %config InlineBackend.print_figure_kwargs = {"dpi": 75}

warnings.filterwarnings("ignore", message="IProgress not found")  # no progress bars here

FAST = os.environ.get("DIFFNEQ_FAST") == "1"
cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
jax.config.update("jax_num_cpu_devices", cores)
mode = "fast" if FAST else "full"
print(f"{mode} mode: {jax.local_device_count()} devices, diffneq {diffneq.__version__}")

# %% [markdown]
# ## 1. The runs
#
# At each field of a ladder, a run of many replicas goes on in its steady state, and snapshots are taken. From every
# other snapshot *pulses* start: the velocity of every electron is changed by $+\delta v$ in one copy and $-\delta v$ in
# another, and both go on with the same noise. That is a field $E(t) = \pm p\,\delta(t)$, $p = m\,\delta v/e$, on top of
# the constant one, and
#
# $$ \varphi(t) = \frac{\langle J(t)\rangle_{+} - \langle J(t)\rangle_{-}}{2Ap} , \qquad
#    \sigma_E(\omega) = \int_0^\infty \varphi(t)\,e^{i\omega t}\,dt . $$
#
# As long as the two copies stay close together their noise cancels, so that the beginning of $\varphi$ is known to
# parts in a million. A second set of runs measures $\sigma_E(\omega)$ directly, by a multisine on top of the field. A
# third has thermal walls across the field.

# %%
if FAST:
    plan = Plan(
        electrons=60, fields=(0.0, 0.3), probes=(0.02, 0.06), ladder=(0.0, 0.3), replicas=12, time=60.0, transient=30.0,
        pulses=2, pulse_time=24.0, period=25.0, periods=2, frequencies=10, walls_electrons=60, walls_field=0.1,
        walls_replicas=6, walls_time=40.0, walls_transient=40.0,
    )  # fmt: skip
else:
    plan = Plan()

temporary = tempfile.TemporaryDirectory() if FAST else None
folder = Path(temporary.name) if temporary else Path("../results/03_driven_conductor")
started = time.monotonic()
report = analyse(plan, Runs(plan, folder, progress=False))
print(f"{time.monotonic() - started:.0f} s this time (complete runs are only read)")
strong = plan.fields[-1]
print("electrons, phonons, impurities:", plan.model().counts, "  replicas:", plan.replicas)
print("fields of the ladder:", plan.ladder, "  response measured at:", plan.fields)
steady = "   ".join(f"{e:g}: {x.settling}" for e, x in report.ladder.items())
print("T_y, second half of the run less first, over the mean:", steady, "  between walls:", report.walls.settling)

# %% [markdown]
# ## 2. The response to a pulse
#
# Forces on electrons depend on positions only, and a kick changes velocities at once and positions later. Hence, in
# *any* steady state,
#
# $$ \varphi(0^+) = \frac{n_ee^2}{m}, \qquad \varphi'(0^+) = 0, \qquad
#    -\varphi''(0^+) = \frac{e^2}{m^2A}\Big\langle\sum_j \frac{\partial^2U}{\partial x_j^2}\Big\rangle_E , $$
#
# where $U$ is the potential of the electrons among impurities and phonons (electrons among themselves drop out). The
# right side of the last one is a plain average over the steady state: the second derivative of the potential energy
# when all electrons are shifted together, by automatic differentiation. It knows nothing of time, the left side nothing
# of the potential; they come from different snapshots.

# %%
for e, here in report.responses.items():
    unit = here.weight
    value, slope, second, curvature = (
        Estimate(x.value / unit, x.error / unit) for x in (*here.initial[:2], here.second_moment, here.curvature)
    )
    print(f"E = {e:g}, in units of n e^2/m:  phi(0+) = {value}   phi'(0+) = {slope}")
    print(f"    -phi''(0+) = {second}   curvature = {curvature}   {second.z_score(curvature):+.1f} standard errors")
pictures.pulses(report)

# %% [markdown]
# In the strong field the curvature is larger, because hot electrons run deeper into their scatterers, and so is the
# friction. Late in the response the driven conductor may undershoot: electrons that were pushed forward have been
# heated by the field, and hot electrons are slowed down more.
#
# ## 3. Sum rules
#
# In frequency the same statements are the sum rules of Shimizu and Yuge (J. Phys. Soc. Jpn. 79, 013002 (2010) and 80,
# 093706 (2011)),
#
# $$ \int\frac{d\omega}{\pi}\mathrm{Re}\,\sigma_E = \frac{n_ee^2}{m}, \quad
#    \int\frac{d\omega}{\pi}\Big[\omega\,\mathrm{Im}\,\sigma_E-\frac{n_ee^2}{m}\Big] = 0, \quad
#    \int\frac{d\omega}{\pi}\,\omega^2\,\mathrm{Re}\,\sigma_E
#    = \frac{e^2}{m^2A}\Big\langle\sum_j \frac{\partial^2U}{\partial x_j^2}\Big\rangle_E . $$
#
# The picture shows the integrals up to a cut-off $\Omega$: they differ between the two states at every finite $\Omega$,
# and end where they must. (The first is $\varphi(0^+)$, which the kick sets; that the integral of
# $\mathrm{Re}\,\sigma$ finds it again tests the transform. The probe below tests the rule without a kick.)

# %%
pictures.sum_rules(report)

# %% [markdown]
# ## 4. Causality
#
# The multisine on top of the field, upright in half of the runs and upside down in the others, so that even orders
# cancel. Kramers–Kronig relations of the driven state (lines: transforms of the points of the other part), the f-sum,
# and the comparison with the pulses, which share nothing with these runs but the model. Where the f-sum carries the
# mark (!), more than five percent of it lie beyond the measured frequencies, most of it below the lowest.

# %%
for e, here in report.responses.items():
    print(f"E = {e:g}: Kramers-Kronig chi^2 per frequency: Im from Re {here.imaginary.chi2 / here.imaginary.dof:.2f},"
          f" Re from Im {here.real.chi2 / here.real.dof:.2f};  pulses against probe"
          f" {here.agreement.chi2 / here.agreement.dof:.2f}")  # fmt: skip
    doubts = "(!)" if here.f_sum.warnings else ""
    print(f"    f-sum/(n e^2/m) = {here.f_sum} {doubts}, of this from below the lowest frequency"
          f" {here.f_sum.diagnostics['below']:.2f};  sigma(0), pulses: {here.static}")  # fmt: skip
pictures.conductivity(report, strong)

# %% [markdown]
# ## 5. Fluctuation and dissipation part ways
#
# At equilibrium $g_I(\omega) = 2k_BT\,\mathrm{Re}\,Y(\omega)$. In the driven state both sides are still measurable, the
# noise about the mean current and the differential admittance; their ratio defines
# $k_BT_\mathrm{eff}(\omega) = g_I/(2\,\mathrm{Re}\,Y)$.

# %%
for e, here in report.responses.items():
    noise = here.noise
    print(f"E = {e:g}: integral of g_I over that of 2 k_B T Re Y = {noise.violation},"
          f" {noise.violation.z_score(1.0):+.1f} standard errors from 1;"
          f" chi^2 per frequency {noise.chi2 / len(noise.frequency):.1f}")  # fmt: skip
    print(f"    phonons {report.ladder[e].phonon}   electrons along E {here.kinetic}"
          f"   <dJ^2> m/(N e^2) {here.collective}")  # fmt: skip
pictures.effective_temperature(report)

# %% [markdown]
# With the f-sum rule one average of $T_\mathrm{eff}$ is known beforehand: $\int g_I\,d\omega$ is the variance of the
# current and $\int\mathrm{Re}\,Y\,d\omega$ is fixed, so that $T_\mathrm{eff}$, averaged with the weight
# $\mathrm{Re}\,\sigma_E$, is $\langle\delta J^2\rangle m/N_ee^2$; this is the kinetic temperature along the field if
# velocities of different electrons are uncorrelated. That $T_\mathrm{eff}$ hardly depends on the frequency is not
# implied by that.
#
# ## 6. Local equilibrium
#
# Local equilibrium means: at each place the electrons have a Maxwellian distribution about their drift, with one
# temperature, that of the phonons beside them. In this uniform system it can fail in several ways. Each number below is
# zero if it holds.

# %%
for e, here in report.ladder.items():
    print(f"E = {e:g}   drift {here.along.drift}   T_x {here.along.temperature}   T_y {here.across.temperature}"
          f"   phonons {here.phonon}")  # fmt: skip
    print("    " + "   ".join(f"{name}: {value}" for name, value in here.departures().items()))
display(pictures.temperatures(report))
pictures.departures(report)

# %% [markdown]
# The first to go is the symmetry of $P(v_x)$, whose skewness is odd in the field and grows as $E$; the differences of
# temperatures are even and begin as $E^2$; the kurtosis comes last. The field at which each reaches five percent:

# %%
for section, name, value, _ in report.rows()[-len(report.ladder[strong].departures()) :]:
    print(f"{section:22} {name:24} {value}")

# %% [markdown]
# ### The tails of $P(v_y)$
#
# Yuge (arXiv:0907.0503) found that the velocity across the field has far tails that are Maxwellian, with a temperature
# that is neither that of the bath nor the kinetic one. A Maxwellian is a straight line in this picture; the lower panel
# shows the distance from the one with the same mean square. The lines have the slope of the tail temperature, fitted by
# maximum likelihood beyond $v_y^2 = 8\,T_y/m$; for a Maxwellian tail the fit does not depend on where it begins.

# %%
for e, here in report.ladder.items():
    tails = "   ".join(f"beyond {c:g}: {x}{' (!)' if x.warnings else ''}" for c, x in here.tails.items())
    print(f"E = {e:g}: bath 1, kinetic T_y = {here.across.temperature};  tail {tails}")
pictures.velocity_tails(report)

# %% [markdown]
# ## 7. Between walls
#
# Here the heat leaves through thermal walls at $T_0$. Temperature, density and drift have profiles. In the middle
# electrons and phonons have nearly the same temperature; within about a mean free path of the walls they do not, and
# the walls leave a temperature jump and a kurtosis.

# %%
walls = report.walls
middle, edge = len(walls.y) // 2, 0
for name, place in (("middle", middle), ("wall", edge)):
    electrons = Estimate(walls.across[place], walls.across_error[place])
    phonons = Estimate(walls.phonon[place], walls.phonon_error[place])
    kurtosis = Estimate(walls.kurtosis[place], walls.kurtosis_error[place])
    print(f"{name:7} electrons T_y {electrons}   phonons {phonons}   excess kurtosis {kurtosis}")
pictures.walls(report)

# %% [markdown]
# ## 8. The table

# %%
print(report.table())
if temporary:
    temporary.cleanup()
