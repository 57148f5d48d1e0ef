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
# # Work and dissipation
#
# A system that is driven for a while dissipates, and what a single run dissipates fluctuates. How it fluctuates is
# fixed by exact relations; they turn runs far from equilibrium into free energies, and they tell what a machine must
# waste. This notebook
#
# 1. accounts for work, heat and the work done by a finite time step, so that the relations hold at *any* time step,
# 2. estimates a free energy from forward and reverse runs by seven routes, and sees which of them say when they fail,
# 3. compares a gas under a piston with its exact distribution of work,
# 4. tests fluctuation theorems on data: which hold at all times, which only late, and which not at all,
# 5. measures a dissipation without a calorimeter, from noise and response,
# 6. finds the protocol that wastes least, by gradient through the simulation,
# 7. finds the entropy production of a chain between two baths from its trajectories alone.
#
# $k_BT = 1$. Work $W$ is done *on* the system, heat $Q$ is taken in *from* the bath. Every number is printed with its
# standard error. With `DIFFNEQ_FAST=1` the runs are short; without it the whole takes a few minutes on two cores.

# %%
import os

import jax
import jax.numpy as jnp
import numpy as np
from IPython.display import display

from diffneq.drives import Constant, Ramp
from diffneq.fluctuations import exact, free_energy, protocol_optimisation, theorems
from diffneq.fluctuations.entropy_production import NeuralEstimator, ShortTimeBound, entropy_production
from diffneq.fluctuations.theorems.symmetry import exponential_average as exponential
from diffneq.plotting.entropy_production import thermodynamic_force
from diffneq.plotting.style import COLOURS, new_figure, style
from diffneq.statistics import Estimate
from diffneq.stochastic import (
    BreathingTrap,
    DraggedDoubleWell,
    DraggedTrap,
    Overdamped,
    PiecewiseLinear,
    Underdamped,
    canonical,
    reverse,
    trajectories,
)

# %matplotlib inline
# %config InlineBackend.print_figure_kwargs = {"dpi": 75}

FAST = bool(os.environ.get("DIFFNEQ_FAST"))
print("fast mode" if FAST else "full mode", "on", jax.devices())
RUNS = 20_000 if FAST else 400_000


def key(number):
    return jax.random.fold_in(jax.random.key(5), number)


# %% [markdown]
# ## 1. The work of a finite time step
#
# A particle in a trap whose stiffness grows from 1 to 2 while $t$ goes from 0 to 4, with inertia and friction. A time
# step $h$ of BAOAB moves the energy by more than heat and protocol work: the rest is *shadow work*, done by the
# integrator. With it, $\langle e^{-W}\rangle = Z_1/Z_0 = 2^{-1/2}$ exactly, however large the step; without it, an
# error of order $h^2$ that no amount of sampling removes.


# %%
def trap(x, stiffness):
    return stiffness * x**2 / 2


stiffen, start = Ramp(1.0, 2.0, 4.0), jax.random.normal(key(0), (RUNS,))
for h in (0.25, 0.5, 1.0):
    runs = trajectories(trap, Underdamped(h, 1.0, damping_rate=1.0), stiffen, key(1), round(4 / h), start)
    protocol, total = exponential(runs.work), exponential(runs.total_work)
    print(f"h = {h:<5} protocol work alone {protocol}    with shadow work {total}    exact {2**-0.5:.5f}")

# %% [markdown]
# ## 2. A free energy from runs far from equilibrium
#
# The same trap without inertia, stiffened twice as fast as it relaxes, and the reverse. `compare` puts all estimators
# side by side. Forward and reverse distributions cross at $W = \Delta F = \frac12\ln 2 = 0.3466$.

# %%
number, dt, duration = 2000, 0.01, 0.5
trap_model = exact.BreathingTrap(Ramp(1.0, 2.0, duration), duration)


def pulled(count, number):
    """Total works of the protocol and of its reverse, each from its own equilibrium."""
    protocol, dynamics, steps = Ramp(1.0, 2.0, duration), Overdamped(dt, 1.0), round(duration / dt)
    first = jax.random.normal(key(number), (count,))
    last = jax.random.normal(key(number + 1), (count,)) * 2**-0.5
    forward = trajectories(trap, dynamics, protocol, key(number + 2), steps, first)
    backward = trajectories(trap, dynamics, reverse(protocol, duration), key(number + 3), steps, last)
    return np.asarray(forward.total_work), np.asarray(backward.total_work)


forward, backward = pulled(number, 10)
found = free_energy.compare(forward, backward)
print(found)
print(f"exact dF {np.log(2) / 2:.4f}, <W> {float(trap_model.mean_work()):.4f}; measured <W> {forward.mean():.4f}")
display(found.figure())

# %% [markdown]
# Crooks' theorem, $\ln P_F(W)/P_R(-W) = W - \Delta F$, is a straight line of slope $1/k_BT$. The fit uses no bins
# (the points are there for the eye); a slope away from one would say that something is wrong with the data.

