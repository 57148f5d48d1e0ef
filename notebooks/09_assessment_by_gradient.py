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
# # Assessment by gradient
#
# An *assessment* turns measurements into a thermodynamic database: the coefficients of Gibbs energies of phases are
# fitted to enthalpies, activities and phase boundaries. Here every equilibrium is differentiable, so the fit is a least
# squares problem with exact derivatives, and its errors go on to everything that is computed with the database:
#
# 1. the parameters and the data, in ESPEI's format,
# 2. a fit to simulated data, where the truth is known: are the error bars right?
# 3. a fit to published measurements of Cu–Mg, with bands of error on properties and on the phase diagram,
# 4. the fitted database as a TDB file.
#
# Printed numbers are value and one standard error: 0.1223(61) means 0.1223 ± 0.0061. With the environment variable
# `DIFFNEQ_FAST=1` fewer simulations are made and fewer data used; the tests do that. Most of the time is compilation.

# %%
import os
import warnings

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from diffneq.plotting import assessment as pictures
from diffneq.thermo import calphad
from diffneq.thermo.calphad import energy
from diffneq.thermo.calphad.assessment import choose, dataset, fit, problem, read_data
from diffneq.thermo.calphad.assessment.bands import diagram_bands
from diffneq.thermo.calphad.assessment.uncertainty import laplace
from diffneq.thermo.calphad.commands.assess import boundary_points, residuals_by_dataset
from diffneq.thermo.calphad.diagrams import binary

# %matplotlib inline
# %config InlineBackend.print_figure_kwargs = {"dpi": 75}

warnings.filterwarnings("ignore", message="IProgress not found")
jax.config.update("jax_enable_x64", True)
FAST = os.environ.get("DIFFNEQ_FAST") == "1"

# %% [markdown]
# ## 1. Parameters and data
#
# The shipped database of Cu–Mg (Coughanowr et al., Z. Metallkd. 82 (1991) 574). Every number in it has a name:
# `G(LIQUID,CU,MG;0)[T]` is the coefficient of $T$ in the interaction of the liquid; the constants that ESPEI writes
# into its files, `VV0000` and so on, are called just that. The liquid is $\Delta G = x_{Cu}x_{Mg}\,[L_0 +
# L_1(x_{Cu}-x_{Mg})]$ beyond the ideal solution; the compounds have their own functions of temperature.

# %%
system = calphad.build("Cu-Mg", ["CU", "MG"])
names = ["G(LIQUID,CU,MG;0)", "G(LIQUID,CU,MG;1)", "G(CUMG2,CU:MG;0)", "G(CU2MG,CU:MG;0)[1]", "G(CU2MG,CU:MG;0)[T]"]
parameters = choose(system, names)
for p in parameters:
    print(f"{p.name:22} {p.start:12.3f} {p.unit}")

# %% [markdown]
# Data are ESPEI's JSON files, one a dataset. What is compared, and with which standard deviation $\sigma$ at weight 1:
#
# | data | residual $\times\,\sigma$ | $\sigma$ |
# |---|---|---|
# | `HM_`, `SM_`, `CPM_` (`FORM`, `MIX`) | property of a phase at given site fractions | 500 J/mol, 0.2, 0.2 J/(mol K) |
# | `ACR_X` | $\mu_X - \mu_X^\mathrm{ref}$ against $RT\ln a$ | 500 J/mol |
# | `ZPF`, driving force | $\bar\mu\cdot x - G_\varphi$: distance of a phase from the common plane | 1000 J/mol |
# | `ZPF`, direct | compositions of tie-lines; T and x of invariants | 0.01; 5 K |
#
# The first three lines are ESPEI's definitions and defaults. The direct comparison is added here: it asks how far the
# calculated line is from the measured one, in the units of the measurement.

