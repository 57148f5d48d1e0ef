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
# # Reactions and mixtures
#
# Part 1: from tabulated heat capacities to equilibrium constants, flames, reformers and furnaces. A gas and pure
# condensed phases in equilibrium minimise $G = \sum_k n_k \mu_k$ with the elements given; here thousands of such states
# are found at once, each with a certificate, and differentiated. Part 2: liquid mixtures.
#
# With the environment variable `DIFFNEQ_FAST=1` the grids are coarse.

# %%
import os

import jax
import jax.numpy as jnp
import numpy as np
from IPython.display import display

import diffneq
from diffneq.plotting import reactions as pictures
from diffneq.thermo.reactions import ellingham, equilibrium, equilibrium_at, reaction, species_of, tabulate
from diffneq.thermo.species import library
from diffneq.thermo.species.reference import at_standard_pressure

# %matplotlib inline
# %config InlineBackend.print_figure_kwargs = {"dpi": 75}

jax.config.update("jax_enable_x64", True)
FAST = os.environ.get("DIFFNEQ_FAST") == "1"
print(f"{'fast' if FAST else 'full'} mode, diffneq {diffneq.__version__}")

# %% [markdown]
# ## Part 1: reactions
#
# ### One reaction: ammonia
#
# $K(T) = \exp(-\Delta G/RT)$ with the Gibbs energies of NIST's Shomate polynomials, at the standard pressure of 1 bar.
# Its slope is van 't Hoff's: $d\ln K/dT = \Delta H/RT^2$, here by automatic differentiation.

# %%
ammonia = reaction("N2 + 3 H2 = 2 NH3", "shomate")
for T in (300.0, 500.0, 700.0):
    print(f"{T:5.0f} K  log10 K = {float(ammonia.log10_K(T)):8.4f}   dlnK/dT = {float(ammonia.ln_K_slope(T)):.5f} 1/K, "
          f"dH/RT^2 = {float(ammonia.enthalpy(T)) / (8.314462618 * T**2):.5f} 1/K")  # fmt: skip

# %% [markdown]
# Haber's compromise: cold favours the product, and the catalyst needs heat; so pressure.

# %%
T = np.linspace(450.0, 950.0, 21 if FAST else 101)
share = {}
for bar in (1, 10, 100, 300):
    made = equilibrium(species_of("shomate", ["N2", "H2", "NH3"]), {"N2": 1, "H2": 3}, T=T, P=bar * 1e5)
    share[f"{bar} bar"] = made.y.sel(species="NH3").values
print("600 K, 100 bar:", float(np.interp(600.0, T, share["100 bar"])))
display(pictures.mole_fractions(T, share, xlabel="temperature  [K]", ylabel="mole fraction of NH$_3$",
                                title="Ammonia from N$_2$ + 3 H$_2$, ideal gas"))  # fmt: skip

# %% [markdown]
# ### Reforming methane: when does soot fall out?
#
# Methane and steam, all gases of GRI-Mech 3.0 of these elements, and graphite. The element potentials are the
# unknowns: as many as there are elements, whatever the number of species.

# %%
graphite = at_standard_pressure(library.species("C(gr)"), 101325.0)
candidates = species_of("gri30", "CHO", [graphite])
T = np.linspace(500.0, 1400.0, 31 if FAST else 181)
steam = equilibrium(candidates, {"CH4": 1.0, "H2O": 1.0}, T=T, P=101325.0)
main = {name: steam.n.sel(species=name).values for name in ("CH4", "H2O", "H2", "CO", "CO2", "C(gr)")}
display(pictures.mole_fractions(T, main, xlabel="temperature  [K]", ylabel="amount  [mol]",
                                title="CH$_4$ + H$_2$O, 1 atm"))  # fmt: skip
print("graphite between", *(f"{t:.0f} K" for t in T[main["C(gr)"] > 0][[0, -1]]))
print("certified:", int((steam.status == 0).sum()), "of", len(T))

# %% [markdown]
# The whole triangle of C, H and O at 600 K: the benchmark on which general solvers fail at some points. Beyond the line
# graphite is stable (Boudouard's 2 CO = C + CO$_2$ and the cracking of methane).

