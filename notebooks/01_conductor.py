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
# # A conductor made of particles
#
# Electrons that collide with phonons and impurities, in two dimensions, pushed by an electric field. From the
# motion of the particles alone, without a transport equation, this notebook measures
#
# 1. equilibrium: equipartition, the fluctuation of the current, and the conductivity from its correlation,
# 2. the steady state under a constant field: Joule's power, Ohm's law and its end,
# 3. that the conductivity does not depend on the size of the system,
# 4. the admittance $Y(\omega)$, its Kramers–Kronig relations and its sum rule,
# 5. the theorem of Johnson and Nyquist, $g_I(\omega) = 2 k_B T\,\mathrm{Re}\,Y(\omega)$: the noise of the conductor
#    at rest against the dissipation of the driven one.
#
# It is written for a reader who knows statistical physics but not this package. Every number below is printed by the
# code above it, as value and standard error: 0.1223(61) means 0.1223 ± 0.0061.
#
# With the environment variable `DIFFNEQ_FAST=1` the runs are short and small and the error bars large; the tests do
# that. Without it the runs take some minutes on two cores, and are kept in a folder, so that running the notebook
# again computes nothing twice.

# %%
import os
import tempfile
import time
import warnings
from functools import partial
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from IPython.display import display

import diffneq
from diffneq import plotting
from diffneq.drives import Constant
from diffneq.models import Conductor
from diffneq.response.johnson_nyquist import johnson_nyquist
from diffneq.simulation.rollout import list_plan, rollout
from diffneq.statistics import mean
from diffneq.studies.conductor import Plan, analyse
from diffneq.studies.conductor.runs import Runs

# %matplotlib inline
# %config InlineBackend.print_figure_kwargs = {"dpi": 75}

warnings.filterwarnings("ignore", message="IProgress not found")  # no progress bars here

# %% [markdown]
# JAX sees a CPU as one device unless it is told otherwise, before its first computation. One device per core lets the
# replicas of a run share the cores. On a machine with a GPU this line does nothing.

# %%
FAST = os.environ.get("DIFFNEQ_FAST") == "1"
cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
jax.config.update("jax_num_cpu_devices", cores)
mode = "fast" if FAST else "full"
print(f"{mode} mode: {jax.local_device_count()} devices, diffneq {diffneq.__version__}")

# %% [markdown]
# ## 1. The conductor
#
# Discs of radius $R$ in a box $L_x \times L_y$: mobile electrons (charge $e$), mobile phonons (neutral), and impurities
# that do not move. Every pair, of whatever kind, repels when the discs overlap,
#
# $$ m_i \ddot{\mathbf x}_i = -\sum_j \nabla_i u(|\mathbf x_i - \mathbf x_j|) + e_i E(t)\,\hat{\mathbf x}
#    \;(+\text{ bath, phonons only}), \qquad u(r) = Y \max(0,\, 2R - r)^{5/2} . $$
#
# The box is periodic along the field. The work of the field becomes kinetic energy of the electrons; collisions give
# it to the phonons; the phonons give it to a heat bath at temperature $T$. No bath acts on the electrons. In the
# variant `"uniform"`, used here, the box is periodic across the field too and the bath is a weak Langevin damping of
# the phonons, so that no property depends on the position. In the variant `"walls"` the heat leaves through thermal
# walls.
#
# The model follows Yuge, Ito and Shimizu (J. Phys. Soc. Jpn. 74, 1895, 2005): electrons, phonons as particles, and
# impurities, with heat leaving through the phonons. The parameters are our choice: electron and phonon densities
# $0.016/R^2$, a third as many impurities, equal masses, stiffness $Y = 40$ (`"soft"`) or 4000 (`"stiff"`).
# Units: $m = e = R = k_B T_0 = 1$; time is measured in $t = R\sqrt{m/k_BT_0}$, fields in $k_BT_0/eR$.

