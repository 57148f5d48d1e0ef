"""The simulations of the study: steady states with snapshots and pulses, probed steady states, walls."""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from diffneq.drives import Constant
from diffneq.dynamics.state import State
from diffneq.particles.space import absolute
from diffneq.simulation.loop import simulate
from diffneq.studies.driven_conductor.curvature import shift_curvature
from diffneq.studies.driven_conductor.plan import Plan
from diffneq.sweeps import sweep

_KEPT = ("current", "current_squared", "phonon_temperature")
_FINE = 2.0  # time after a long pulse during which every step is recorded [t]


def _probed(plan: Plan, field: float, sign: float):
    model = plan.model()
    return model, model.dynamics(), plan.probed(field, sign)


class Runs:
    """Runs the parts one after another and keeps each under `folder`; a part that is there is only read.

    Arguments: `plan`; `folder`; `devices`, `progress` as in `simulate`. Raises ValueError where the folder holds the
    runs of another plan.
    """

    def __init__(self, plan: Plan, folder, devices=None, progress: bool = True):
        self.plan, self.folder, self.devices, self.progress = plan, Path(folder), devices, progress
        self.folder.mkdir(parents=True, exist_ok=True)
        identity = json.dumps({name: getattr(plan, name) for name in plan.__dataclass_fields__}, indent=1)
        kept = self.folder / "plan.json"
        if kept.exists() and kept.read_text() != identity:
            raise ValueError(f"{self.folder} holds the runs of another plan; choose another folder.")
        kept.write_text(identity)

    def steady(self, field: float) -> dict[str, np.ndarray]:
        """The steady state at a constant field.

        `current`, `current_squared`, `phonon_temperature` (R, T); `along`, `across` (R, S, N_e) velocities of
        electrons in snapshots, `phonon_along`, `phonon_across` (R, S) the mean squares of those of phonons. At the
        fields of the response also `curvature` (R, S/2) and, for short and long pulses, `*_time` (T,), `*_plus` and
        `*_minus` (R, T), with `impulse`.
        """
        return self._kept(f"steady-{field:g}", lambda: _steady(self.plan, field, self.devices))

    def walls(self) -> dict[str, np.ndarray]:
        """Between thermal walls: `electron_*` and `phonon_*` positions `y` and velocities `along`, `across`."""
        return self._kept("walls", lambda: _walls(self.plan, self.devices))

    def probed(self):
        """Multisine on top of each field, upright and upside down: a dataset (field, sign, seed, time)."""
        plan = self.plan
        self._say("probed steady states")
        return sweep(
            partial(_probed, plan),
            {"field": (list(plan.fields), "k_B T_0/(e R)"), "sign": [1.0, -1.0]},
            seeds=plan.replicas // 2,
            key=plan.seed * 16 + 8,
            store=self.folder / "probed.zarr",
            resume=True,
            devices=self.devices,
            progress=self.progress,
            steps=round(plan.period / plan.dt) * (plan.periods + 1),
            record_every=plan.record_every,
            record=("electron_temperature",),
        )

    def _kept(self, name: str, make) -> dict[str, np.ndarray]:
        path = self.folder / f"{name}.npz"
        if not path.exists():
            self._say(name)
            found = make()
            part = path.with_name(f"part-{path.name}")
            np.savez(part, **found)
            part.rename(path)  # whole or not at all
        with np.load(path) as saved:
            return dict(saved)

    def _say(self, name: str) -> None:
        if self.progress:
            print(f"{name} ...", file=sys.stderr, flush=True)


def _keys(plan: Plan, number: int, replicas: int):
    return jax.random.split(jax.random.fold_in(jax.random.key(plan.seed), number), replicas)