# %%
m = 60 if FAST else 200
points = np.array([(n, m - k, k - n) for k in range(m) for n in range(k)], float)
whole = equilibrium(candidates, elements=dict(zip("CHO", points.T / m, strict=True)), T=600.0, P=101325.0)
certified, balance = int((whole.status == 0).sum()), float(whole.balance.max())
print(f"{len(points)} mixtures, certified: {certified}, elements balance to {balance:.1e}")
solid = whole.n.sel(species="C(gr)").values
display(pictures.triangle(points[:, [1, 2, 0]], np.where(solid > 0, solid, np.nan), ("H", "O", "C"),
                          label="graphite  [mol per mole of atoms]", title="Graphite at 600 K, 1 atm"))  # fmt: skip

# %% [markdown]
# ### Flames
#
# An adiabatic flame keeps its enthalpy: problem HP. The equivalence ratio 1 is the stoichiometric mixture with air.

# %%
ratio = np.linspace(0.5, 1.8, 14 if FAST else 53)
gases = species_of("nasa", "CO CO2 H2 H2O O2 N2 OH NO H O N CH4 C2H2 C2H4 C3H8 HCN NH3 C(gr)".split())
flames = {}
for fuel, oxygen in (("H2", 0.5), ("CH4", 2.0), ("C2H2", 2.5), ("C3H8", 5.0)):
    flame = equilibrium(gases, {fuel: ratio, "O2": oxygen, "N2": 3.76 * oxygen}, problem="HP", T=298.15, P=1e5)
    flames[fuel] = flame["T"].values
    print(f"{fuel:5} hottest {flame['T'].values.max():.0f} K at ratio {ratio[flame['T'].values.argmax()]:.2f}; "
          f"certified {int((flame.status == 0).sum())} of {len(ratio)}")  # fmt: skip
display(pictures.mole_fractions(ratio, flames, xlabel="equivalence ratio", ylabel="flame temperature  [K]",
                                title="Adiabatic flames in air, 298 K, 1 bar"))  # fmt: skip

# %% [markdown]
# The flame temperature is a differentiable function of the feed, the pressure and the data. How much does an error of
# 1 kJ/mol in the enthalpy of each species matter?

# %%
table = tabulate(species_of("nasa", "CO CO2 H2 H2O O2 N2 OH NO H O".split()), ["C", "H", "O", "N"])
b = jnp.array([1.0, 4.0, 4.0, 15.04])
constant = table.chosen.index(2)


def flame_temperature(shift):
    moved = table.arrays.coefficients.at[:, :, constant].add(shift)
    return equilibrium_at(table, -74600.0, 1e5, b, "HP", arrays=table.arrays._replace(coefficients=moved)).T[0]


slope = 1e3 * jax.grad(flame_temperature)(jnp.zeros(table.arrays.A.shape[1]))
print(f"T = {float(flame_temperature(jnp.zeros(table.arrays.A.shape[1]))):.2f} K")
for place, name in sorted(zip(table.places, table.names, strict=True), key=lambda pair: -abs(slope[pair[0]]))[:5]:
    print(f"  {name:5} {float(slope[place]):+.3f} K per kJ/mol")

# %% [markdown]
# ### Reducing metal oxides
#
# Ellingham's diagram: where the line of carbon lies below that of a metal, carbon reduces its oxide. The slopes are
# entropies: the line of CO falls, because two moles of gas form from one; kinks are melting and phase transitions.

# %%
T = np.linspace(300.0, 2300.0, 81 if FAST else 401)
display(pictures.ellingham(T, ellingham.lines(T), title="Oxidation by 1 mol of O$_2$"))

# %% [markdown]
# The same as an equilibrium: magnetite and carbon in a furnace, candidates the gas, graphite, iron and its oxides.
# Boudouard's equilibrium makes the gas, and iron appears at about 1000 K.

# %%
names = ["CO", "CO2", "O2", "C(gr)", "Fe(a)", "Fe(c)", "Fe(d)", "FeO(s)", "Fe2O3(s)", "Fe3O4(s)"]
T = np.linspace(700.0, 1300.0, 31 if FAST else 241)
furnace = equilibrium(species_of("nasa", names), {"Fe3O4(s)": 1, "C(gr)": 4}, T=T, P=1e5)
kept = {name: furnace.n.sel(species=name).values for name in ("Fe3O4(s)", "FeO(s)", "C(gr)", "CO", "CO2")}
kept["Fe"] = sum(furnace.n.sel(species=name).values for name in ("Fe(a)", "Fe(c)", "Fe(d)"))
display(pictures.mole_fractions(T, kept, xlabel="temperature  [K]", ylabel="amount  [mol]",
                                title="Fe$_3$O$_4$ + 4 C, 1 bar"))  # fmt: skip
print("certified:", int((furnace.status == 0).sum()), "of", len(T))