# %%
line = theorems.crooks(forward, backward, free_energy=np.log(2) / 2)
print("slope", line.slope, "intercept", line.intercept, "holds:", line.holds())
display(line.figure())

# %% [markdown]
# **When the data cannot support a number.** Gaussian work whose dissipation is far beyond what the sample resolves.
# Jarzynski's average returns *some* number with a small scatter, which is what makes it dangerous; here each estimate
# says what is wrong with it.

# %%
rng = np.random.default_rng(1)
for waste in (1.0, 5.0, 20.0):
    f, r = (rng.normal(sign * 1.0 + waste, np.sqrt(2 * waste), 500) for sign in (1, -1))
    print(f"dissipation {waste:g}, exact dF = 1")
    for name, value in (("Jarzynski", free_energy.jarzynski(f)), ("Bennett", free_energy.bar(f, r))):
        print(f"  {name:10s} {value!s:>12}   bias {value.diagnostics['bias']:.2g}   {'; '.join(value.warnings)}")

# %% [markdown]
# ## 3. Gas under a piston
#
# One particle of an ideal gas in a cylinder, isolated during the stroke, started at $k_BT = 1$ (Lua and Grosberg
# 2005). The distribution of work has an atom at $W = 0$, the particles that the piston never meets, and $\langle
# e^{-W}\rangle = L_1/L_0$ at any speed: no bath is needed for the work relation.

# %%
stroke = exact.PistonStroke(length=1.0, speed=-0.5, duration=1.0)
works = np.asarray(exact.piston_strokes(stroke, key(20), RUNS))
grid = np.linspace(0.05, 12, 400)
with style():
    figure = new_figure(6.4, 3.6)
    axes = figure.subplots()
    axes.hist(works[works != 0], bins=np.linspace(0, 12, 100), weights=np.full(np.sum(works != 0), 100 / 12 / RUNS),
              color=COLOURS["sky"], label="event by event")  # fmt: skip
    axes.plot(grid, stroke.work_density(grid), color=COLOURS["black"], lw=1.2, label="exact")
    axes.set(xlabel="work  [$k_BT$]", ylabel="probability density", yscale="log", ylim=(1e-4, 3))
    axes.set_title(f"compression to half the length; no work at all: {float(stroke.no_work_probability()):.4f}")
    axes.legend()
display(figure)
print("exp(-W) averaged", exponential(works), " exact", float(stroke.final_length / stroke.length))
print("mean work", Estimate(works.mean(), works.std() / np.sqrt(RUNS)), f" exact {float(stroke.mean_work()):.5f}")

# %% [markdown]
# ## 4. Which theorems hold when
#
# A trap dragged at constant speed. From equilibrium, $\ln P(W)/P(-W) = W$ holds after any time. In the steady state
# it holds only for long times; after the time $\tau$ the slope is $1/[1 - (1 - e^{-\tau})/\tau]$. And the heat does
# not obey it at all, however long one waits: the potential energy has exponential tails.


# %%
def dragged(x, centre):
    return (x - centre) ** 2 / 2


