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
# # The equation of motion that slow variables really obey
#
# A heavy piston between two gases, a rotor held by a pawl, the current of a conductor: each is one slow variable
# among many fast ones, and each is said to obey a Langevin equation. Which one? This notebook
#
# 1. simulates Rayleigh's piston between two gases of equal pressure and different temperatures, collision by
#    collision,
# 2. finds its effective Langevin equation from the records alone, and sees the usual short-time fit fail,
# 3. shows a family of equations that no record of the displacement can tell apart,
# 4. takes Feynman's ratchet through three levels of description, and asks what each hides,
# 5. asks of the current of a conductor whether a plain Langevin equation describes it, at rest and in a strong field.
#
# $k_B = 1$. Stochastic differentials are Itô's unless a name says otherwise. With `DIFFNEQ_FAST=1` the runs are
# short.

# %%
import os
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
from IPython.display import Image, display

from diffneq import inference
from diffneq.event_driven import simulate_piston
from diffneq.inference.transition import moments
from diffneq.large_deviations import PistonGenerator
from diffneq.models.piston import Piston
from diffneq.models.ratchet import Ratchet, levels
from diffneq.options import PistonOptions, RatchetOptions
from diffneq.plotting.inference import displacement_families, drift_and_diffusion, long_time_rates
from diffneq.studies import conductor_langevin, piston, ratchet

# %matplotlib inline
# %config InlineBackend.print_figure_kwargs = {"dpi": 75}

FAST = bool(os.environ.get("DIFFNEQ_FAST"))
print("fast mode" if FAST else "full mode", "on", jax.devices())


def key(number):
    return jax.random.fold_in(jax.random.key(6), number)


# %% [markdown]
# ## 1. A piston between two gases
#
# A piston of mass $M$ between two infinite ideal gases with $p_L = p_R$ and $T_R = 4T_L$; the particles have mass $m
# = M/100$. The pressures balance, and still the piston drifts to the hot side: the first cumulant of its displacement
# grows at the rate $\kappa_1 \propto \sqrt m$. The gases are integrated out *exactly*: collisions are a jump process
# for $V$, simulated event by event, and solved by the leading eigenvalue $\theta(s)$ of its tilted generator.

# %%
RATIO, HOT = 0.01, 4.0
setup = PistonOptions(mass_ratio=RATIO, temperatures=(1.0, HOT), out="results/piston", progress=False)
with jax.enable_x64(True):
    report = piston.run(setup)
print(report.table())

# %% [markdown]
# The same by simulation. Skewness is a small effect on a large noise: the rates are measured with a martingale that
# removes most of the noise of $\kappa_1$ and $\kappa_2$, and errors come from the replicas.

# %%
system = Piston(RATIO, (1.0, HOT))
many, long = (2000, 400.0) if FAST else (8000, 1000.0)
run = simulate_piston(system, key(1), replicas=many, duration=long, record_every=2.0)
measured = inference.displacement_cumulants(run.displacement, run.interval, velocity=run.velocity)
print(f"{int(run.collisions.sum()):,} collisions")
with jax.enable_x64(True):
    generator = PistonGenerator(Piston(RATIO, (1.0, HOT)))
    exact = np.append(np.asarray(generator.cumulant_rates(4))[:3], float(generator.moments()[1]))
for target, value in zip((1, 2, 3, "variance"), exact, strict=True):
    print(f"{measured[target].name:24s} simulated {measured[target]!s:>16}   generator {value:.6g}   "
          f"z = {measured[target].z_score(value):+.1f}")  # fmt: skip

# %% [markdown]
# ## 2. The equation, from the records alone
#
# $M\,dV = -\gamma(V)V\,dt + \sqrt{2\gamma(V)T}\,dW$ (Itô) with $\gamma = \gamma_0 + \gamma_1 V$. Kinetic theory says
# $\gamma_0 = Ap\sqrt{8m/\pi}\,(T_L^{-1/2} + T_R^{-1/2})$, $\gamma_1 = mAp(1/T_R - 1/T_L)$, $T = \sqrt{T_LT_R}$; the
# fit is told nothing of that. It matches the cumulant rates of the displacement and the variance of $V$, with their
# covariance.

# %%
matched = inference.match(inference.ItoPolynomialFriction((0.3, 0.0), 1.5), measured)
print(matched.table())
theory = {"friction[0]": system.friction, "friction[1]": system.friction_slope, "temperature": system.temperature}
for name, value in theory.items():
    print(f"{name:12s} fitted {matched[name]!s:>14}   kinetic theory {float(value):.6f}")

# %% [markdown]
# The usual way is to fit drift and diffusion to short time steps. Both come out right, and what follows from them is
# wrong: collisions are jumps, their third moment matters at long times, and a Gaussian equation has none. Its
# $\kappa_3$ is too large by a factor of *two*. So is that of Stratonovich's form of the same friction law.

