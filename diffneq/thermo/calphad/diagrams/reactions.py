"""Invariant reactions and special points of binary diagrams: names, records, and temperatures as functions.

    at the invariant temperature  G_k = mu . M_k  for C + 1 phases at once

The temperature is a function of the coefficients of the database; its derivative follows from the implicit function
theorem at the solution of the square system (coexistence.py).
"""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float

from diffneq.thermo.calphad.diagrams.coexistence import newton, newton_limits, system_of, with_multipliers
from diffneq.thermo.calphad.diagrams.events import Event
from diffneq.thermo.calphad.diagrams.ordering import states
from diffneq.thermo.calphad.system import System

# (the middle phase decomposes on cooling, it is liquid, so many of the outer ones are) -> name
_ON_COOLING = {(True, 0): "eutectic", (True, 1): "monotectic", (False, 0): "eutectoid", (False, 1): "metatectic"}
_ON_HEATING = {0: "peritectoid", 1: "peritectic", 2: "syntectic"}


@dataclasses.dataclass(frozen=True, eq=False)
class Reaction:
    """Three phases of a binary system in equilibrium at the temperature T (K), in the order of their compositions.

    `x` are mole fractions of the second element; `states` tells "ordered" from "disordered" where a phase has both;
    `equation` reads from high to low temperature.
    """

    kind: str
    T: float
    phases: tuple[str, ...]
    x: tuple[float, ...]
    states: tuple[str, ...]
    equation: str
    event: Event = dataclasses.field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        each = zip(self.phases, self.x, self.states, strict=True)
        phases = [{"name": n, "x": x} | ({"state": s} if s else {}) for n, x, s in each]
        return {"kind": self.kind, "T": self.T, "equation": self.equation, "phases": phases}


@dataclasses.dataclass(frozen=True, eq=False)
class SpecialPoint:
    """A congruent point, a critical point, or a transition of a pure element: `kind` says which; x of each phase."""

    kind: str
    T: float
    phases: tuple[str, ...]
    x: tuple[float, ...]
    event: Event = dataclasses.field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        phases = [{"name": n, "x": x} for n, x in zip(self.phases, self.x, strict=True)]
        return {"kind": self.kind, "T": self.T, "phases": phases}


def is_fluid(name: str) -> bool:
    """Liquids, slags and gases by their names."""
    return any(word in name.upper() for word in ("LIQ", "SLAG", "GAS"))


def reaction(system: System, event: Event) -> Reaction:
    """An event of three phases with its name."""
    names = tuple(system.phase_names[k] for k in event.phases)
    fluid = [is_fluid(name) for name in names]
    outer = fluid[0] + fluid[2]
    if event.kind == "transition":
        kind = "polymorphic transition"
    elif event.pair_below:
        kind = _ON_COOLING[fluid[1], min(outer, 1)]
        if kind == "eutectoid" and names[1] in (names[0], names[2]):
            kind = "monotectoid"
    else:
        kind = _ON_HEATING[outer]
    which = states(system, event.phases, event.log_y)
    shown = [f"{name} ({state})" if names.count(name) > 1 and state else name
             for name, state in zip(names, which, strict=True)]  # fmt: skip
    sides = (shown[1], f"{shown[0]} + {shown[2]}")
    equation = " -> ".join(sides if event.pair_below else sides[::-1])
    return Reaction(kind, event.T, names, event.x, which, equation, event)


def special_point(system: System, event: Event) -> SpecialPoint:
    """A congruent, critical or pure point with its name."""
    names = tuple(system.phase_names[k] for k in event.phases)
    fluid = sum(is_fluid(name) for name in names)
    melts = "melting" if fluid == 1 else "transformation"
    if event.kind == "critical":
        kind = "critical point of a miscibility gap"
    elif event.kind == "congruent":
        kind = f"congruent {melts}"
    else:
        kind = f"{melts} of {system.elements[round(event.x[0])]}"
    return SpecialPoint(kind, event.T, names, event.x, event)


def invariant_temperature(
    system: System, found: Reaction, coefficients: Float[Array, "units basis"] | None = None, P: float = 101325.0
) -> Float[Array, ""]:
    """T at which G_k = mu . M_k for all phases k of an invariant reaction, as a function of the database.

    Differentiable, forward and backward, to any order.

    Arguments:
        system: from `build`.
        found: a reaction of `binary(system, ...)`; where Newton's method begins.
        coefficients: in place of `system.tables.coefficients`, J/mol over the functions `tables.BASIS` of T.
        P: pressure, Pa.

    Returns K; NaN where Newton's method finds no such reaction.

    >>> from diffneq.thermo.calphad import build
    >>> from diffneq.thermo.calphad.diagrams import binary
    >>> with jax.enable_x64(True):
    ...     system = build("Pb-Sn", ["Pb", "Sn"])
    ...     eutectic = binary(system, T=(400, 500), progress=False).invariants[0]
    ...     slope = jax.grad(lambda c: invariant_temperature(system, eutectic, c))(system.tables.coefficients)
    >>> eutectic.kind, slope.shape == system.tables.coefficients.shape
    ('eutectic', True)
    """
    given = system.tables.coefficients if coefficients is None else coefficients
    T, event = found.event.T, found.event
    mu = jnp.asarray(event.mu / (float(system.tables.gas_constant) * T))
    tables = dataclasses.replace(system.tables, coefficients=given)
    return _temperature(tables, jnp.asarray(event.phases), P, jnp.asarray(event.log_y), mu, jnp.asarray(T))


@jax.jit
def _temperature(tables, phases, P, log_y, mu, T):
    start = jax.lax.stop_gradient(with_multipliers(tables, phases, P, log_y, mu, T))
    z, unravel = ravel_pytree(start)
    function = system_of(tables, phases, P, None, unravel)
    largest = lambda z: ravel_pytree(newton_limits(unravel(z)))[0]

    def search(f, z):
        z, left = newton(f, z, largest)
        return jnp.where(left < 1e-6, z, jnp.nan)

    def tangent(linear, right):
        return jnp.linalg.solve(jax.jacobian(linear)(right), right)

    return unravel(jax.lax.custom_root(function, z, search, tangent)).T
