"""The same fit by diffneq and by ESPEI: Cu-Mg, the same data, the same symbols, the same start, one after the other.

    python scripts/bench_assessment.py --espei /tmp/espei/bin/python [--minutes 10] [--every 4]

ESPEI (github.com/PhasesResearchLab/ESPEI, MIT) runs in its own environment: pip install espei. It is run as its users
run it, by its ensemble sampler EmceeOptimizer with default settings (2 chains a parameter, standard deviation 0.1);
every parameter set that it tries is kept with its time. All sets are then judged by one objective, ours (half the sum
of squares of residuals; the definitions and standard deviations of the residuals are ESPEI's). Compilation, imports
and the reading of files are counted for neither, and printed.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

SYMBOLS = {
    "G(LIQUID,CU,MG;0)": ("-36984+4.75612*T", "VV0000+VV0001*T"),
    "G(LIQUID,CU,MG;1)": ("-8191.29", "VV0002"),
    "G(CUMG2,CU:MG;0)": ("-28620+1.859733*T", "VV0003+VV0004*T"),
}
START = {"VV0000": -33000.0, "VV0001": 4.0, "VV0002": -7000.0, "VV0003": -26000.0, "VV0004": 1.0}


def database() -> str:
    """The shipped Cu-Mg with symbols in place of some numbers."""
    from diffneq.thermo.calphad.database import FOLDER

    text = (FOLDER / "Cu-Mg.tdb").read_text()
    for name, (old, new) in SYMBOLS.items():
        head, tail = text.split(f"PARAMETER {name}", 1)
        text = head + f"PARAMETER {name}" + tail.replace(old, new, 1)
    functions = "\n".join(f"FUNCTION {name} 298.15 {value}; 6000 N !" for name, value in START.items())
    return text.replace("TYPE_DEFINITION", functions + "\n\nTYPE_DEFINITION", 1)


def data(folder: Path, every: int) -> None:
    """The shipped measurements under the names of the database, of the boundaries every so many regions."""
    from diffneq.thermo.calphad.assessment.data import SHIPPED

    for file in sorted((SHIPPED / "Cu-Mg").glob("*.json")):
        record = json.loads(re.sub("LAVES_C15", "CU2MG", file.read_text()))
        if record["output"] == "ZPF":
            record["values"] = record["values"][::every]
            record["conditions"]["T"] = record["conditions"]["T"][::every]
            record["phases"] = sorted({vertex[0] for region in record["values"] for vertex in region})
        (folder / file.name).write_text(json.dumps(record))


def espei(folder: Path, minutes: float) -> None:
    """Runs inside ESPEI's environment; writes what was tried and when."""
    from espei.datasets import load_datasets, recursive_glob
    from espei.optimizers.opt_mcmc import EmceeOptimizer
    from espei.utils import database_symbols_to_fit
    from pycalphad import Database

    dbf = Database(str(folder / "start.tdb"))
    datasets = load_datasets(recursive_glob(str(folder / "data"), "*.json"))
    symbols = database_symbols_to_fit(dbf)
    tried: list[tuple[float, list[float], float]] = []
    original, clock = EmceeOptimizer.predict, {"used": 0.0}

    def watched(params, **context):
        began = time.perf_counter()
        value = float(original(params, **context))
        clock["used"] += time.perf_counter() - began
        tried.append((clock["used"], np.asarray(params).tolist(), value))
        if clock["used"] > 60.0 * minutes:
            raise KeyboardInterrupt
        return value

    EmceeOptimizer.predict = staticmethod(watched)
    try:
        EmceeOptimizer(dbf).fit(symbols, datasets, iterations=100000)
    except (KeyboardInterrupt, Exception) as error:
        print(f"ESPEI stopped: {type(error).__name__} {error}", file=sys.stderr)
    (folder / "espei.json").write_text(json.dumps({"symbols": list(symbols), "tried": tried}))


def ours(folder: Path):
    """(problem, seconds to compile, result) of the fit from the same start."""
    import jax

    jax.config.update("jax_enable_x64", True)
    from diffneq.thermo.calphad import build
    from diffneq.thermo.calphad.assessment import choose, fit, problem, read_data

    system = build(folder / "start.tdb", ["CU", "MG"], gas_constant=8.3145)
    task = problem(system, read_data(folder / "data"), choose(system))
    began = time.perf_counter()
    task.evaluate(task.start)
    compiled = time.perf_counter() - began
    fit(task, progress=False, max_steps=3)  # compiles the steps of the solver
    return task, compiled, fit(task, progress=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--espei", metavar="PYTHON", help="python of an environment with ESPEI")
    parser.add_argument("--minutes", type=float, default=10.0, help="how long ESPEI may evaluate (default: 10)")
    parser.add_argument("--every", type=int, default=4, help="use every so many phase regions (default: 4)")
    parser.add_argument("--worker", metavar="FOLDER", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        espei(Path(arguments.worker), arguments.minutes)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "data").mkdir()
        (folder / "start.tdb").write_text(database())
        data(folder / "data", arguments.every)
        task, compiled, result = ours(folder)
        target, best = result.history[-1][1] + 1.0, min(v for _, v in result.history)
        reached = next(t for t, v in result.history if v < target)
        print(f"{len(task.targets)} residuals, {len(task.parameters)} parameters; objective {result.history[0][1]:.2f}"
              f" at the start, {best:.4f} at the minimum")  # fmt: skip
        print(f"diffneq: compiled in {compiled:.1f} s (once), {len(result.history)} evaluations with derivatives, "
              f"to the minimum in {result.history[-1][0]:.2f} s, to within 1 of it in {reached:.2f} s")  # fmt: skip
        if not arguments.espei:
            print("ESPEI: not run; give --espei PYTHON")
            return
        subprocess.run([arguments.espei, __file__, "--worker", name, "--minutes", str(arguments.minutes)], check=True)
        record = json.loads((folder / "espei.json").read_text())
        order = [record["symbols"].index(p.name) for p in task.parameters]
        values = []
        for seconds, params, _ in record["tried"]:
            r, _, _ = task.evaluate(np.array(params)[order])
            values.append((seconds, 0.5 * float(np.sum(r**2))))
        each = record["tried"][-1][0] / len(record["tried"])
        lowest = min(v for _, v in values)
        own = [-record["tried"][k][2] for k in range(len(values))]
        print(f"ESPEI: {len(values)} likelihoods, {each:.2f} s each; lowest objective {lowest:.2f} "
              f"after {next(t for t, v in values if v == lowest):.0f} s")  # fmt: skip
        print(f"the same parameters, objective less that at the start: ours {values[0][1] - lowest:.3f}, "
              f"ESPEI's {own[0] - own[[v for _, v in values].index(lowest)]:.3f}")  # fmt: skip
        hit = [t for t, v in values if v < target]
        ours_each = result.history[-1][0] / len(result.history)
        print(f"one evaluation: ESPEI {each / ours_each:.0f} times as long (ours with all derivatives)")
        if hit:
            print(f"to within 1 of the minimum: ESPEI {hit[0]:.1f} s, ratio {hit[0] / reached:.0f}")
        else:
            print(f"to within 1 of the minimum: ESPEI not in {values[-1][0]:.0f} s, "
                  f"ratio > {values[-1][0] / reached:.0f}")  # fmt: skip


if __name__ == "__main__":
    main()