# %%
if FAST:
    plan = Plan(
        electrons=75, fields=(0.1, 0.2), size_field=0.1, seeds=2, replicas=6, time=400.0, transient=50.0,
        sizes=(), frequencies=14, decades=2.2,
    )  # fmt: skip
else:
    plan = Plan(replicas=64)

model = Conductor.preset(plan.preset, electrons=plan.electrons)
print("electrons, phonons, impurities:", model.counts)
print("box:", " x ".join(f"{float(length):.1f}" for length in model.box.lengths), "R^2, time step:", model.suggested_dt)

# %% [markdown]
# ## 2. One run by hand
#
# A run needs a model, an equation of motion, a drive, and random keys, one for each replica. `simulate` integrates all
# replicas at once and returns records: averages over `record_every` steps (for work and heat, sums). Nothing is random
# but what follows from the keys; the same keys give the same run.
#
# The start is random: discs that do not touch, with Maxwellian velocities. The field is switched on at $t = 0$.

# %%
field = 0.1
dynamics = model.dynamics()
keys = jax.random.split(jax.random.key(1), 12)
result = diffneq.simulate(model, dynamics, Constant(field), keys=keys, steps=12_000, record_every=10, progress=False)
print("runs lost:", int(np.sum(result.status > 0)), " warnings:", result.warnings)
plotting.snapshot(result.positions(0), np.repeat(np.arange(3), model.counts), np.asarray(model.box.lengths), [1.0] * 3)

# %% [markdown]
# The result is an `xarray.Dataset` with units; its attributes say where it comes from (versions, device, precision, the
# digest of the model and of the keys).

# %%
data = result.dataset()
print({name: (values.dims, values.attrs.get("units")) for name, values in data.data_vars.items() if name != "status"})
print({name: data.attrs[name] for name in ("jax", "dtype", "device", "replicas", "steps")})

# %% [markdown]
# The current density $j = \langle J\rangle/A$, $J = \sum_i e_i v_{x,i}$, $A = L_xL_y$, rises within a relaxation time
# and stays: a steady state.

# %%
area = float(model.area)
settled = data.sel(time=slice(60.0, None))
interval = float(data.time.values[0])
j = mean(settled["current"].values / area, interval, "e/(R t)", "j")
coarse = data["current"].coarsen(time=40, boundary="trim").mean() / area
print("j =", j, "  method:", j.method, "  correlation time:", f"{j.diagnostics['integrated_time']:.1f} t")
plotting.time_series(coarse.time.values, coarse.values, steady=j, transient=float(settled.time.values[0]))

# %% [markdown]
# The field does the work $W$, the bath takes the heat: $dE = W + Q$, with $Q$ the heat taken *in*, so negative here.
# Over the whole run this balance closes for each replica up to the error of the integrator. In the steady state the
# energy of the particles stays, and the mean power $jEA$ must equal the mean heat given away. (The temperatures settle
# more slowly than the current: the heat passes from electrons to phonons to the bath.)

# %%
work, heat = (mean(sign * settled[name].values / interval, interval) for name, sign in (("work", 1), ("heat", -1)))
error = np.abs(result.diagnostics["energy_error"]) / np.abs(result.diagnostics["work"])
print(f"|dE - W - Q|/W, largest of all replicas: {error.max():.1e}")
print("power of the field:", work, "  j E A:", f"{j.value * field * area:.3f}", "  heat to the bath:", heat)
print("electron temperature:", mean(settled["electron_temperature"].values, interval, "T_0"),
      "  phonon temperature:", mean(settled["phonon_temperature"].values, interval, "T_0"))  # fmt: skip

# %% [markdown]
# ## 3. The same motion, differentiated
#
# `rollout` is a short run as a pure function of its parameters. Its derivative with respect to the field, along the
# trajectory, is the exact linear response of *this* steady state to a small additional field switched on at $t = 0$:
#
# $$ \frac{\partial \langle J(t)\rangle}{\partial E} = \frac{N_e e^2}{m}\, t + O(t^3) . $$
#
# The first term holds in any steady state, however far from equilibrium, because forces depend on positions only and
# the additional field accelerates every electron before it collides differently: the sum rule of section 7, seen in
# time. Later, collisions bend the curve. Trajectories are chaotic, so the scatter of such derivatives grows
# exponentially: they are exact but of use for short times only. For steady-state transport coefficients use the
# estimators below.

