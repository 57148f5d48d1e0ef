"""The one loop: chunks on the device, everything that can go wrong on the host.

result = simulate(model, dynamics, drive, steps=10_000, record_every=10, keys=jax.random.split(key, 8))
"""

from __future__ import annotations

import math
import sys
import time as clock
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from diffneq.dynamics.state import observed_units, per_particle
from diffneq.simulation import checkpoint as saving
from diffneq.simulation.chunk import Batch, prepare, run_chunk
from diffneq.simulation.layout import Schedule, cadence_beside
from diffneq.simulation.overlap import check_start
from diffneq.simulation.recovery import Lists, failures_of, heating_warning, usual_stride
from diffneq.simulation.result import Result, describe
from diffneq.simulation.start import check_arguments, mesh_over, pad_replicas, padding, starting_state

# A chunk of about a second: progress moves, and a signal is heeded.
_CHUNK_SECONDS = 1.0
_PARTICLE_STEPS_PER_SECOND = 2e7


def simulate(
    model: Any,
    dynamics: Any,
    drive: Any = None,
    *,
    keys,
    steps: int,
    record_every: int = 10,
    record: tuple[str, ...] | None = None,
    start: Any = None,
    in_axes: tuple = (None, None, None),
    progress: bool = True,
    checkpoint: str | None = None,
    resume: bool = False,
    devices: list | int | None = None,
    skin: float | None = None,
) -> Result:
    """Integrate R replicas of a model for `steps` steps and return averaged records.

    Arguments:
        model: a system (`diffneq.models`); leaves may carry a leading axis R where `in_axes` says so.
        dynamics: an equation of motion (`diffneq.dynamics`), likewise.
        drive: a field in time (`diffneq.drives`) or None.
        keys: one typed key, or R of them, `jax.random.split(jax.random.key(0), R)`: one a replica.
        steps: number of steps, a multiple of `record_every`.
        record_every: steps in a record; a record is the mean over its steps (work and heat: the sum).
        record: what else to take at the end of each record; default `model.recorded`. "potential_energy" costs extra.
        start: None (the model's own initial state), `(positions, velocities)` as arrays (N, d) or (R, N, d), or the
            `state` of an earlier result, which is continued.
        in_axes: axes of model, dynamics and drive, as `batching.stack` returns them.
        progress: show a bar with rate and time left.
        checkpoint: file that is rewritten now and then; a run that was stopped goes on from it with `resume=True`.
        devices: devices, or their number, over which the replicas are spread; default all.
        skin: width of the lists beyond the cutoff [L]; default chosen from the density.

    Returns:
        `Result` with `records` (R, n_records), `time`, `state`, `status`, `failures`, `dataset()`.

    Raises:
        ValueError: for arguments that do not fit together, or a start in which particles overlap.

    >>> import jax, diffneq
    >>> model = diffneq.models.Conductor.preset("soft", electrons=60)
    >>> result = diffneq.simulate(model, model.dynamics(), diffneq.drives.Constant(0.1), steps=200,
    ...                           keys=jax.random.key(0), progress=False)
    >>> result.records["current"].shape
    (1, 20)
    """
    keys, names = check_arguments(model, dynamics, drive, keys, steps, record_every, record, in_axes)
    batch = Batch((model, dynamics, drive), in_axes)
    mesh, devices = mesh_over(devices, batch, len(keys))
    places = padding(len(keys), mesh)
    identity = describe(batch, keys, steps, record_every, names, start, skin)
    saved = saving.load(checkpoint, identity, resume)
    if saved is None:
        state = jax.tree.map(lambda x: x[places], starting_state(batch, keys, start))
        batch = pad_replicas(batch, places)
        lists = Lists.choose(model, skin, usual_stride(batch, state))
        state, energy = _first_forces(batch, lists, mesh, state)
        run = saving.Progress.begin(state, energy, _thermal_scale(batch, state))
        lists.set_cadence(batch, state)
    else:
        batch = pad_replicas(batch, places)
        run, lists = saved[0].take(places), saved[1]
    valid = np.arange(len(places)) < len(keys)
    _loop(batch, lists, mesh, run, steps, record_every, names, valid, progress, checkpoint, identity)
    run.warnings.extend(heating_warning(batch, run, valid))
    averaged = jax.eval_shape(lambda s: batch.map(lambda m, _, __, x: m.every_step(x), s), run.state)
    given = tuple(dict.fromkeys((*averaged, *observed_units(dynamics), "work", "heat", *names)))
    return Result.gather(model, dynamics, run, steps, record_every, given, valid, identity, lists)