# %%
common = {"components": ["CU", "MG"], "reference": "simulated"}
compositions = [0.1, 0.25, 0.4, 0.55, 0.7, 0.85]
records = [
    {**common, "phases": ["LIQUID"], "output": "HM_MIX", "conditions": {"P": 101325, "T": [1150]},
     "solver": {"sublattice_site_ratios": [1], "sublattice_configurations": [[["CU", "MG"]]] * 6,
                "sublattice_occupancies": [[[1 - x, x]] for x in compositions]}, "values": [[[-7000.0] * 6]]},
    {**common, "phases": ["CU2MG"], "output": "HM_FORM", "conditions": {"P": 101325, "T": [300, 700]},
     "solver": {"sublattice_site_ratios": [2, 1], "sublattice_configurations": [["CU", "MG"]]},
     "values": [[[-11000.0], [-11000.0]]]},
    {**common, "phases": ["LIQUID"], "output": "ACR_MG", "values": [[[0.08, 0.26, 0.58, 0.88]]],
     "conditions": {"P": 101325, "T": 1200, "X_CU": [0.7, 0.5, 0.3, 0.1]},
     "reference_state": {"phases": ["LIQUID"], "conditions": {"P": 101325, "T": 1200, "X_CU": 0.0}}},
    {**common, "phases": ["LIQUID", "CU2MG", "CUMG2", "FCC_A1", "HCP_A3"], "output": "ZPF",
     "conditions": {"P": 101325, "T": [1000, 1050, 1100, 800, 820, 800, 992, 824, 760]},
     "values": [
         [["LIQUID", ["MG"], [0.225]], ["CU2MG", ["MG"], [None]]],
         [["LIQUID", ["MG"], [0.26]], ["CU2MG", ["MG"], [0.33]]],
         [["LIQUID", ["MG"], [0.14]], ["FCC_A1", ["MG"], [0.05]]],
         [["LIQUID", ["MG"], [0.85]], ["HCP_A3", ["MG"], [None]]],
         [["LIQUID", ["MG"], [0.60]], ["CUMG2", ["MG"], [0.66667]]],
         [["LIQUID", ["MG"], [0.77]], ["CUMG2", ["MG"], [None]]],
         [["LIQUID", ["MG"], [0.21]], ["CU2MG", ["MG"], [0.33]], ["FCC_A1", ["MG"], [0.07]]],
         [["LIQUID", ["MG"], [0.59]], ["CU2MG", ["MG"], [0.34]], ["CUMG2", ["MG"], [None]]],
         [["LIQUID", ["MG"], [0.84]], ["HCP_A3", ["MG"], [None]], ["CUMG2", ["MG"], [None]]],
     ]},
]  # fmt: skip
task = problem(system, [dataset(r) for r in records], parameters, boundaries="direct")
exact, failed = task.models(task.start)
print(f"{len(exact)} numbers to compare, {failed.sum()} equilibria failed")

# %% [markdown]
# ## 2. Simulated data
#
# What the database itself says, plus normal errors of the stated size: the truth is known. The start of each fit is
# put three standard errors away. The method is that of Levenberg and Marquardt with the exact Jacobian, the errors
# are those of Laplace, $C = (J^TJ)^{-1}$ at the minimum.

# %%
_, J, _ = task.evaluate(task.start)
expected = laplace(J, np.ones(len(exact))).errors
scores, chi2, dof, held = [], [], 0, 0
for seed in range(2 if FAST else 24):
    rng = np.random.default_rng(seed)
    simulated = task.with_targets(exact + task.sigma * rng.normal(size=len(exact)))
    start = task.start + 3.0 * expected * rng.normal(size=len(expected))
    result = fit(simulated, start={p.name: s for p, s in zip(parameters, start, strict=True)}, progress=False)
    if not result.converged:
        held += 1
        continue
    scores.append([(e.value - p.start) / e.error for e, p in zip(result.parameters, parameters, strict=True)])
    chi2.append(result.chi2)
    dof = result.dof
scores = np.array(scores)
print(f"{held} fits did not converge: a tie-line that fails at the start has no derivative, and held them")
print("last fit:\n" + result.table())

# %% [markdown]
# If the error bars are right, $z = (\hat\theta - \theta)/s$ has mean 0 and variance 1, covers within one standard
# error in 68 % of all cases, and $\chi^2$ per degree of freedom is one. The parameters of one fit are correlated, so
# the error of the coverage is taken from the scatter of the fits.

# %%
n = len(scores)
inside = (np.abs(scores) < 1).mean(axis=1)
print(f"{n} fits of {dof} degrees of freedom: chi^2/dof = {np.mean(chi2) / dof:.3f} +- {np.sqrt(2 / (dof * n)):.3f}")
print(f"covered by one standard error: {inside.mean():.3f} +- {inside.std(ddof=1) / np.sqrt(n):.3f}, expected 0.683")
print("mean z:", np.round(scores.mean(axis=0), 2), f"+- {1 / np.sqrt(n):.2f}")
print("mean z^2:", np.round((scores**2).mean(axis=0), 2), f"+- {np.sqrt(2 / n):.2f}")

# %% [markdown]
# The parameters themselves are strongly correlated: an enthalpy and an entropy that are both determined near 1000 K can
# trade against each other. Combinations are known far better than each alone, which is why the errors below are
# propagated with the whole covariance.

# %%
pictures.correlations(result.correlation, [p.name for p in parameters])