# %%
lists = list_plan(model)  # the shape of the neighbour lists must be known before tracing
steps = 200


def current(parameters, start):
    """J(t) of one replica that goes on from `start`, as a function of the field and of the stiffness."""
    changed = eqx.tree_at(lambda m: m.law.stiffness, model, parameters["stiffness"])
    drive = Constant(parameters["field"])
    _, records = rollout(
        changed, dynamics, drive, start=start, key=jax.random.key(0), steps=steps, rebuild_every=5, plan=lists
    )
    return records["current"]


@jax.jit
@partial(jax.vmap, in_axes=(None, None, 0))
def along(parameters, direction, start):
    """J(t) and its derivative along a direction in the space of parameters."""
    return jax.jvp(lambda p: current(p, start), (parameters,), (direction,))


here = {"stiffness": model.law.stiffness, "field": jnp.asarray(field)}
directions = {name: {k: jnp.asarray(float(k == name)) for k in here} for name in here}
_, response = along(here, directions["field"], result.state)
response = np.asarray(response, float) / model.counts[0]
times = model.suggested_dt * np.arange(1, steps + 1)
print("  t    (m/N_e e^2) d<J>/dE    free electrons")
for i in (19, 49, 99, 199):
    scatter = response[:, i].std(ddof=1) / len(response) ** 0.5
    print(f"{times[i]:4.1f}    {diffneq.Estimate(response[:, i].mean(), scatter)!s:18}     {times[i]:.1f}")

# %% [markdown]
# Every float of model, dynamics and drive can be differentiated, forwards (`jax.jvp`, as here) or backwards
# (`jax.grad`). Here the derivative of one replica's current at the end of that short time, with respect to the field
# and to the stiffness $Y$ of the discs, beside central differences (in single precision, so they agree to a few
# digits only).

# %%
for name, shift in (("field", 0.005), ("stiffness", 0.2)):
    _, derivative = along(here, directions[name], result.state)
    up, down = (along({**here, name: here[name] + sign * shift}, directions[name], result.state)[0] for sign in (1, -1))
    difference = (np.asarray(up, float) - np.asarray(down, float)) / (2 * shift)
    print(f"dJ/d({name}): derivative {float(derivative[0, -1]):.5g}, central difference {difference[0, -1]:.5g}")

# %% [markdown]
# ## 4. The runs of the study
#
# The rest uses four sets of runs: undriven; constant fields in both directions; many sines at once; other sizes. The
# study `diffneq.studies.conductor` (which is also what the command `diffneq conductor` runs) keeps each in a zarr
# store. Each set is one call of `diffneq.sweep`, a product grid of parameters and seeds, spread over the devices; a
# sweep that was stopped goes on where it was.

# %%
temporary = tempfile.TemporaryDirectory() if FAST else None
folder = Path(temporary.name) if temporary else Path("../results/01_conductor")
folder.mkdir(parents=True, exist_ok=True)
runs = Runs(plan, folder, resume=True, progress=False)

started = time.monotonic()
undriven, constant, driven, sizes = runs.equilibrium(), runs.constant_fields(), runs.multisine(), runs.sizes()
seconds = time.monotonic() - started
print(f"about {plan.particle_steps():.2g} particle-steps; {seconds:.0f} s this time (complete stores are only read)")

started = time.monotonic()
constant = Runs(plan, folder, resume=True, progress=False).constant_fields()
print(f"opened again, nothing to compute: {time.monotonic() - started:.1f} s")
report = analyse(plan, undriven, constant, driven, sizes)

# %% [markdown]
# A sweep comes back as an `xarray.Dataset`, with the parameters as dimensions and provenance as attributes. Averages
# over time and seeds of the electron temperature, against the field:

