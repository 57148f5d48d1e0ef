"""Families of models for fits of binaries."""

import functools

import jax.numpy as jnp
import numpy as np

from diffneq.thermo.mixtures.data.substances import substance
from diffneq.thermo.mixtures.models.excess import GAS_CONSTANT, ExcessModel
from diffneq.thermo.mixtures.models.laws import law
from diffneq.thermo.mixtures.models.nrtl import nrtl
from diffneq.thermo.mixtures.models.redlich_kister import RedlichKister
from diffneq.thermo.mixtures.models.uniquac import uniquac
from diffneq.thermo.mixtures.models.van_laar import van_laar
from diffneq.thermo.mixtures.models.wilson import wilson
from diffneq.thermo.mixtures.regression.fit import Candidate

_NAMES = ("Margules", "van Laar", "Wilson", "NRTL", "NRTL-alpha", "UNIQUAC")
ALPHA = 0.3


def _off_diagonal(first, second):
    nil = jnp.zeros_like(first)
    return jnp.stack([jnp.stack([nil, first]), jnp.stack([second, nil])])


def _redlich_kister(theta) -> RedlichKister:
    """g^E/(R T) = x_1 x_2 sum_v theta_v (x_1 - x_2)^v."""
    return RedlichKister(law(d=GAS_CONSTANT * theta[None, :]))


def _van_laar(theta) -> ExcessModel:
    return van_laar(theta[0], theta[1])


def _wilson(theta) -> ExcessModel:
    return wilson(b=_off_diagonal(theta[0], theta[1]))


def _nrtl(theta) -> ExcessModel:
    return nrtl(b=_off_diagonal(theta[0], theta[1]), alpha=ALPHA)


def _nrtl_alpha(theta) -> ExcessModel:
    return nrtl(b=_off_diagonal(theta[0], theta[1]), alpha=theta[2] * jnp.ones((2, 2)))


@functools.cache
def _uniquac(first: str, second: str):
    r, q = zip(*((each.r, each.q) for each in (substance(first), substance(second))), strict=True)
    return lambda theta: uniquac(r, q, b=_off_diagonal(theta[0], theta[1]))


def candidate(name: str, components: tuple[str, str] | None = None, orders: int = 3) -> Candidate:
    """A family of models of a binary, with a start for fits.

    Arguments: `name`: "Margules" (two suffixes and up: Redlich-Kister with `orders` coefficients of g^E/(R T), A0, A1,
    ..), "van Laar" (A12, A21), "Wilson" (ln Lambda = b/T), "NRTL" (tau = b/T, alpha = 0.3), "NRTL-alpha" (alpha
    fitted too), "UNIQUAC" (ln tau = b/T; needs the `components`' names for r and q).

    Raises:
        ValueError: another name.

    >>> candidate("NRTL").names
    ('b12', 'b21')
    """
    two, kelvin = ("b12", "b21"), ("K", "K")
    if name == "Margules":
        start = np.concatenate([[0.5], np.zeros(orders - 1)])
        return Candidate(name, _redlich_kister, start, tuple(f"A{v}" for v in range(orders)), ("",) * orders)
    if name == "UNIQUAC":
        if components is None:
            raise ValueError("candidate('UNIQUAC') needs the names of both components, for their r and q.")
        return Candidate(name, _uniquac(*components), np.array([-50.0, -50.0]), two, kelvin)
    table = {
        "van Laar": Candidate(name, _van_laar, np.array([0.5, 0.5]), ("A12", "A21"), ("", "")),
        "Wilson": Candidate(name, _wilson, np.array([-100.0, -100.0]), two, kelvin),
        "NRTL": Candidate(name, _nrtl, np.array([100.0, 100.0]), two, kelvin),
        "NRTL-alpha": Candidate(name, _nrtl_alpha, np.array([100.0, 100.0, 0.3]), (*two, "alpha"), (*kelvin, "")),
    }
    if name not in table:
        raise ValueError(f"candidate: there are {', '.join(_NAMES)}; not {name!r}.")
    return table[name]
