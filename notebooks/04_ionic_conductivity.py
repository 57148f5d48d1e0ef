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
# # Ionic conductivity at constant current
#
# The current of the ions is held, and the field that this takes is measured: its mean is $E = j/\sigma$. Here the whole
# way of `diffneq electrolyte` is gone with a small model salt that needs a minute: sodium and chlorine ions that
# repel one another by the short-ranged part of a Born-Mayer law, without Coulomb energy. The notebook
#
# 1. shows a crystal of the catalogue and the model salt,
# 2. runs equilibrium, a constant field and two currents that a planner chose, at several temperatures,
# 3. looks at the record of the multiplier,
# 4. puts the routes side by side over temperature,
# 5. compares the speed-up over equilibrium with the formula $S = V j^2\tau/(3 k_BT\sigma)$,
# 6. measures what a Langevin bath does to the resistance,
# 7. does the same with the garnet.
#
# Units: eV, Å, u, e; time t₀ = 10.18 fs. Errors are one standard error. `DIFFNEQ_FAST=1` shortens the runs.

# %%
import os
import tempfile

import jax
import numpy as np
from IPython.display import Image, display

import diffneq
from diffneq.dynamics import Norton
from diffneq.materials import cubic_llzo, electrolyte, rock_salt
from diffneq.materials.units import kelvin, picoseconds
from diffneq.models import Fluid
from diffneq.models.potentials import PairPotential
from diffneq.options import ElectrolyteOptions
from diffneq.particles.ionic_laws import BornMayerHuggins, Truncated
from diffneq.particles.pair_laws import WCA
from diffneq.plotting.electrolyte import ions
from diffneq.response.conductivity import plan_current
from diffneq.statistics import Estimate
from diffneq.studies.electrolyte import run, study
from diffneq.studies.electrolyte.material import Material

# %matplotlib inline
# %config InlineBackend.print_figure_kwargs = {"dpi": 75}

FAST = os.environ.get("DIFFNEQ_FAST") == "1"

# %% [markdown]
# ## 1. Crystals
#
# The cubic garnet Li₇La₃Zr₂O₁₂, Ia-3d, as `diffneq electrolyte llzo` starts from it, with lithium drawn at random on
# its sites.

# %%
garnet = cubic_llzo(jax.random.key(0))
kinds = np.repeat(np.arange(4), garnet.counts)
display(ions(garnet.positions, kinds, garnet.names, garnet.cell))

# %% [markdown]
# The model salt: 64 ions. Any potential and structure make a `Material`; the study does the rest.

# %%
structure = rock_salt("NaCl", 2, edge=6.6)
law = Truncated(BornMayerHuggins(0.21, 2.75, 0.317, 0.0, 0.0), 5.0)
model = electrolyte(structure, PairPotential(law, tabulated=False), structure.names)
salt = Material(
    model,
    structure,
    hop=3.3,
    anneal=1500.0,
    solid=False,
    framework_distance=3.3,
    description="soft ions without charges",
)

# %% [markdown]
# ## 2. The study

# %%
temperatures = (1100.0,) if FAST else (700.0, 1100.0, 1700.0)
folder = tempfile.mkdtemp()
options = ElectrolyteOptions(
    "NaCl", temperatures=temperatures, time=8.0 if FAST else 24.0, equilibration=0.8, replicas=2, out=folder,
    progress=False, devices=1,
)  # fmt: skip
report = study(salt, options)
print(report.table())
pictures = {path.stem: path for path in report.pictures}

# %% [markdown]
# ## 3. A current is held
#
# The current is constant to round-off; the field fluctuates strongly.

# %%
display(Image(pictures["records"], width=620))

# %% [markdown]
# The displacement of the charge, whose slope is the conductivity of equilibrium, from the time on at which it is
# straight:

# %%
display(Image(pictures["displacement"], width=560))

# %% [markdown]
# ## 4. Over temperature

# %%
if "arrhenius" in pictures:
    display(Image(pictures["arrhenius"], width=600))
for name, fit in report.arrhenius.items():
    print(f"{name}: E_a = {fit.activation_energy}, curvature {fit.curvature}")

# %% [markdown]
# ## 5. The speed-up
#
# Relative variance times simulated time of equilibrium over that of one held current. A melt becomes diffusive within a
# picosecond, so there is little to gain; $S$ is proportional to volume and to the time that trapped ions need. What the
# planner expects of a garnet at 900 K with a conductivity of 10 S/m:

# %%
if "speed_up" in pictures:
    display(Image(pictures["speed_up"], width=520))
for cells in (1, 2, 3):
    plan = plan_current(
        Estimate(6.4e-5, 6e-6), volume=2188.0 * cells**3, temperature=kelvin(900.0), relative_error=0.05, hop=1.7,
        carriers=56 * cells**3, degrees_of_freedom=564 * cells**3, damping_rate=1 / picoseconds(0.5),
    )  # fmt: skip
    single = plan.single_time / picoseconds(1.0)
    print(
        f"{cells**3:2d} unit cells: field {plan.field:.3f} V/A bounded by {plan.limited_by}, "
        f"S = {plan.predicted_speed_up:.0f}, {single:.0f} ps of one current for 5 %"
    )

# %% [markdown]
# ## 6. What a Langevin bath does to the resistance
#
# Charged discs. Under a bath on all velocities the share $g m/(q^2 N)$ of $\lambda/r$ is the bath's. The bath on
# velocities relative to the mean of each species gives no net force to any species and has no such share; but its
# friction slows what single ions do, and with $g$ of the order of their collision rate the resistance rises by a half.
# The study therefore records without a bath, under the Gaussian thermostat `Isokinetic`.

# %%
discs = Fluid(WCA(1.0, 1.0), (12.0, 12.0), (50, 50), charge=(1.0, -1.0))
common = {"keys": jax.random.split(jax.random.key(2), 16), "progress": False, "devices": 1}
for g in (0.2, 2.0):
    for peculiar in (False, True):
        dynamics = Norton(0.005, 1.0, g, 10.0, peculiar=peculiar)
        start = diffneq.simulate(discs, dynamics, steps=500, **common).state
        records = diffneq.simulate(discs, dynamics, steps=1000 if FAST else 6000, start=start, **common).records
        found = diffneq.response.norton(records["multiplier"], 10.0, 0.05)
        resistance = Estimate(1 / found.value, found.error / found.value**2)
        bath = "peculiar velocities" if peculiar else "all velocities     "
        share = 0.0 if peculiar else g / 100
        print(f"g = {g:3.1f}, bath on {bath}: lambda/r = {resistance}, of which the bath's {share:.3f}")

# %% [markdown]
# ## 7. The garnet
#
# Cubic Li₇La₃Zr₂O₁₂ by Teter's potential at 900 K, eight picoseconds of four cells: what
# `diffneq electrolyte llzo --temperature 900 --time 8 --replicas 4` does. Lithium ions move together: the
# conductivity is three times that of Nernst and Einstein. (Left out where runs are shortened.)

# %%
if not FAST:
    options = ElectrolyteOptions(
        "llzo", temperatures=(900.0,), time=8.0, equilibration=2.0, replicas=4, out=tempfile.mkdtemp(), progress=False
    )
    print(run(options).table())