# %%
print(dict(constant["current"].sizes), "unit of the field:", constant["field"].attrs.get("units"))
hot = constant["electron_temperature"].sel(time=slice(plan.transient, None)).mean(["seed", "time"]).squeeze()
for e in hot["field"].values:
    print(f"E = {e:+.3f}   T_e = {float(hot.sel(field=e)):.2f} T_0")

# %% [markdown]
# ## 5. Equilibrium
#
# Without a field the bath holds the phonons at $T$, and collisions must bring the electrons, which no bath touches, to
# the same temperature. Since their total momentum is not conserved, it fluctuates as equipartition says:
# $\langle J^2\rangle = N_e e^2 k_BT/m$. In units in which each is one:

# %%
still = report.equilibrium
for estimate in (still.electron_temperature, still.phonon_temperature, still.current_variance):
    print(f"{estimate.name:32} {estimate!s:16} z = {estimate.z_score(plan.temperature):+.1f}")

# %% [markdown]
# The autocorrelation of the current decays by collisions. In a two-dimensional *fluid* the velocity correlation has a
# tail $+a/t$, because momentum is conserved and diffuses away slowly; then no conductivity would exist in the
# limit of large systems. Here impurities absorb momentum. A gas of fixed scatterers has a tail $-a/t^2$, which does no
# harm to the integral. Which of them do the late data prefer? Fits by generalised least squares, with the covariance
# of the lags and $a \ge 0$; least AIC is preferred, and a relative likelihood near one means that the data cannot tell.


# %%
def tail_curves(correlation, tails):
    """The fitted tails on the times of the correlation, NaN before the window."""
    t = np.where(correlation.time >= tails.time[0], correlation.time, np.nan)
    start = np.nanmin(np.where(correlation.time >= window[0] - 1e-9, correlation.time, np.nan))
    fits = tails.fits
    curves = {
        "exponential": fits["exponential"].amplitude.value * np.exp(-(t - start) / fits["exponential"].decay_time),
        "$+a/t$": fits["1/t"].amplitude.value / t,
        "$-a/t^2$": -fits["-1/t^2"].amplitude.value / t**2,
    }
    return {name: curve for name, curve in curves.items() if np.nanmax(np.abs(curve)) > 0}


correlation, tails = still.correlation, still.tails
curves = None
if tails is None:
    print("these runs are too short for a fit of the tail")
else:
    window = (tails.time[0], tails.time[-1])
    curves = tail_curves(correlation, tails)
    print(f"window: about {window[0]:.1f} to {window[1]:.1f} t; preferred: {tails.preferred}")
    for name, fit in tails.fits.items():
        print(f"{name:12} chi^2 = {fit.chi2:5.1f}   relative likelihood {tails.relative_likelihood(name):.2g}")
plotting.autocorrelation(correlation.time, correlation.value, correlation.error, curves)

# %% [markdown]
# The formula of Green and Kubo,
#
# $$ \sigma = \frac{1}{A k_B T}\int_0^\infty \langle J(t)\,J(0)\rangle\, dt , $$
#
# by three estimators that differ in how they cut off the noise of late times: the low end of the spectrum by maximum
# likelihood (the default), cepstral analysis, and the integral up to six correlation times. None has a
# cut-off that is chosen by eye, and each states its error. A mark (!) is a warning of the estimator; it is printed.

# %%
for estimate in still.conductivity.values():
    doubts = "(!) " + "; ".join(estimate.warnings) if estimate.warnings else ""
    print(f"{estimate.method:22} sigma = {estimate}  {doubts}")

# %% [markdown]
# ## 6. Ohm's law and its end
#
# Under a constant field, after the transient: is the current steady (its second half minus its first, in units of the
# mean), is it odd in the field, does the bath receive what the field gives? Every run has impurities of its own, so the
# error bars of the currents are the scatter of the runs.

