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
# # Derivatives that survive chaos
#
# A differentiable simulator promises $d\langle A\rangle/d\theta$: how a current answers a field, a pressure a
# stiffness, an energy a temperature. But the derivative of a long trajectory is not the derivative of its average:
# neighbouring trajectories separate as $e^{\lambda t}$, and so does what automatic differentiation returns. This
# notebook
#
# 1. compares eight methods where the answer is known exactly,
# 2. shows where differentiation along trajectories dies in a conductor, and which methods go on,
# 3. follows $j(E)/E$ from a millionth of the thermal field to strong fields with one method,
# 4. differentiates a driven steady state, where no density is known,
# 5. differentiates static averages, by reweighting, and by all parameters at once,
# 6. turns the question round: the current is held, the field is measured.
#
# Every number is printed by the code above it, as value and standard error: 0.1223(61) means 0.1223 ± 0.0061. With
# `DIFFNEQ_FAST=1` the runs are short and the error bars large; the tests do that. Without it the whole takes about
# ten minutes on two cores.

# %%
import os

import jax
import jax.numpy as jnp
import numpy as np
from IPython.display import display

import diffneq
from diffneq import response
from diffneq.drives import Constant
from diffneq.dynamics import Langevin, Norton
from diffneq.models import EnergyModel, Fluid, Forced, ShearProfile
from diffneq.options import ResponseOptions
from diffneq.particles.pair_laws import WCA
from diffneq.plotting.derivatives import current_voltage as draw_current_voltage
from diffneq.plotting.style import COLOURS, new_figure
from diffneq.statistics import mean
from diffneq.studies.response.questions import conductivity, current_voltage

# %matplotlib inline
# %config InlineBackend.print_figure_kwargs = {"dpi": 75}

FAST = bool(os.environ.get("DIFFNEQ_FAST"))
print("fast mode" if FAST else "full mode", "on", jax.devices())

# %% [markdown]
# ## 1. A particle on a ring
#
# $m\ddot x = a k \sin kx + E - m g \dot x + \text{noise}$ on a ring of length $2\pi/k = 4$. A question is a `Problem`:
# which average, which parameter, how long after the change. `sample` keeps states of the undriven system, from which
# every method starts.

# %%
LENGTH = 4.0


def wave(positions, a):
    return a * jnp.sum(jnp.cos(2 * jnp.pi * positions / LENGTH))


ring = EnergyModel(wave, (LENGTH,), (1,), charge=1.0, parameters={"a": 1.0})
langevin = Langevin(0.05, temperature=1.0, damping_rate=1.0)
problem = response.Problem(ring, langevin, Constant(0.0), "current", "drive.amplitude", time=6.0, record_every=2)
replicas = 256 if FAST else 1024
rng = np.random.default_rng(0)
start = rng.uniform(0, LENGTH, (replicas, 1, 1)), rng.normal(size=(replicas, 1, 1))
states = response.sample(problem, jax.random.key(0), replicas=replicas, snapshots=4, start=start)
comparison = response.compare(states)
print(comparison.table(since=5.0))

# %% [markdown]
# `reweighting` refuses: a field around a ring is not the gradient of a potential, so no Boltzmann weight depends on it.
# The mobility that all others agree on is that of Kramers' equation, 0.411 at these times. The lower panel shows
# what each method costs: the errors of methods that follow trajectories start far lower and end far higher.

# %%
display(comparison.figure(reference=0.411))

# %% [markdown]
# ## 2. A conductor
#
# Electrons, phonons and impurities; the response of the current density to a field is the conductivity. The electrons
# feel no noise, so there is no likelihood of their paths to differentiate: `likelihood_ratio` refuses and says why. The
# tangent is measured to grow, and its number at the end is refused.

# %%
options = ResponseOptions(
    electrons=60,
    replicas=16 if FAST else 64,
    snapshots=1 if FAST else 12,
    horizon=8.0 if FAST else 30.0,
    methods=("fluctuation_dissipation", "coupled", "tangent") if FAST else None,
    fields=(1e-6, 0.03, 0.3) if FAST else None,
    progress=False,
)
conductor_states, by_method = conductivity(options)
print(by_method.table(since=2 / 3 * options.horizon))

# %%
display(by_method.figure())

# %% [markdown]
# Before $t \approx 2$, a fraction of a collision time, the tangent is the best method by orders of magnitude; after it
# the coupled runs decouple and the tangent is noise. Green–Kubo and the transient time correlation do not care.

# %% [markdown]
# ## 3. From a millionth of the thermal field to strong fields
#
# The transient time correlation $\langle j(t)\rangle_E = \int_0^t\langle\Omega(0)\,j(s)\rangle_E\,ds$ is exact at any
# field, and its relative error does not depend on it. Where fields are strong enough, runs in the steady state join it.