# %% [markdown]
# ## 3. Published measurements
#
# Liquidus and solubilities from 1907 to 1978, enthalpies from 1964 to 1995, activities of 1973, as kept in the open
# collection ESPEI-datasets (CC-BY-4.0; sources in `assessment/measurements/Cu-Mg/README.md`; most were digitised there
# from figures, and were not compared with the papers here). As is usual, phase boundaries get a weight of 20: 50 J/mol.

# %%
data = read_data("Cu-Mg", {"LAVES_C15": "CU2MG"})
if FAST:
    data = [d for d in data if d.kind != "boundary" or "Bagnoud" in d.file]
chosen = choose(system, [*names, "G(FCC_A1,CU,MG:VA;0)[1]"])
measured = problem(system, data, chosen, weights={"ZPF": 20})
fitted = fit(measured, progress=False)
print(fitted.table())

# %% [markdown]
# A warning (!) says that the data scatter more than their stated errors; they come from five laboratories and two
# centuries. Which of them disagree, the residuals show.

# %%
groups, lost = residuals_by_dataset(fitted)
pictures.fit_residuals(groups, failed=lost)

# %% [markdown]
# A loss that grows more slowly than the square lets single bad points speak less loudly:

# %%
robust = fitted if FAST else fit(measured, method="l-bfgs", loss="huber", progress=False)
for a, b in zip(fitted.parameters, robust.parameters, strict=True):
    print(f"{a.name:25} squares {a!s:28} Huber {b}")

# %% [markdown]
# ### Bands
#
# Any property is a function of the coefficients; its error is $s_f^2 = \nabla f^T C\,\nabla f$. The enthalpy of
# mixing of the liquid, with the calorimetric data that went in:

# %%
liquid, T = system.index("LIQUID"), 1125.0
x = np.linspace(0.0, 1.0, 61)
width = system.tables.sizes[2]


def mixing_enthalpy(coefficients):
    """H of the liquid less that of its pure components."""
    tables = eqx.tree_at(lambda t: t.coefficients, system.tables, coefficients)
    y = jnp.pad(jnp.stack([1 - x, x], axis=1), ((0, 0), (0, width - 2)), constant_values=1.0)
    at = lambda y: energy.enthalpy(lambda t: energy.molar_energy(tables, liquid, t, 101325.0, y), jnp.asarray(T))
    H = jax.vmap(at)(y)
    return H - (1 - x) * H[0] - x * H[-1]


H, error = fitted.propagate(mixing_enthalpy)
calorimetry = {}
for d in data:
    if d.output == "HM_MIX" and d.phases == ("LIQUID",):
        at, values = calorimetry.setdefault(d.reference, ([], []))
        at += [c[0]["MG"] for c in d.solver["configurations"]]
        values += list(d.values.ravel() / 1000)
pictures.property_with_error(
    x, H / 1000, error / 1000, data=calorimetry, start=np.asarray(mixing_enthalpy(system.tables.coefficients)) / 1000,
    xlabel="mole fraction of Mg", ylabel="enthalpy of mixing of the liquid  [kJ/mol]",
)  # fmt: skip

# %% [markdown]
# The phase diagram of the fitted database. Every boundary is the root of the conditions of equilibrium; their
# derivatives with respect to the parameters give the bands, drawn five standard errors wide to be seen. Dashed: the
# database before the fit.

# %%
span = (950.0, 1400.0) if FAST else (500.0, 1400.0)
diagram = binary(fitted.system, T=span, progress=False)
bands = diagram_bands(fitted, diagram)
before = binary(system, T=span, progress=False)
for band in bands.invariants:
    print(f"{band.T.name:40} T = {band.T}   x(Mg) = {', '.join(str(v) for v in band.x)}")
pictures.diagram_with_errors(
    *bands, diagram.elements, data=boundary_points(data, "MG"), start=before.regions, widen=5.0,
    title="Cu\u2013Mg: fit to published data, bands of five standard errors",
)  # fmt: skip

# %% [markdown]
# The errors are those of the parameters within this model with the stated weights. They do not contain the model's own
# shortcomings: where the band misses the data systematically, more coefficients are needed.
#
# ## 4. The fitted database
#
# As a TDB file, which pycalphad and other programs read. On the command line:
#
#     diffneq assess Cu-Mg FOLDER --like "G(LIQUID,CU,MG*" --rename LAVES_C15=CU2MG --weights ZPF=20

# %%
for line in fitted.tdb().splitlines():
    if "CU,MG;" in line:
        print(line)
again = calphad.build(fitted.tdb(), ["CU", "MG"])
y = jnp.array([0.4, 0.6])
difference = again.phase("LIQUID").energy(1000.0, y) - fitted.system.phase("LIQUID").energy(1000.0, y)
print(f"read back, G of the liquid differs by {float(difference):.1e} J/mol")