# %%
steady = report.steady
print("drift of the current:", steady.drift)
print("heat to the bath/Joule power:", steady.balance)
print(f"chi^2 of j(E) + j(-E) = 0: {steady.ohm.odd_chi2:.1f} for {steady.ohm.odd_pairs} pairs of fields")
value, spread = np.transpose([(x.value, x.error) for x in steady.work])
lost, doubt = np.transpose([(x.value, x.error) for x in steady.heat])
plotting.power_balance(steady.field, value, lost, spread, doubt)

# %% [markdown]
# The fit $j = \sigma E + \sigma_3E^3$ gives the linear conductivity and the first correction. The cubic law is the
# beginning of a series; $\chi^2$ says whether it suffices over this range of fields. What bends the current is heat:
# the electrons are hotter than the bath (right column). For hard discs the mean free path $\ell$ does not depend on the
# speed $v$, and the mobility $e\ell/mv$ falls; soft discs let fast electrons come closer to each other, which works the
# other way. The sign of $\sigma_3$ says which wins.

# %%
print("sigma   =", steady.ohm.sigma)
print("sigma_3 =", steady.ohm.sigma_3)
print(f"chi^2 of the fit: {steady.ohm.fit.chi2:.1f} for {steady.ohm.fit.dof} degrees of freedom")
for e, density, hot in zip(steady.field, steady.current_density, steady.electron_temperature, strict=True):
    ratio = diffneq.Estimate(density.value / e, density.error / abs(e))
    print(f"E = {e:+.3f}   j/E = {ratio!s:12}  T_e = {hot}")
value, spread = np.transpose([(x.value, x.error) for x in steady.current_density])
plotting.current_voltage(steady.field, value, spread, conductivity=steady.ohm.sigma, cubic=steady.ohm.sigma_3)

# %% [markdown]
# ### Size
#
# A conductivity is a property of the material: at the same densities it must not depend on the size. The field is
# the same for all sizes; small systems run more seeds, so that all are about as precise. A fit against $1/L$,
# $L = \sqrt A$, should have no slope. (The fast mode has one size only.)

# %%
size, figure = report.sizes, None
if size is None:
    print("one size only in these runs")
else:
    for number, sigma in zip(size.electrons, size.conductivity, strict=True):
        print(f"{number:5d} electrons   j/E = {sigma}")
    print(f"slope against 1/L: {size.slope}, {size.slope_z:+.1f} standard errors from zero")
    value, spread = np.transpose([(x.value, x.error) for x in size.conductivity])
    figure = plotting.conductivity_against_size(size.inverse_length, value, spread, limit=size.limit, slope=size.slope)
if figure is not None:
    display(figure)

# %% [markdown]
# ## 7. Alternating fields
#
# One drive holds many sines, each a whole number of cycles in a base period, so that a Fourier sum over whole periods
# separates them exactly. Their amplitudes grow with the frequency such that each dissipates about the same power, which
# makes all frequencies about equally precise: the relative variance of a conductance is $2k_BT$ over the work that
# went into measuring it. With the time factor $e^{-i\omega t}$, $Y(\omega) = \sigma(\omega)\,L_y/L_x$ has
# $\mathrm{Im}\,Y > 0$: inertia.
#
# Causality ties the two parts together (Kramers–Kronig),
#
# $$ \mathrm{Im}\,\sigma(\omega) = -\frac1\pi\,\mathrm{P}\!\!\int\frac{\mathrm{Re}\,\sigma(\omega')}{\omega'-\omega}\,
#    d\omega' , \qquad \text{and back;} \qquad
#    \int_{-\infty}^{\infty}\frac{d\omega}{\pi}\,\mathrm{Re}\,\sigma(\omega) = \frac{n_e e^2}{m} $$
#
# is the f-sum rule. Both parts are measured here on the driven conductor, so nothing builds these relations in. The
# lines in the picture are transforms of the points of the *other* part. The errors contain what the finite
# range of frequencies leaves open: above, the exponent of the tail; below the lowest frequency, where the data are
# continued as $1/(a + b\omega^2)$ if they show a curvature, the difference to a constant. That share is printed.