# %%
curve = current_voltage(options, conductor_states)
for label, part in (("transient", curve.transient), ("steady", curve.direct)):
    for field, value, error in part:
        print(f"{label:10s} E = {field:<8g} j/E = {diffneq.Estimate(value, error)}")
display(draw_current_voltage(curve.transient, curve.direct))

# %% [markdown]
# ## 4. About a driven steady state
#
# On the ring, a strong field $E = 1$ makes a steady state whose density nobody knows. What needs a density refuses.
# Runs with coupled noise and Malliavin weights of the integrator go on; Kramers' equation gives 0.891.

# %%
driven = response.Problem(ring, langevin, Constant(1.0), "current", "drive.amplitude", time=6.0, record_every=2)
driven_states = response.sample(driven, jax.random.key(1), replicas=replicas, snapshots=4, start=start)
about_driven = response.compare(
    driven_states, ("coupled", "likelihood_ratio", "transient_subtraction", "fluctuation_dissipation")
)
print(about_driven.table(since=5.0))

# %% [markdown]
# ## 5. Static averages, and all parameters at once
#
# How the mean of $\cos kx$ answers the depth $a$ of the potential: reweighting needs no further run. The closed form is
# $-\frac12(1 + I_2/I_0) + (I_1/I_0)^2 = -0.3543$ at $a = k_BT = 1$.


# %%
def cosine(model, state):
    position = state.anchor[0][0] * (LENGTH / 2.0**32) + state.displacement[0][0]
    return jnp.cos(2 * jnp.pi * position / LENGTH)


static = response.Problem(ring, langevin, Constant(0.0), cosine, "model.parameters['a']", time=6.0, record_every=2)
static_states = response.sample(static, jax.random.key(2), replicas=replicas, snapshots=8, start=start)
three = ("reweighting", "transient_time_correlation", "likelihood_ratio")
print(response.compare(static_states, three).table(since=5.0))

# %% [markdown]
# Reverse differentiation gives the derivatives by every float of model, dynamics and drive in one backward pass, in
# memory that grows as the square root of the number of steps. It fails where the tangent fails, so: short times.

# %%
short = response.Problem(ring, langevin, Constant(0.2), "current", "drive.amplitude", time=1.0, record_every=2)
short_states = response.sample(short, jax.random.key(3), replicas=64, snapshots=1, start=(start[0][:64], start[1][:64]))
gradients = response.METHODS["adjoint"](short_states).diagnostics["gradients"]
print("by the field       ", gradients.drive.amplitude)
print("by the damping rate", gradients.dynamics.damping_rate)
print("by the temperature ", gradients.dynamics.temperature)
print("by the depth       ", gradients.model.parameters["a"])

# %% [markdown]
# ## 6. Holding the current
#
# A sheared fluid of soft discs. Driven by $f(y) = \eta\sin(2\pi y/L_y)$ it flows with $U_1$; in Norton dynamics the
# flow is held to round-off, and the amplitude that holds it fluctuates. Both give the same resistance, up to $O(1/N)$.

# %%
fluid = Forced(Fluid(WCA(1.0, 1.0), (14.0, 14.0), (120,)), ShearProfile("sine"))
steps = 10_000 if FAST else 100_000
keys = jax.random.split(jax.random.key(4), 8)
common = {"keys": keys, "record_every": 10, "record": (), "progress": False}
pushed = diffneq.simulate(fluid, Langevin(0.005, 1.0, 1.0), Constant(0.5), steps=steps, **common)
early = steps // 50
thevenin = mean(pushed.records["flux"][:, early:] / 0.5, 0.05, name="U_1/eta")
held = diffneq.simulate(fluid, Norton(0.005, 1.0, 1.0, flux=0.5 * thevenin.value), steps=steps, **common)
norton = response.norton(held.records["multiplier"][:, early:], 0.5 * thevenin.value, dt=0.05)
print("field held:", thevenin, "  flux held:", norton)
print("largest deviation of the flux:", np.max(np.abs(held.records["flux"] - 0.5 * thevenin.value)))

# %%
figure = new_figure(7.0, 2.6)
axes = figure.subplots(1, 2)
axes[0].hist(pushed.records["flux"][:, early:].ravel(), bins=60, color=COLOURS["blue"])
axes[0].set(xlabel="flux $U_1$, field held", yticks=[])
axes[1].hist(held.records["multiplier"][:, early:].ravel(), bins=60, color=COLOURS["vermilion"])
axes[1].set(xlabel="field $\\lambda$, flux held", yticks=[])
display(figure)