rows = []
speed, step = 1.0, 0.02
for tau in (0.5, 1.0, 2.0, 5.0):
    steps, path = round(tau / step), Ramp(0.0, speed * tau, tau)
    rest = jax.random.normal(key(30), (RUNS // 4,))
    transient = trajectories(dragged, Overdamped(step, 1.0), path, key(31), steps, rest)
    steady = trajectories(dragged, Overdamped(step, 1.0), path, key(32), steps, rest - speed)  # lags behind by speed
    produced = (transient.total_work, steady.total_work, -transient.heat)
    slopes = [theorems.evans_searles(one).slope for one in produced]
    rows.append((tau, *slopes))
    late = float(exact.SteadyDraggedTrap(speed, tau).fluctuation_slope())
    print(f"tau {tau:<4} work from rest {slopes[0]}   steady work {slopes[1]} (exact {late:.4f})   heat {slopes[2]}")

# %% [markdown]
# A machine of three states that turns more often one way than the other (affinity $\ln 3$ a turn). The symmetry of
# Gallavotti and Cohen, $\mu(\lambda) = \mu(1-\lambda)$ for the generating function $\mu(\lambda) = \lim
# \frac1t\ln\langle e^{-\lambda s}\rangle$, and the thermodynamic uncertainty relation, $\mathrm{Var}(J)\,\langle
# s\rangle/\langle J\rangle^2 \ge 2$:

# %%
net = exact.three_states()
record = exact.jump_trajectories(net, 20.0, key(40), 4000 if FAST else 40_000, exact.edge(3, 0, 1))
entropy = np.asarray(record.total_entropy(net.stationary()))
tur = theorems.uncertainty(np.asarray(record.counts[:, 0]), entropy)
print("uncertainty product", tur.product, " at least 2; of the whole network, at long times: 2.0446")
weights = net.entropy_weights()
scale = jnp.linspace(-0.2, 1.2, 8)
exact_curve = jnp.stack([net.scaled_cumulant_generating_function(weights, -s) for s in scale])
print("mu(l)  ", np.round(np.asarray(exact_curve), 5))
print("mu(1-l)", np.round(np.asarray(exact_curve)[::-1], 5))

# %% [markdown]
# ## 5. A calorimeter for one bead
#
# Harada and Sasa: what a driven overdamped particle dissipates equals the violation of the fluctuation-response
# relation, integrated over frequency. Here a particle on a tilted periodic potential; noise from one run, response
# from a pair with a small kick, and the heat itself, which only a simulation knows.


# %%
def washboard(x, force):
    return jnp.cos(x) - force * x


calorimeter = theorems.harada_sasa_simulated(
    washboard, Overdamped(0.01, 1.0, scheme="Euler-Maruyama"), Constant(3.0), key(50), jnp.zeros(64 if FAST else 512),
    steps=2000 if FAST else 10_000, record_every=2,
)  # fmt: skip
print("from noise and response:", calorimeter.dissipation, "  heat:", calorimeter.direct)
display(calorimeter.figure())

# %% [markdown]
# ## 6. The protocol that wastes least
#
# A trap is dragged by $L = 1$ in $t = 1$, with $k = \gamma = 1$. At constant speed that takes $1/e = 0.3679$; the
# least possible is $L^2/(t + 2) = 1/3$, and its protocol *jumps* at both ends (Schmiedl and Seifert 2007). Gradient
# descent through the simulation of a few thousand trajectories, with no knowledge of that, finds both.

# %%
sampled, descent = (2000, 20) if FAST else (20_000, 200)
rest = jax.random.normal(key(60), (sampled,))
drag = protocol_optimisation.Driving(DraggedTrap(1.0), Overdamped(0.01, 1.0), rest, steps=100)
dragging = protocol_optimisation.optimise(
    drag, PiecewiseLinear.ramp(0.0, 1.0, 1.0, knots=6), key(61), iterations=descent, progress=False
)
print("dragged:  ", dragging, f"  exact {1 / 3:.4f}")
squeeze = protocol_optimisation.Driving(BreathingTrap(), Overdamped(0.01, 1.0), rest, steps=100)
squeezing = protocol_optimisation.optimise(
    squeeze, PiecewiseLinear.ramp(1.0, 2.0, 1.0, knots=6), key(62), iterations=descent, progress=False
)
print("breathing:", squeezing, "  exact 0.4029")
optimum = PiecewiseLinear(0.0, 1.0, 1.0, [1 / 3, 2 / 3])
display(dragging.figure("position of the trap  [L]", exact=optimum, free_energy=0.0))

# %% [markdown]
# No closed form is known for a particle that is pulled over a barrier, from one well of a double well to the other.

# %%
well = DraggedDoubleWell(barrier=3.0, width=1.0, stiffness=10.0)
begin = canonical(well, -1.0, 1.0, key(63), -jnp.ones(sampled))
cross = protocol_optimisation.Driving(well, Overdamped(0.01, 1.0), begin, steps=100)
crossing = protocol_optimisation.optimise(
    cross, PiecewiseLinear.ramp(-1.0, 1.0, 1.0, knots=10), key(64), iterations=descent, progress=False
)
print("over the barrier:", crossing)
display(crossing.figure("position of the trap  [L]"))

# %% [markdown]
# ## 7. Entropy production from trajectories alone
#
# Beads between a bath at $T = 1$ and one at $T = 10$, coupled by springs. All that is given is their positions. The
# current that the short-time uncertainty bound likes best *is* the thermodynamic force, and its precision is the
# entropy production; so is what a network learns that tells forward steps from backward ones.

# %%
chain, interval = exact.bead_chain([1.0, 10.0]), 0.01
records = np.asarray(chain.trajectories(key(70), dt=interval, records=1000 if FAST else 4000, trajectories=50))
learned = ShortTimeBound().fit(records, interval)
print(f"two beads, exact {float(chain.entropy_production()):.4f}:  short-time bound {learned.estimate}")
if not FAST:
    network = NeuralEstimator("step").fit(records, interval, key(71))
    print(f"two beads, neural estimator {network.estimate}", *network.estimate.warnings)
display(thermodynamic_force(learned.force, lambda x: np.asarray(x) @ np.asarray(chain.thermodynamic_force()).T,
                            records.reshape(-1, 2)[:: 50 if FAST else 200]))  # fmt: skip
five = exact.bead_chain(np.linspace(1.0, 10.0, 5))
records = five.trajectories(key(72), dt=interval, records=1000 if FAST else 4000, trajectories=100)
bound = entropy_production(records, interval)
print(f"five beads, exact {float(five.entropy_production()):.4f}: short-time bound {bound}")

# %% [markdown]
# ## Where to go on
#
# - `diffneq.stochastic` takes any potential $U(x, \lambda)$ as a function; `diffneq.dynamics.ProtocolWork` does the
#   same accounting for any model of interacting particles.
# - `diffneq.fluctuations.exact` holds the solved systems; each is differentiable in all its parameters.
# - Which estimator to choose is the subject of the page *Work and entropy production* of the documentation.
