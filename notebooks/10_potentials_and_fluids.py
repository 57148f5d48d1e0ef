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
# # Potentials and fluids
#
# All of the thermodynamics of a substance sits in one function. This notebook takes the Helmholtz energy of water
# (IAPWS-95) and of a few other fluids and
#
# 1. reads pressure, heat capacities and the speed of sound off it, and checks Maxwell's relations on them,
# 2. makes the other potentials by Legendre transforms, and any derivative $(\partial X/\partial Y)_Z$ by its name,
# 3. goes around a closed path: heat and work remain, $\oint dU$ and $\oint dQ/T$ do not,
# 4. finds where liquid and vapour coexist, the slope of the line, and how far each phase can be metastable,
# 5. draws the $T$–$s$ and the $\log p$–$h$ diagram,
# 6. runs a steam power plant with exact sensitivities of its efficiency,
# 7. does the same with cubic equations, for a mixture.
#
# With `DIFFNEQ_FAST=1` the pictures have fewer curves.

# %%
import os

import jax
import jax.numpy as jnp
import numpy as np
from IPython.display import display

from diffneq.plotting.fluids import pressure_enthalpy, temperature_entropy
from diffneq.plotting.style import COLOURS, new_figure, style
from diffneq.thermo import fluids
from diffneq.thermo.fluids import diagrams
from diffneq.thermo.potentials import cycle, legendre, properties, quotient, table

# %matplotlib inline
# %config InlineBackend.print_figure_kwargs = {"dpi": 75}

jax.config.update("jax_enable_x64", True)
FAST = bool(os.environ.get("DIFFNEQ_FAST"))
print("fast mode" if FAST else "full mode", "on", jax.devices())
water = fluids.water()

# %% [markdown]
# ## 1. One function
#
# $a(T,\rho)/RT = \phi^0(\delta,\tau) + \phi^r(\delta,\tau)$, with $\delta=\rho/\rho_c$ and $\tau=T_c/T$. Everything
# else is a derivative.

# %%
given = fluids.states(water, T=[300.0, 500.0, 900.0], p=[1e5, 1e6, 20e6])
given[["rho", "cp", "cv", "w", "joule_thomson"]].to_dataframe().round(8)

# %% [markdown]
# Maxwell's relations are the symmetry of second derivatives, so that a test of them tests the code, not water:

# %%
F = fluids.potential(water)
T, V = 500.0, 0.2  # K, m3/kg
pairs = [("S", "V", "T", "P", "T", "V", 1), ("T", "V", "S", "P", "S", "V", -1), ("S", "P", "T", "V", "T", "P", -1)]


_, rows = jax.jit(lambda T, V: table(F, T, V))(T, V)
for pair in pairs:
    left, right = quotient(rows, *pair[:3]), pair[6] * quotient(rows, *pair[3:6])
    sign = "" if pair[6] > 0 else "-"
    print(f"(d{pair[0]}/d{pair[1]})_{pair[2]} = {left:.12g}   {sign}(d{pair[3]}/d{pair[4]})_{pair[5]} = {right:.12g}")

# %% [markdown]
# ## 2. Other potentials
#
# $G(T,P) = F + PV$ with $V$ such that $-\partial F/\partial V = P$. The start for $V$ chooses the liquid. What comes
# out is a function like any other; $-T\,\partial^2 G/\partial T^2$ is $c_p$.

# %%
G = legendre(F, "G", V=1e-3)
bent = jax.jit(jax.grad(jax.grad(G)))(300.0, 1e5)
print(f"-T G_TT = {-300.0 * bent:.6f}   c_p of the states {float(given.cp[0]):.6f}   J/(kg K)")
named = jax.jit(lambda T, P: properties(G, T, P))(300.0, 1e5)
for name, value in named.items():
    print(f"{name:22s}{float(value):14.6e}")

