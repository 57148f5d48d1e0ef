"""Our engine on the same problems: the functions of `lammps_peer`, with the same records.

Every `prepare_...` builds, equilibrates and compiles, and returns a `Contender` whose `measure()` times one
further run, list rebuilds included, and waits for the result (`jax.block_until_ready`) before it stops the
clock.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time

import numpy as np

from . import inputs
from .lammps_run import cores
from .report import Conductivity, Contender, Rate, Unavailable, conductivity, rate

INTERVAL = 1000  # the conductor's current is averaged over as many steps as the peer's

COLD_START = """
import time, jax
jax.config.update("jax_num_cpu_devices", {devices})
import diffneq
model = diffneq.models.Conductor.preset("soft")
def seconds():
    begin = time.perf_counter()
    diffneq.simulate(model, model.dynamics(), diffneq.drives.Constant(0.05), steps=100,
                     keys=jax.random.split(jax.random.key(0), 4), progress=False)
    return time.perf_counter() - begin
cold = seconds()
print(cold - seconds())
"""


def _package():
    """diffneq on one device a core; JAX must not have been used before."""
    import jax

    with contextlib.suppress(RuntimeError):  # already running: with the number it was given first
        jax.config.update("jax_num_cpu_devices", cores())
    try:
        import diffneq
    except ImportError as why:
        raise Unavailable("Our rows are skipped: `pip install .` first.") from why
    return jax, diffneq


def _precision(precision: str):
    import jax

    return jax.enable_x64(precision == "f64")


class _Run:
    """A simulation that goes on from where it stopped, each call of `further` timed from outside."""

    def __init__(self, system, axes, replicas: int, start, precision: str, record_every: int, devices=None):
        self.jax, self.diffneq = _package()
        self.system, self.axes, self.replicas, self.state = system, axes, replicas, start
        self.precision, self.record_every, self.devices = precision, record_every, devices
        self.seed = 0

    def further(self, steps: int):
        """`steps` more steps; returns the result and the seconds that the call took."""
        with _precision(self.precision):
            self.seed += 1
            keys = self.jax.random.split(self.jax.random.key(self.seed), self.replicas)
            self.jax.block_until_ready(self.state)
            begin = time.perf_counter()
            result = self.diffneq.simulate(
                *self.system, keys=keys, steps=steps, record_every=self.record_every, start=self.state,
                in_axes=self.axes, progress=False, devices=self.devices,
            )  # fmt: skip
            self.jax.block_until_ready(result.state)
            seconds = time.perf_counter() - begin
        if result.failures:
            raise RuntimeError(result.failures[0])
        self.state = result.state
        return result, seconds


def _contender(name: str, run: _Run, particles: int, steps: int) -> Contender:
    def measure() -> Rate:
        result, seconds = run.further(steps)
        facts = result.diagnostics
        note = f"a list every {facts['list_cadence']} steps, {facts['reruns']} reruns, "
        drift = float(np.max(np.abs(facts["energy_error"]))) / particles
        return rate(
            name, "ours", particles, run.replicas, run.precision, steps, seconds, f"{note}E/N error {drift:.1e}"
        )

    return Contender(measure)


def prepare_lj(particles: int, steps: int, replicas: int = 1, precision: str = "f32") -> Contender:
    """The melt of `lammps_peer.prepare_lj`: one system over both cores, or `replicas` of them."""
    _, diffneq = _package()
    from diffneq.particles.pair_laws import LennardJones

    positions, side = inputs.fcc(inputs.lj_cells(particles))
    random = np.random.default_rng(87287)
    velocities = random.normal(size=(replicas, *positions.shape)) * np.sqrt(inputs.LJ_TEMPERATURE)
    velocities -= velocities.mean(axis=1, keepdims=True)
    with _precision(precision):
        law = LennardJones(1.0, 1.0, 2.5, "shifted")
        model = diffneq.models.Fluid(law, (side,) * 3, (particles,))
        dynamics = diffneq.dynamics.Verlet(inputs.LJ_STEP)
    steps = max(10, steps // 10 * 10)
    run = _Run((model, dynamics, None), (None,) * 3, replicas, (positions, velocities), precision, 10)
    run.further(max(200, min(1000, 4_000_000 // particles) // 10 * 10))
    run.further(steps)
    return _contender(f"lj-{particles}", run, particles, steps)


def prepare_wca(replicas: int = 32, steps: int = 2000) -> Contender:
    """`replicas` systems of `inputs.wca_lattice()` with Langevin noise, in one run, float32."""
    _, diffneq = _package()
    from diffneq.particles.pair_laws import WCA

    positions, side = inputs.wca_lattice()
    velocities = np.random.default_rng(11).normal(size=(replicas, *positions.shape))
    law = WCA(1.0, 1.0)
    model = diffneq.models.Fluid(law, (side, side), (len(positions),))
    dynamics = diffneq.dynamics.Langevin(inputs.WCA_STEP, 1.0, inputs.WCA_DAMPING_RATE)
    run = _Run((model, dynamics, None), (None,) * 3, replicas, (positions, velocities), "f32", 20)
    run.further(4000)
    run.further(steps)
    return _contender("wca-500", run, len(positions), steps)


def prepare_conductor(case: inputs.ConductorCase, steps: int, seed: int = 1) -> Contender:
    """All fields of `case` at once, from `inputs.conductor_positions(case, seed)`, with `conductivities`."""
    _, diffneq = _package()
    from diffneq.sweeps.batching import stack

    counts = (case.electrons, case.phonons, case.impurities)
    model = diffneq.models.Conductor(
        case.stiffness, case.lengths, counts, radius=case.diameter / 2, damping_rate=case.damping_rate,
        suggested_dt=case.step,
    )  # fmt: skip
    points = [(model, model.dynamics(), diffneq.drives.Constant(field)) for field in case.fields]
    system, axes = stack(points)
    random = np.random.default_rng(seed)
    velocities = random.normal(size=(len(case.fields), case.particles, 2))
    velocities[:, case.electrons + case.phonons :] = 0
    start = (inputs.conductor_positions(case, seed), velocities)
    run = _Run(system, axes, len(case.fields), start, "f32", INTERVAL)
    run.further(case.transient)
    series: list[dict[str, np.ndarray]] = []

    def measure() -> Rate:
        result, seconds = run.further(steps)
        series.append(result.records)
        note = f"a list every {result.diagnostics['list_cadence']} steps, {result.diagnostics['reruns']} reruns"
        return rate("conductor", "ours", case.particles, run.replicas, "f32", steps, seconds, note)

    def conductivities() -> tuple[Conductivity, ...]:
        pooled = {name: np.concatenate([s[name] for s in series], axis=1) for name in ("current", "phonon_temperature")}
        return tuple(
            conductivity(field, pooled["current"][r], pooled["phonon_temperature"][r], case.area)
            for r, field in enumerate(case.fields)
        )

    return Contender(measure, conductivities)


def compile_seconds() -> float:
    """Seconds that a cold default conductor run takes longer than a warm one: tracing and compiling."""
    answer = subprocess.run([sys.executable, "-c", COLD_START.format(devices=cores())], capture_output=True, text=True)
    if answer.returncode != 0:
        raise Unavailable(f"The compile row is skipped: {answer.stderr.strip().splitlines()[-1]}")
    return float(answer.stdout)


def import_seconds() -> float:
    """Best of three: `import diffneq` in a fresh interpreter, less the interpreter's own start."""

    def fresh(statement: str) -> float:
        begin = time.perf_counter()
        answer = subprocess.run([sys.executable, "-c", statement], capture_output=True)
        if answer.returncode != 0:
            raise Unavailable("The import row is skipped: `import diffneq` fails here; install it with `pip install .`")
        return time.perf_counter() - begin

    return min(fresh("import diffneq") for _ in range(3)) - min(fresh("pass") for _ in range(3))