# %%
ac = report.alternating
w = ac.response.frequency
shape = ac.response.shape_factor
print(f"{len(w)} angular frequencies from {w.min():.3f} to {w.max():.2f} per t")
print("electron temperature under the drive:", ac.electron_temperature)
for name, check in (("Im from Re", ac.predicted_imaginary), ("Re from Im", ac.predicted_real)):
    print(f"Kramers-Kronig, {name}: chi^2 per frequency = {check.chi2 / check.dof:.2f}, p = {check.p_value:.2g}")
print("f-sum/(n_e e^2/m) =", ac.sum_rule, "; ".join(ac.sum_rule.warnings))
print(f"of this, from below the lowest frequency: {ac.sum_rule.diagnostics['below']:.2f}")
plotting.admittance(
    w, ac.response.admittance.real, ac.response.admittance.imag, ac.response.error_real * shape,
    ac.response.error_imag * shape,
    kramers_kronig=(w, *(shape * x for x in (
        ac.predicted_real.predicted, ac.predicted_imaginary.predicted,
        ac.predicted_real.predicted_error, ac.predicted_imaginary.predicted_error,
    ))),
)  # fmt: skip

# %% [markdown]
# Three routes to the conductivity, from runs that have nothing in common but the model:

# %%
routes = {
    "constant field, E -> 0": steady.ohm.sigma,
    "fluctuations, Green-Kubo": still.conductivity["spectral"],
    "sines, w -> 0": ac.conductivity,
}
for name, sigma in routes.items():
    print(f"{name:26} {sigma}")
names = list(routes)
for i, k in ((0, 1), (0, 2), (1, 2)):
    one, two = routes[names[i]], routes[names[k]]
    z = (one.value - two.value) / np.hypot(one.error, two.error)
    print(f"{names[i]} less {names[k]}: {z:+.1f} standard errors")

# %% [markdown]
# ## 8. Johnson and Nyquist
#
# The spectral intensity of the current noise of the conductor *at rest*,
#
# $$ g_I(\omega) = \int_{-\infty}^{\infty}\langle\delta I(t)\,\delta I(0)\rangle\,e^{i\omega t}\,dt ,
#    \qquad I = J/L_x , $$
#
# from tapered windows of the undriven runs (both components of the current: at rest nothing tells the axes apart),
# against $2k_BT\,\mathrm{Re}\,Y(\omega)$ from the driven runs. The two sides share no data and no adjustable number.

# %%
noise = ac.noise
print("g_I/(2 k_B T Re Y), all frequencies:", noise.ratio)
print(f"chi^2 per frequency: {noise.chi2_per_frequency:.2f}, p = {noise.p_value:.2g}")
plotting.johnson_nyquist(
    noise.frequency, noise.noise, noise.noise_error, noise.dissipation, noise.dissipation_error
)  # fmt: skip

# %% [markdown]
# Would a wrong theorem be noticed? Put a temperature into the formula that is wrong by 5 %. The ratio must then move to
# $1/1.05$ or $1/0.95$; whether this is seen is a question of the error bar, so it is printed in standard errors.

# %%
for factor in (1.0, 1.05, 0.95):
    wrong = johnson_nyquist(
        still.series, plan.record_time, ac.response, factor * plan.temperature, relative_width=0.3,
        steps=plan.record_every,
    )  # fmt: skip
    z = (wrong.ratio.value - 1) / wrong.ratio.error
    verdict = "excluded" if abs(z) > 3 else "not excluded by these runs"
    print(f"T x {factor:.2f}: ratio {wrong.ratio}, {z:+.1f} standard errors from one: {verdict}")

# %% [markdown]
# ## 9. The table
#
# What `diffneq conductor` prints for these runs; (!) marks an estimate with a warning.

# %%
print(report.table())
print("configuration of the undriven runs:", undriven.attrs["configuration_hash"])

# %%
if temporary:
    temporary.cleanup()
