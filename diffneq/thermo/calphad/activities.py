"""Chemical potentials and activities relative to a named state of a pure element."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from diffneq.thermo.calphad.energy import molar_energy
from diffneq.thermo.calphad.system import System, _reference


def reference_potential(system: System, element: str, phase: str, T: Any, P: Any = 101325.0) -> np.ndarray:
    """mu_ref = G_m of the pure element in a phase, J/mol, at T (K) and P (Pa), numbers or arrays.

    Any phase of the database that the element alone can form may be named, also one that the system leaves out.

    Raises:
        ValueError: the database has no such phase, or the element alone cannot form it.
    """
    element = element.upper()
    if element not in system.elements:
        raise ValueError(f"The system has no element {element}; it has {', '.join(system.elements)}.")
    pure = _reference(system, element, phase, None)
    T, P = np.broadcast_arrays(np.asarray(T, float), np.asarray(P, float))
    each = jax.vmap(lambda T, P: molar_energy(pure.tables, 0, T, P, pure.y))
    return np.asarray(each(jnp.asarray(T.reshape(-1)), jnp.asarray(P.reshape(-1)))).reshape(T.shape)


def activity(
    system: System, mu: Any, element: str, phase: str, T: Any, P: Any = 101325.0, T_reference: float | None = None
) -> Any:
    """a = exp((mu - mu_ref)/(R T)), activity relative to the pure element in a phase.

    Arguments:
        mu: chemical potential of the element, J/mol, as of `equilibrium`; a number, an array or an `xarray.DataArray`.
        element, phase: the reference state.
        T: temperature of mu, K. P: Pa.
        T_reference: temperature of the reference state, K; T if None.

    Raises:
        ValueError: see `reference_potential`.

    >>> from diffneq.thermo import calphad
    >>> with jax.enable_x64(True):
    ...     system = calphad.build("Al-Zn", ["Al", "Zn"])
    ...     pure = calphad.equilibrium(system, T=800.0, x={"Zn": 1.0})
    ...     round(float(activity(system, pure.mu.sel(element="ZN"), "Zn", "LIQUID", 800.0)), 6)
    1.0
    """
    reference = _like(T, reference_potential(system, element, phase, T if T_reference is None else T_reference, P))
    return np.exp((mu - reference) / (system.provenance["gas_constant"] * T))


def potential(
    system: System, activity: Any, element: str, phase: str, T: Any, P: Any = 101325.0,
    T_reference: float | None = None,
) -> Any:  # fmt: skip
    """mu = mu_ref + R T ln a, the inverse of `activity`: a condition for the `mu` of `equilibrium`.

    Raises:
        ValueError: an activity that is not positive; see `reference_potential`.

    >>> from diffneq.thermo import calphad
    >>> with jax.enable_x64(True):
    ...     system = calphad.build("Fe-C", ["Fe", "C"])
    ...     mu = potential(system, 0.5, "C", "GRAPHITE", 1273.15)
    ...     round(float(calphad.equilibrium(system, T=1273.15, mu={"C": mu}).x.sel(element="C")[0]), 4)
    0.0418
    """
    if not (np.asarray(activity) > 0).all():
        raise ValueError(f"The activity of {element} must be positive.")
    reference = _like(T, reference_potential(system, element, phase, T if T_reference is None else T_reference, P))
    return reference + system.provenance["gas_constant"] * T * np.log(activity)


def _like(T: Any, value: np.ndarray) -> Any:
    """With the labels of the temperature, if it has any."""
    if isinstance(T, xr.DataArray) and value.shape == T.shape:
        return T.copy(data=value)
    return value