# %% [markdown]
# ## Part 2: mixtures
#
# A liquid mixture is described by one function, its excess Gibbs energy $g^E(T, x)$: activity coefficients, heats of
# mixing, boiling, azeotropes and demixing follow from it by derivatives and by solving equations. This part
#
# 1. draws boiling diagrams of ethanol and water and asks how the azeotrope moves with pressure,
# 2. fits models to measured boiling points and tests the measurements for consistency,
# 3. lets 1-butanol and water demix: common tangent, heteroazeotrope, and what methanol does to the gap,
# 4. maps the distillation of acetone, chloroform and methanol.

# %%
# this part can be read and run alone
import os

import jax
import jax.numpy as jnp
import numpy as np
from IPython.display import display

from diffneq.plotting.mixture_triangles import residue_map, tie_line_diagram
from diffneq.plotting.mixtures import boiling_diagram, equilibrium_curve, mixing_energy
from diffneq.thermo import mixtures
from diffneq.thermo.mixtures import regression
from diffneq.thermo.mixtures.azeotropes import azeotrope_near
from diffneq.thermo.mixtures.regression.measurements import vapour_liquid

# %matplotlib inline
# %config InlineBackend.print_figure_kwargs = {"dpi": 75}

jax.config.update("jax_enable_x64", True)
FAST = bool(os.environ.get("DIFFNEQ_FAST"))
ATMOSPHERE = 101325.0  # Pa

# %% [markdown]
# ### Boiling, and an azeotrope that moves
#
# NRTL with ChemSep's parameters. At the azeotrope liquid and vapour have one composition, $\ln K_i = 0$: a square
# system of equations whose solution can be differentiated. Its derivative with respect to pressure says how far a
# change of pressure moves the azeotrope, which is what pressure-swing distillation lives on.

# %%
system = mixtures.mixture(["ethanol", "water"])
row = np.linspace(0.0, 1.0, 21 if FAST else 101)
x = np.stack([row, 1.0 - row], axis=1)
bubble = mixtures.bubble_temperature(system, ATMOSPHERE, x)
(azeotrope,) = mixtures.azeotropes(system, P=ATMOSPHERE)
print(f"{azeotrope.kind}: T = {float(azeotrope.T):.2f} K, x(ethanol) = {float(azeotrope.x[0]):.4f}")
display(boiling_diagram(row, bubble.y[:, 0], bubble.T, name="ethanol", azeotropes=[(azeotrope.x[0], azeotrope.T)]))

# %%
if not FAST:
    where = jax.jit(lambda P: azeotrope_near(system, P, azeotrope.x)[2][0])
    shift = float(jax.grad(where)(ATMOSPHERE))
    difference = float(where(ATMOSPHERE + 500.0) - where(ATMOSPHERE - 500.0)) / 1000.0
    print(f"dx/dP = {1e5 * shift:+.5f} per bar; by differences {1e5 * difference:+.5f}")

# %% [markdown]
# ### From measurements to parameters
#
# Boiling points at 1 atm as teaching data sheets quote them from Perry's *Chemical Engineers' Handbook*. Models are
# fitted to $T$ and $y$ together with exact derivatives of the boiling point; errors are those of the stated standard
# deviations (0.2 K and 0.01), and $\chi^2$ says whether these can be true.

# %%
celsius = [95.5, 89.0, 86.7, 85.3, 84.1, 82.7, 82.3, 81.5, 80.7, 79.8, 79.7, 79.3, 78.74, 78.24, 78.15]
liquid = [0.019, 0.072, 0.097, 0.124, 0.166, 0.234, 0.261, 0.327, 0.397, 0.508, 0.520, 0.573, 0.676, 0.747, 0.894]
vapour = [0.170, 0.389, 0.438, 0.470, 0.509, 0.545, 0.558, 0.583, 0.612, 0.656, 0.660, 0.684, 0.739, 0.782, 0.894]
measured = vapour_liquid(system, np.array(celsius) + 273.15, ATMOSPHERE, liquid, vapour, predict="T")
best = regression.fit(regression.candidate("NRTL"), measured)
print(best.table())
if not FAST:
    print(regression.compare([regression.candidate(n) for n in ("van Laar", "Wilson", "NRTL")], measured).table())

# %% [markdown]
# The Gibbs–Duhem equation ties $y$ to $T$, $P$ and $x$. The area test integrates $\ln(\gamma_1/\gamma_2)$ over all
# compositions, which should give nearly zero; the point test fits $g^E$ to the boiling points alone and predicts each
# $y$.

