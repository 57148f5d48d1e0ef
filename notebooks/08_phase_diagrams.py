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
# # Phase diagrams
#
# A phase diagram is a map of the states of least Gibbs energy. Two phases $a$ and $b$ of a binary system are in
# equilibrium where they have the same chemical potentials,
#
# $$ \mu_e^a(x^a, T) = \mu_e^b(x^b, T) \quad\text{for both elements } e, $$
#
# which is the common tangent of their energies. Three phases fit on one tangent at one temperature only: an
# **invariant reaction**, such as a eutectic. This notebook
#
# 1. calculates binary diagrams and lists their invariants,
# 2. checks the critical point of a miscibility gap,
# 3. asks how a eutectic temperature depends on the numbers in the database, by differentiation,
# 4. steps through a diagram at fixed composition: amounts of phases and the heat capacity,
# 5. cuts through a ternary system at one temperature.
#
# Every line below is certified: no other phase lies below the plane of the chemical potentials. With the environment
# variable `DIFFNEQ_FAST=1` only one system is calculated.

# %%
import os
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pycalphad
from IPython.display import display

import diffneq
from diffneq import plotting
from diffneq.thermo import calphad
from diffneq.thermo.calphad.diagrams import binary, invariant_temperature, step, ternary

# %matplotlib inline
# %config InlineBackend.print_figure_kwargs = {"dpi": 75}

jax.config.update("jax_enable_x64", True)  # energies of 1e5 J/mol to 1e-6 J/mol
FAST = os.environ.get("DIFFNEQ_FAST") == "1"
print(f"{'fast' if FAST else 'full'} mode, diffneq {diffneq.__version__}")

# %% [markdown]
# ## 1. Aluminium and zinc
#
# The database is part of the package: the assessment of S. an Mey (Z. Metallkd. 84 (1993) 451). Rows of equilibria at
# some temperatures show which tie-lines there are; where neighbouring rows differ, the reaction between them is solved
# for as a square system of equations; then the boundaries are traced between the reactions.

# %%
alzn = calphad.build("Al-Zn", ["Al", "Zn"])
diagram = binary(alzn, T=(300, 980), progress=False)
for reaction in diagram.invariants:
    phases = ", ".join(f"{name} {x:.4f}" for name, x in zip(reaction.phases, reaction.x, strict=True))
    print(f"{reaction.T:9.3f} K  {reaction.kind:12} {reaction.equation:32} x(Zn): {phases}")
for point in diagram.points:
    print(f"{point.T:9.3f} K  {point.kind}, x(Zn) = {point.x[0]:.4f}")

# %%
display(plotting.binary_phase_diagram(diagram.dataset))

# %% [markdown]
# J. L. Murray's assessment of the measurements has the eutectic at 654.2 K and the monotectoid at 550.2 K. The labels
# of the axes can be chosen: mass percent and degrees Celsius are what a foundry uses.

# %%
display(plotting.binary_phase_diagram(diagram.dataset, composition="mass percent", celsius=True))

# %% [markdown]
# ## 2. Compounds, ordering
#
# Cu$_2$Mg has two sublattices that mix and therefore a narrow field; CuMg$_2$ is a line. Lead and tin make the simple
# eutectic of solder. In Al-Ni, B2 and L1$_2$ are ordered; L1$_2$ is the $\gamma'$ of superalloys, and its disordered
# state, fcc, is described by the same energy.

# %%
spans = {"Pb-Sn": (300, 620)} if FAST else {"Pb-Sn": (300, 620), "Cu-Mg": (400, 1420), "Al-Ni": (400, 2050)}
for name, span in spans.items():
    other = binary(calphad.build(name, name.split("-")), T=span, progress=False)
    for reaction in other.invariants:
        print(f"{name} {reaction.T:9.2f} K  {reaction.kind:12} {reaction.equation}")
    display(plotting.binary_phase_diagram(other.dataset))

# %% [markdown]
# ## 3. The critical point
#
# The gap in fcc Al-Zn closes where $\partial^2 G/\partial x^2 = \partial^3 G/\partial x^3 = 0$: there the spinodal
# touches the binodal. Close to it the width of the gap grows like $(T_c - T)^{1/2}$, the classical exponent of any
# analytic energy (L. D. Landau, 1937).

# %%
critical = next(point for point in diagram.points if "critical" in point.kind)
fcc = alzn.phase("FCC_A1")
energy = lambda x: fcc.energy(critical.T, jnp.stack([1 - x, x]))
second, third = jax.grad(jax.grad(energy)), jax.grad(jax.grad(jax.grad(energy)))
x_c = jnp.asarray(critical.x[0])
print(f"T_c = {critical.T:.4f} K, x_c = {x_c:.5f}; G'' = {second(x_c):.1e}, G''' = {third(x_c):.1e} J/mol")
gap = next(region for region in diagram.regions if region.phases == ("FCC_A1", "FCC_A1"))
width, below = gap.x[:, 1] - gap.x[:, 0], critical.T - gap.T
near = (below > 1e-3) & (below < 2.0)
exponent = np.polyfit(np.log(below[near]), np.log(width[near]), 1)[0]
print(f"exponent of the width: {exponent:.4f}")

# %% [markdown]
# ## 4. Which numbers of the database decide the eutectic?
#
# The eutectic temperature is a differentiable function of the coefficients of the database: implicit derivatives at
# the three phases, their compositions and the temperature. One reverse pass gives all of them.

# %%
eutectic = diagram.invariants[-1]
slope = jax.grad(lambda c: invariant_temperature(alzn, eutectic, c))(alzn.tables.coefficients)
change = np.asarray(slope)[:, 0]  # K per J/mol of the constant term of each function
for unit in 1 + np.argsort(-np.abs(change[1:]))[:5]:  # function 0 is the number 1
    moved = alzn.tables.coefficients.at[unit, 0].add(10.0)
    finite = float(invariant_temperature(alzn, eutectic, moved)) - eutectic.T
    print(f"function {unit:3d}: 10 J/mol more moves T_E by {finite:+.4f} K; derivative: {10 * change[unit]:+.4f} K")

# %% [markdown]
# ## 5. Along a line of constant composition
#
# What an alloy with 30 % zinc goes through on cooling. The heat capacity $C_P = T(\partial S/\partial T)_x$ contains
# the heat of the reactions; at a line of the diagram it jumps, at the monotectoid heat is set free at one temperature.

# %%
along = step(alzn, T=(400.0, 950.0), x={"Zn": 0.3}, count=81 if FAST else 301)
print("phases change at", ", ".join(f"{t:.2f} K" for t in along.transitions.values))
display(plotting.step_diagram(along, title="Al, 30 % Zn"))

# %% [markdown]
# ## 6. Three components
#
# Any TDB file will do: here G. Ghosh's Cr-Ti-V (J. Phase Equilib. 23 (2002) 310), which comes with pycalphad. In a
# section at one temperature two phases fill a field of tie-lines (blue), three phases a triangle (shaded). The gap of
# the bcc solution of chromium and titanium closes inside the diagram, at a critical point.

# %%
if not FAST:
    file = Path(pycalphad.__file__).parent / "tests" / "databases" / "crtiv_ghosh.tdb"
    section = ternary(calphad.build(file, ["Cr", "Ti", "V"]), T=900.0, progress=False)
    display(plotting.ternary_section(section.dataset, names={"LAVES_C15": "C15"}, title="Cr-Ti-V at 900 K"))
