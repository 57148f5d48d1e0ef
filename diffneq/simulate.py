"""The one loop: chunks on the device, everything that can go wrong on the host.

    result = simulate(model, dynamics, drive, steps=10_000, record_every=10, keys=jax.random.split(key, 8))
"""

from __future__ import annotations

import time as clock
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from diffneq import checkpoint as saving
from diffneq.chunk import Batch, Schedule, prepare, run_chunk
from diffneq.recovery import Lists, failures_of, heating_warning
from diffneq.result import Result, describe
from diffneq.start import check_arguments, mesh_over, pad_replicas, starting_state

# A chunk of about a second: progress moves, and a signal is heeded.
_CHUNK_SECONDS = 1.0
_PARTICLE_STEPS_PER_SECOND = 1.5e7


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
    mesh, devices = mesh_over(devices, len(keys))
    batch, keys, valid = pad_replicas(Batch((model, dynamics, drive), in_axes), keys, mesh)
    identity = describe(batch, keys, steps, record_every, names, start, skin)
    lists = Lists.choose(model, skin)
    saved = saving.load(checkpoint, identity, resume)
    if saved is None:
        state = starting_state(batch, keys, start)
        state, energy = _first_forces(batch, lists, mesh, state)
        run = saving.Progress.begin(state, energy, len(keys), float(np.min(np.asarray(dynamics.dt))))
        lists.set_cadence(batch, state)
    else:
        run, lists = saved
    _loop(batch, lists, mesh, run, steps, record_every, names, valid, progress, checkpoint, identity)
    dt = float(np.min(np.asarray(dynamics.dt)))
    warnings = heating_warning(batch, run, valid)
    return Result.gather(model, run, dt, record_every, valid, identity, lists, warnings)


def _first_forces(batch, lists, mesh, state):
    """Forces and energies of the start, with lists that hold every pair."""
    while True:
        ready, _, report = prepare(batch, lists.plan, mesh, state)
        if not lists.overflowed(report, np.ones(state.step.shape, bool)):
            break
    energy = np.asarray(report.energy, float)
    if not np.all(np.isfinite(energy)):
        bad = np.flatnonzero(~np.isfinite(energy)).tolist()
        raise ValueError(
            f"The start of replica {bad} has an infinite energy: two particles lie on top of each other. "
            "Give positions that do not overlap, or let the model place them (start=None)."
        )
    return ready, energy


def _chunk_steps(batch: Batch, unit: int, steps: int, replicas: int, devices: int) -> int:
    """Steps in a chunk: about a second of work, a multiple of `unit` and, if it can be, a divisor of all steps."""
    size = sum(batch.system[0].counts) * replicas
    target = max(1, int(_CHUNK_SECONDS * _PARTICLE_STEPS_PER_SECOND * devices / size) // unit)
    units = steps // unit
    divisors = [n for n in range(1, min(target, units) + 1) if units % n == 0]
    best = max(divisors)
    return unit * (best if best >= target / 4 or best == units else min(target, units))


def _loop(batch, lists, mesh, run, steps, record_every, names, valid, progress, checkpoint, identity):
    replicas = len(valid)
    size = sum(batch.system[0].counts)
    count = 1 if mesh is None else mesh.size
    length = _chunk_steps(batch, record_every, steps, replicas, count)
    saver = saving.Saver(checkpoint, identity)
    with saver, _bar(progress, steps, run.done, size * int(valid.sum())) as bar:
        while run.done < steps:
            stretch = min(length, steps - run.done)
            schedule = Schedule(stretch, record_every, lists.cadence_for(record_every, stretch), names)
            failed = jnp.asarray(run.failed)
            state, records, report = run_chunk(batch, lists.plan, schedule, mesh, run.state, failed)
            alive = valid & (np.asarray(report.failed) == 0)
            if lists.overflowed(report, alive) or lists.outrun(report, alive, schedule, run):
                continue
            run.accept(state, records, report, schedule)
            for sentence in failures_of(run, valid):
                bar.write(sentence)
            bar.update(stretch)
            saver.offer(run, lists)
            if not np.any(valid & (run.failed == 0)):
                break


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
        """Steps done, with the rate of particle-steps."""

        def update(self, n=1):
            super().update(n)
            rate = (self.n - done) * particles / max(clock.monotonic() - started, 1e-9)
            self.set_postfix_str(f"{rate / 1e6:.1f} M particle-steps/s", refresh=False)

    return Bar(total=steps, initial=done, unit="step", unit_scale=True, dynamic_ncols=True)