def _first_forces(batch, lists, mesh, state):
    """Forces and energies of the start, with lists that hold every pair."""
    while True:
        ready, _, report = prepare(batch, lists.plan, mesh, state)
        if not lists.overflowed(report, np.ones(state.step.shape, bool)):
            break
    energy = np.asarray(report.energy, float)
    check_start(batch, ready, energy)
    return ready, energy


def _thermal_scale(batch, state) -> np.ndarray:
    """Kinetic energy of a particle that moves, by the start or by the bath: what is little and what is much."""
    model, dynamics, _ = batch.system
    moving = max(1, sum(n for n, moves in zip(model.counts, model.mobile, strict=True) if moves))
    kinetic = batch.map(
        lambda m, _, __, v: jnp.sum(per_particle(m, m.mass) * sum(x * x for x in v)) / 2, state.velocity
    )
    bath = 0.5 * len(state.velocity) * np.asarray(getattr(dynamics, "temperature", 0.0), float)
    scale = np.maximum(np.asarray(kinetic, float) / moving, bath)
    return np.where(scale > 0, scale, 1.0)


def _target_steps(size: int) -> int:
    """Steps that take about a second.

    Not a function of the number of devices: a chunk that has to be run again begins at the same step on any.
    """
    return max(1, int(_CHUNK_SECONDS * _PARTICLE_STEPS_PER_SECOND / size))


def _chunk_steps(size: int, unit: int, steps: int, done: int) -> int:
    """Steps in a chunk: about a second of work, a multiple of `unit`, or all.

    The first ones are shorter, an eighth of that and then as many as were done: what they tell of the fastest
    particles sets the cadence of the next, and to run one of them again costs little.
    """
    full = _target_steps(size)
    return min(unit * max(1, min(full, max(full // 8, done)) // unit), steps)


def _loop(batch, lists, mesh, run, steps, record_every, names, valid, progress, checkpoint, identity):
    replicas = int(valid.sum())
    size = sum(batch.system[0].counts) * replicas
    longest = min(_target_steps(size), steps)
    saver = saving.Saver(checkpoint, identity)
    with saver, _bar(progress, steps, run.done, size) as bar:
        while run.done < steps and np.any(valid & (run.failed == 0)):
            cadence = cadence_beside(lists.cadence, record_every)
            # Chunks begin where both beats meet; what is left at the end is a chunk of its own.
            unit = math.lcm(cadence, record_every)
            stretch = min(_chunk_steps(size, unit, steps, run.done), steps - run.done)
            schedule = Schedule.plan(stretch, max(stretch, longest), record_every, cadence, names)
            failed = jnp.asarray(run.failed)
            state, records, report = run_chunk(batch, lists.plan, schedule, mesh, run.state, failed)
            alive = valid & (np.asarray(report.failed) == 0)
            going = valid & (run.failed == 0)
            if lists.overflowed(report, alive) or lists.outrun(report, going, cadence, run, batch):
                continue
            lists.follow(report, alive, cadence, batch)
            run.accept(state, records, report, schedule)
            for sentence in failures_of(run, valid):
                bar.write(sentence)
            bar.update(stretch)
            for sentence in saver.offer(run, lists, finished=run.done == steps):
                bar.write(sentence)
        for sentence in failures_of(run, valid):  # of replicas that were given up in the last rerun
            bar.write(sentence)


class _Silent:
    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def update(self, _):
        return None

    def write(self, _):
        return None


def _bar(progress: bool, steps: int, done: int, particles: int):
    if not progress:
        return _Silent()
    from tqdm import tqdm

    started = clock.monotonic()

    class Bar(tqdm):
        """Steps done, with the rate of particle-steps; all on standard error."""

        @classmethod
        def write(cls, s, file=None, end="\n", nolock=False):
            super().write(s, file=file or sys.stderr, end=end, nolock=nolock)

        def update(self, n=1):
            super().update(n)
            rate = (self.n - done) * particles / max(clock.monotonic() - started, 1e-9)
            self.set_postfix_str(f"{rate / 1e6:.1f} M particle-steps/s", refresh=False)

    return Bar(total=steps, initial=done, unit="step", unit_scale=True, dynamic_ncols=True)