# %% [markdown]
# ## 3. Around a closed path
#
# Steam is heated, expands, cools and is compressed along a smooth loop in $T$ and $V$.

# %%
loop = lambda a: (800.0 + 80.0 * jnp.cos(a), 0.008 * jnp.exp(0.9 * jnp.sin(a) + 0.3 * jnp.cos(2.0 * a)))
around = jax.jit(lambda: cycle(F, loop, 192))()
print(f"heat taken in {float(around.heat) / 1e3:12.6f} kJ/kg     work done {float(around.work) / 1e3:12.6f} kJ/kg")
print(f"closed integral of dU    {float(around.energy) / 1e3:10.1e} kJ/kg")
print(f"closed integral of dQ/T  {float(around.entropy) / 1e3:10.1e} kJ/(kg K)")

# %% [markdown]
# ## 4. Coexistence and its limits
#
# Equal pressure and equal Gibbs energy; the slope of the line follows from the implicit function theorem, and must be
# Clapeyron's $\Delta s/\Delta v$. Inside the coexistence curve a phase can be metastable up to the spinodal, where
# $(\partial p/\partial\rho)_T=0$.

# %%
T = jnp.array([300.0, 373.15, 450.0, 550.0])
line = fluids.saturation_at_temperature(water, T)
slope = jax.jit(jax.vmap(jax.grad(lambda T: fluids.saturation_at_temperature(water, T).p)))(T)
liquid, vapour = fluids.bulk(water, T, line.liquid), fluids.bulk(water, T, line.vapour)
clapeyron = (vapour.s - liquid.s) / (1.0 / vapour.rho - 1.0 / liquid.rho)
for row in zip(T, line.p / 1e3, slope / 1e3, clapeyron / 1e3, strict=True):
    print("T = {:7.2f} K   p = {:12.6f} kPa   dp/dT = {:.8f}   Clapeyron {:.8f} kPa/K".format(*map(float, row)))
boiling = fluids.saturation_at_pressure(water, 101325.0).T
print(f"boiling point at 101325 Pa: {float(boiling):.6f} K")

# %%
T_curve = 647.096 - (647.096 - 450.0) * np.linspace(1.0, 0.03, 20 if FAST else 60) ** 3
coexisting, limit = fluids.saturation_at_temperature(water, T_curve), fluids.spinodal(water, T_curve)
with style():
    figure = new_figure(6.4, 4.4)
    axes = figure.subplots()
    for rho, look in ((coexisting.liquid, "-"), (coexisting.vapour, "-"), (limit.liquid, "--"), (limit.vapour, "--")):
        name = {"-": "coexistence", "--": "spinodal"}[look] if rho is coexisting.liquid or rho is limit.liquid else None
        axes.plot(rho, T_curve, look, color=COLOURS["black" if look == "-" else "vermilion"], label=name)
    axes.plot(322.0, 647.096, "o", color=COLOURS["black"], markerfacecolor="white", label="critical point")
    axes.set(xlabel="density  [kg m$^{-3}$]", ylabel="temperature  [K]", title="Where water separates")
    axes.legend(loc="lower center")
display(figure)

# %% [markdown]
# ## 5. The diagrams

# %%
dome = diagrams.dome(water, T_low=280.0, points=40 if FAST else 120)
shares = diagrams.quality_lines(water, [0.2, 0.4, 0.6, 0.8], T_low=280.0, points=30 if FAST else 80)
pressures = [1e5, 10e6] if FAST else [1e4, 1e5, 1e6, 5e6, 25e6, 100e6]
isobars = diagrams.isobars(water, pressures, 280.0, 1050.0, points=60 if FAST else 200)
display(temperature_entropy(dome, shares, isobars, title="Water: temperature and entropy"))

# %%
temperatures = [400.0, 800.0] if FAST else [300.0, 400.0, 500.0, 600.0, 700.0, 800.0]
isotherms = diagrams.isotherms(water, temperatures, 1.2e3, 80e6, points=60 if FAST else 200)
display(pressure_enthalpy(dome, shares, isotherms, title="Water: pressure and enthalpy"))