# %%
few = run.velocity[: 1000 if FAST else 3000]
naive = inference.fit(inference.ItoPolynomial((0.0, -0.2, 0.0), (0.4, 0.0)), few, run.interval)
stratonovich = inference.StratonovichPolynomialFriction((0.24, -0.012), 2.0)
half = inference.match(stratonovich, measured, targets=(1, 2, "variance"))
predicted = {}
for label, model in (("long-time match", matched.model), ("short-time fit", naive.model), ("Stratonovich", half.model)):
    with jax.enable_x64(True):
        rates = np.asarray(inference.langevin_cumulant_rates(model, inference.basis(model), 3))
    predicted[label] = rates
    print(f"{label:16s} kappa_1..3 {rates.round(5)}   over the exact ones {(rates / exact[:3]).round(3)}")
errors = np.sqrt(np.diag(measured.covariance))[:3]
display(long_time_rates(["$\\kappa_1$", "$\\kappa_2$", "$\\kappa_3$"], measured.values[:3], errors, predicted))

# %% [markdown]
# Mean and mean square step of the record, and those that the short-time fit has over the same interval: nothing shows
# that it is wrong at long times.

# %%
steps = inference.kramers_moyal(few, run.interval, orders=2)
keep = np.isfinite(steps.drift[:, 0])
v = np.linspace(steps.centres[keep].min(), steps.centres[keep].max(), 200)
after, spread = (np.asarray(x) for x in jax.vmap(lambda at: moments(naive.model, at, run.interval, 1))(jnp.asarray(v)))
curve = (v, (after - v) / run.interval, (spread + (after - v) ** 2) / (2 * run.interval))
display(drift_and_diffusion(
    steps.centres[keep, 0], steps.drift[keep, 0], steps.drift_error[keep, 0], steps.diffusion[keep, 0, 0],
    steps.diffusion_error[keep, 0, 0], {"short-time fit": curve}, dt=run.interval, name="V",
))  # fmt: skip

# %% [markdown]
# ## 3. Equations that no displacement can tell apart
#
# Constant noise with quadratic friction and a constant force; multiplicative noise with linear friction; and the law
# above: one family, and to first order in $\sqrt{m/M}$ one and the same $\theta(s)$. The displacement does not
# identify the equation. What tells them apart is the velocity.

# %%
with jax.enable_x64(True):
    law = inference.ItoPolynomialFriction((float(system.friction), float(system.friction_slope)), 2.0)
    family = {f"$\\beta = {share:g}\\,b$": inference.displacement_family(law, share) for share in (1.0, 0.5, 0.0)}
    fields = jnp.linspace(-0.06, 0.06, 41)
    at = np.linspace(-5.0, 5.0, 101)
    theta = {
        name: np.asarray(inference.scaled_cumulant_generating_function(model, inference.basis(model), fields))
        for name, model in family.items()
    }
    laws = {name: [np.asarray(jax.vmap(f)(at)) for f in (m.drift, m.diffusion)] for name, m in family.items()}
    curves = {name: (at, *law) for name, law in laws.items()}
display(displacement_families(curves, fields, theta, gaussian=exact[1] * np.asarray(fields) ** 2 / 2))

# %% [markdown]
# ## 4. Feynman's ratchet: what each level of description hides
#
# A rotor in a bath at $T_1 = 1.5$, a pawl in one at $T_2 = 0.75$, pressed tightly. Level 1 knows both baths; level 2
# one bath whose temperature depends on the angle, with *the same* law of motion; level 3 has no inertia. Each step
# hides entropy production: the heat that leaks through the pawl, which diverges as $1/m$, and what inertia does in a
# temperature gradient.

# %%
tour = None
if FAST:  # the check case alone, without curves against torque and mass
    print(levels(Ratchet(), points=31, modes=16))
else:
    tour = ratchet.run(RatchetOptions(out="results/ratchet", progress=False))
    print(tour.table())

# %%
for picture in tour.pictures if tour else ():
    display(Image(filename=str(picture), width=560))

# %% [markdown]
# Carnot's bound is out of reach: with a tight pawl the true efficiency (level 1) vanishes with the mass, while level
# 3, which sees neither the leak nor the inertia, believes in Carnot at the stall torque.
#
# ## 5. The current of a conductor as a Langevin variable
#
# The drift velocity of the electrons of `diffneq.models.Conductor`, undriven and in a field far beyond Ohm's law. The
# candidates are judged by replicas that they have not seen.

# %%
plan = conductor_langevin.Plan()
if FAST:
    plan = replace(plan, replicas=16, time=100.0, transient=20.0, fields=(0.3,), thinnings=(8,))
names = ("plain Langevin", "coloured noise") if FAST else None  # all
found = conductor_langevin.analyse(plan, names, progress=False)
print(found.table())
display(found.figure())