def _steady(plan: Plan, field: float, devices) -> dict[str, np.ndarray]:
    model, drive = plan.model(), Constant(field)
    keys = _keys(plan, plan.ladder.index(field), plan.replicas)
    go = partial(simulate, model, model.dynamics(), drive, progress=False, devices=devices)
    record = partial(go, keys=keys, record_every=plan.record_every, record=("phonon_temperature",))
    responding = field in plan.fields
    bend = shift_curvature(model) if responding else None
    step = partial(record, steps=plan.steps(plan.interval))  # the transient too: one program less to compile
    state = _good(step()).state
    for _ in range(1, round(plan.transient / plan.interval)):
        state = _good(step(start=state)).state
    spread = float(jnp.std(state.velocity[0][:, : model.counts[0]]))
    pulse = _Pulses(plan, go, keys, plan.impulse * spread)
    seen, records, curvature = [], [], []
    each = plan.snapshots // max(plan.pulses, 1) // 2 * 2  # every so many snapshots a long pulse; even ones only
    for number in range(plan.snapshots):
        result = _good(step(start=state))
        state = result.state
        records.append(result.records)
        seen.append(_velocities(model, state))
        if bend is not None and number % 2:
            curvature.append(np.asarray(bend(state), float))
        elif responding:
            pulse.kick(state, long=number % each == 0 and number // each < plan.pulses)
    out = {name: np.concatenate([r[name] for r in records], 1) for name in _KEPT}
    out |= {name: np.stack([s[name] for s in seen], 1) for name in seen[0]}
    if responding:
        out |= {"curvature": np.stack(curvature, 1), **pulse.collected()}
    return out


def _good(result):
    if np.any(result.status > 0):
        raise RuntimeError(f"{int(np.sum(result.status > 0))} runs were lost: {result.failures[0]}")
    return result


def _velocities(model, state: State) -> dict[str, np.ndarray]:
    """Velocities of electrons (R, N_e), mean squares of those of phonons (R,)."""
    first, last = model.counts[0], sum(model.counts[:2])
    along, across = (np.asarray(v, np.float32) for v in state.velocity)
    squares = {
        f"phonon_{name}": float(model.mass[1]) * np.mean(np.square(v[:, first:last], dtype=float), 1)
        for name, v in (("along", along), ("across", across))
    }
    return {"along": along[:, :first], "across": across[:, :first], **squares}


class _Pulses:
    """Kicks the electrons of all replicas by +-m dv along the field and follows the current.

    Both runs of a pair go on from the same state with the same noise.
    """

    def __init__(self, plan: Plan, go, keys, change: float):
        self.plan, self.change = plan, change
        self.go = partial(go, keys=jnp.concatenate([keys, keys]))
        self.times: dict[str, np.ndarray] = {}
        self.currents: dict[str, list[np.ndarray]] = {"short": [], "long": []}

    def kick(self, state: State, long: bool) -> None:
        plan, replicas = self.plan, state.step.shape[0]
        electrons = plan.model().counts[0]
        double = jax.tree.map(lambda x: jnp.concatenate([x, x]), state)
        sign = jnp.where(jnp.arange(2 * replicas) < replicas, 1.0, -1.0)[:, None]
        moved = double.velocity[0].at[:, :electrons].add(sign * self.change)
        start = eqx.tree_at(lambda s: s.velocity[0], double, moved)
        first = np.sum(np.asarray(moved[:, :electrons], float), 1, keepdims=True)
        self._follow("short", start, [(plan.short_time, 1)], first)
        if long:
            coarse = plan.record_every
            self._follow("long", start, [(_FINE, 1), (plan.pulse_time - _FINE, coarse)], first)

    def _follow(self, name: str, state: State, stretches, first: np.ndarray) -> None:
        """J(t): right after the kick, then means over the step ends of each record, at their mean time."""
        times, currents, start = [np.zeros(1)], [first], 0.0
        for time, every in stretches:
            dt = self.plan.dt
            steps = every * round(time / dt / every)
            result = _good(self.go(steps=steps, record_every=every, record=(), start=state))
            state = result.state
            currents.append(result.records["current"].astype(float))
            times.append(start + dt * (every * np.arange(steps // every) + (every + 1) / 2))
            start += steps * dt
        self.times[name] = np.concatenate(times)
        self.currents[name].append(np.concatenate(currents, 1))

    def collected(self) -> dict[str, np.ndarray]:
        """Means over the pulses of each replica."""
        out: dict[str, np.ndarray] = {"impulse": np.array(self.change)}
        for name, currents in self.currents.items():
            both = np.mean(currents, 0)
            half = len(both) // 2
            out |= {f"{name}_time": self.times[name], f"{name}_plus": both[:half], f"{name}_minus": both[half:]}
        return out


def _walls(plan: Plan, devices) -> dict[str, np.ndarray]:
    model = plan.walled()
    keys = _keys(plan, 1000, plan.walls_replicas)
    go = partial(
        simulate, model, model.dynamics(), Constant(plan.walls_field), keys=keys, record_every=100, progress=False,
        devices=devices, steps=500,
    )  # fmt: skip
    state = _good(go()).state
    for _ in range(1, round(plan.walls_transient / 5)):
        state = _good(go(start=state)).state
    first, last = model.counts[0], sum(model.counts[:2])
    parts = {"electron": slice(0, first), "phonon": slice(first, last)}
    seen: dict[str, list[np.ndarray]] = {f"{p}_{n}": [] for p in parts for n in ("y", "along", "across")}
    place = jax.jit(jax.vmap(lambda s: absolute(model.box, s.anchor, s.displacement)[1]))
    for _ in range(round(plan.walls_time / 5)):
        state = _good(go(start=state)).state
        here = {"y": place(state), "along": state.velocity[0], "across": state.velocity[1]}
        for name, which in parts.items():
            for what, values in here.items():
                seen[f"{name}_{what}"].append(np.asarray(values[:, which], np.float32))
    return {name: np.stack(values, 1) for name, values in seen.items()}