# %% [markdown]
# ## 6. A steam power plant
#
# The Rankine cycle: a pump from 10 kPa to 10 MPa, a boiler to 800 K, a turbine that turns only a share of the
# isentropic drop of enthalpy into work, a condenser. Five flashes one after the other, as one differentiable function:
# the gradient says what the next percent of efficiency costs.


# %%
def plant(boiler, condenser, T_hot, turbine):
    """Efficiency, and the quality at the outlet of the turbine."""
    feed = fluids.at_pressure_quality(water, condenser, 0.0)
    before = fluids.bulk(water, feed.T, feed.liquid)
    pumped = fluids.at_pressure_entropy(water, boiler, before.s)
    h_pumped = fluids.bulk(water, pumped.T, pumped.liquid).h
    steam = fluids.at_temperature_pressure(water, T_hot, boiler)
    hot = fluids.bulk(water, steam.T, steam.liquid)
    ideal = fluids.at_pressure_entropy(water, condenser, hot.s)
    drop = hot.h - fluids.properties(water, ideal, ("h",))["h"]
    out = fluids.at_pressure_enthalpy(water, condenser, hot.h - turbine * drop)
    return (turbine * drop - (h_pumped - before.h)) / (hot.h - h_pumped), out.quality


at = (jnp.asarray(10e6), jnp.asarray(10e3), jnp.asarray(800.0), jnp.asarray(0.85))
(efficiency, quality), slopes = jax.jit(jax.value_and_grad(plant, (0, 1, 2, 3), has_aux=True))(*at)
print(f"efficiency {100 * float(efficiency):.3f} %   quality at the outlet {float(quality):.4f}")
for name, slope, step in zip(("boiler + 1 MPa", "condenser - 1 kPa", "steam + 10 K", "turbine + 1 %"), slopes,
                             (1e6, -1e3, 10.0, 0.01), strict=True):  # fmt: skip
    print(f"{name:20s} {100 * float(slope) * step:+.3f} points of efficiency")

# %% [markdown]
# ## 7. A mixture
#
# Methane and n-butane by the Peng–Robinson equation: bubble and dew pressures at three temperatures. Each pair of
# curves runs towards a critical point of the mixture, at a pressure far above that of either component.

# %%
pair = fluids.mixture("PR", ["methane", "n-butane"], k={("methane", "n-butane"): 0.0133})
shares = jnp.linspace(0.01, 0.8, 12 if FAST else 80)
compositions = jnp.stack([shares, 1.0 - shares], axis=-1)
bubble = jax.jit(jax.vmap(fluids.bubble_pressure, (None, None, 0)))
with style():
    figure = new_figure(6.4, 4.4)
    axes = figure.subplots()
    for T, colour in ((277.6, "blue"), (310.9, "green"), (344.3, "vermilion")):
        found = bubble(pair, T, compositions)
        good = np.asarray(found.converged)
        axes.plot(shares[good], found.p[good] / 1e6, color=COLOURS[colour], label=f"{T} K, liquid")
        axes.plot(found.incipient[good, 0], found.p[good] / 1e6, "--", color=COLOURS[colour], label="vapour")
    axes.set(xlabel="mole fraction of methane", ylabel="pressure  [MPa]", xlim=(0, 1), ylim=(0, None))
    axes.set_title("Methane and n-butane, Peng–Robinson")
    axes.legend(fontsize=8)
display(figure)

# %%
found = fluids.flash(pair, 310.9, 5e6, jnp.array([0.5, 0.5]))
print(f"half and half at 310.9 K and 5 MPa: {100 * float(found.vapour):.2f} % vapour, x = {found.x.round(4)}, "
      f"y = {found.y.round(4)}, tangent-plane distance {float(found.distance):.1e} R T")  # fmt: skip