# %%
area, point = regression.area_test(measured), None if FAST else regression.point_test(measured)
print(f"area {area.area}, D = {area.D:.1f}, J = {area.J:.1f}: {'consistent' if area.consistent else 'NOT consistent'}")
if point is not None:
    print(f"mean |dy| = {point.mean_deviation:.4f}, bias {point.bias}: consistent = {point.consistent}")
fitted = mixtures.Mixture(system.names, best.model, system.saturation)
curve = mixtures.bubble_temperature(fitted, ATMOSPHERE, x)
display(equilibrium_curve(row, curve.y[:, 0], name="ethanol", data=(liquid, vapour)))

# %% [markdown]
# ### Two liquids
#
# 1-Butanol and water at 298 K: where $g_{\rm mix}$ lies above its common tangent the mixture splits. The certificate is
# the lowest height of any liquid above that tangent.

# %%
pair = mixtures.mixture(["1-butanol", "water"])
T = 298.15
(gap,) = mixtures.gaps(pair.liquid, T)
print(f"x(1-butanol) = {float(gap.x[0]):.5f} and {float(gap.x[1]):.5f}; certificate {float(gap.certificate):.1e} RT")
fine = np.linspace(1e-6, 1 - 1e-6, 400)
energy = lambda at: mixtures.mixing_gibbs(pair.liquid, T, np.stack([at, 1.0 - at], axis=-1))
ends = np.array([float(s) for s in mixtures.spinodal(pair.liquid, T)])
display(mixing_energy(fine, energy(fine), tangents=[(*gap.x, *gap.mu)], spinodal=zip(ends, energy(ends), strict=True),
                      name="1-butanol"))  # fmt: skip

# %% [markdown]
# At 1 atm the two liquids boil together: a heteroazeotrope, three phases at one temperature.

# %%
if not FAST:
    three = mixtures.three_phase(pair, P=ATMOSPHERE)
    print(f"T = {float(three.T):.2f} K, liquids {np.round(np.asarray(three.x), 4)}, vapour {float(three.y):.4f}")
    wide = mixtures.bubble_temperature(pair, ATMOSPHERE, x)
    stable = np.where(np.asarray(wide.status) & 8, np.nan, np.asarray(wide.T))
    display(boiling_diagram(row, wide.y[:, 0], stable, name="1-butanol", three_phase=(*three.x, three.y, three.T)))

# %% [markdown]
# Methanol dissolves in both liquids and closes the gap. Every tie line is a certified minimum.

# %%
if not FAST:
    ternary = mixtures.mixture(["water", "methanol", "1-butanol"])
    along = np.linspace(0.0, 1.0, 41)[:, None]
    feed = (1.0 - along) * np.array([0.8, 0.0, 0.2]) + along * np.array([0.76, 0.15, 0.09])
    phases = mixtures.liquid_phases(ternary.liquid, T, feed)
    two = np.asarray(phases.number) == 2
    watery = np.asarray(phases.x[:, :2, 0])
    order = np.argsort(-watery[two], axis=1)
    lines = np.take_along_axis(np.asarray(phases.x[two, :2]), order[..., None], axis=1)
    print(f"{two.sum()} tie lines, worst certificate {float(jnp.min(phases.certificate)):.1e} RT, status "
          f"{set(np.asarray(phases.status).tolist())}")  # fmt: skip
    display(tie_line_diagram(lines[:, 0], lines[:, 1], names=ternary.names, title="298.15 K, NRTL"))

# %% [markdown]
# ### Distillation of three components
#
# The liquid left in a still moves along $dx/d\xi = x - y(x)$. Its fixed points are the pure substances and the
# azeotropes; their eigenvalues say where curves begin and end. Acetone, chloroform and methanol have four azeotropes,
# and their indices must obey a theorem of topology, $2(N_3 - S_3) + N_2 - S_2 + N_1 = 2$ (Doherty and Perkins), which
# would tell of one that was overlooked.

# %%
if not FAST:
    still = mixtures.mixture(["acetone", "chloroform", "methanol"])
    points = mixtures.singular_points(still, P=ATMOSPHERE)
    for s in points:
        print(f"{float(s.T):7.2f} K  {s.kind:26} {s.role:14} {' + '.join(s.components)}")
    starts = np.array([[a, b, 8 - a - b] for a in range(1, 7) for b in range(1, 8 - a)]) / 8.0
    curves, _ = mixtures.residue_curves(still, ATMOSPHERE, starts)
    display(residue_map(np.asarray(curves), names=still.names, points=points, title="101.325 kPa, NRTL"))
