"""IAPWS-95 beside CoolProp's low-level interface: properties from (T, rho), density from (T, p)."""

from __future__ import annotations

import time

import numpy as np

from bench.report import Unavailable
from bench.thermo_case import Contest, ThermoCase
from diffneq.thermo.fluids import bulk, water
from diffneq.thermo.fluids.batches import in_batches, many_at_temperature_pressure

_PEER_STATES = 20_000  # of the batch, for the peer's own loop


def _peer():
    try:
        import CoolProp.CoolProp as CoolProp
    except ImportError as missing:
        raise Unavailable("CoolProp is not installed: pip install CoolProp.") from missing
    return CoolProp, CoolProp.AbstractState("HEOS", "Water")


def _states(count: int) -> tuple[np.ndarray, np.ndarray]:
    """T (K) and p (Pa): liquid, steam and supercritical states, uniform in T and ln p."""
    random = np.random.default_rng(11)
    return random.uniform(275.0, 1200.0, count), 10.0 ** random.uniform(3.0, 8.5, count)


def _three(model, T, rho):
    state = bulk(model, T, rho)
    return state.p, state.cp, state.w


def _timed(job, count: int) -> float:
    start = time.perf_counter()
    job()
    return 1e6 * (time.perf_counter() - start) / count


def _properties(count: int) -> Contest:
    CoolProp, state = _peer()
    T, p = _states(count)
    model = water()
    rho = np.asarray(many_at_temperature_pressure(model, T, p).rho)  # indexing an array of JAX is slow
    ours = in_batches(_three, model, T, rho)
    few = min(count, _PEER_STATES)
    wanted = np.empty((3, few))

    def peer():
        for k in range(few):
            state.update(CoolProp.DmassT_INPUTS, rho[k], T[k])
            wanted[0, k], wanted[1, k], wanted[2, k] = state.p(), state.cpmass(), state.speed_sound()

    def outcome():
        apart = [float(np.abs(a[:few] / b - 1.0).max()) for a, b in zip(ours, wanted, strict=True)]
        return dict(zip(("largest difference of p", "of c_p", "of w"), apart, strict=True))

    return Contest(lambda: _timed(lambda: in_batches(_three, model, T, rho), count), lambda: _timed(peer, few), outcome)


def _flash(count: int) -> Contest:
    CoolProp, state = _peer()
    T, p = _states(count)
    model = water()
    found = many_at_temperature_pressure(model, T, p)
    few = min(count, _PEER_STATES)
    wanted = np.empty(few)

    def peer():
        for k in range(few):
            state.update(CoolProp.PT_INPUTS, p[k], T[k])
            wanted[k] = state.rhomass()

    def outcome():
        apart = np.abs(np.asarray(found.rho)[:few] / wanted - 1.0).max()
        return {"largest difference of rho": float(apart), "states not found": float((found.status != 0).sum())}

    return Contest(
        lambda: _timed(lambda: many_at_temperature_pressure(model, T, p), count), lambda: _timed(peer, few), outcome
    )


CASES = (
    ThermoCase("iapws", "IAPWS-95: p, c_p, w from (T, rho)", "CoolProp", 10.0, _properties),
    ThermoCase("flash", "IAPWS-95: density from (T, p)", "CoolProp", 5.0, _flash),
)
