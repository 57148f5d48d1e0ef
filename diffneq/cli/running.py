"""How a command runs its job: JAX is started as asked, stray prints go to standard error, the report is printed."""

import argparse
import contextlib
import json
import os
import sys
from importlib import import_module
from typing import Any

from diffneq.json_record import as_json
from diffneq.options import Precision


def wishes(arguments: argparse.Namespace, kind: type, lists: tuple[str, ...] = ()) -> dict[str, Any]:
    """What the arguments say of the fields of a dataclass of options; those in `lists` become tuples."""
    given = vars(arguments)
    chosen = {name: given[name] for name in kind.__dataclass_fields__ if name in given}
    return chosen | {name: None if given[name] is None else tuple(given[name]) for name in lists}


def start_jax(precision: Precision = "single", devices: int | None = None) -> None:
    """Choose precision and the number of CPU devices; only before JAX has used a device."""
    import jax

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    jax.config.update("jax_enable_x64", precision == "double")
    jax.config.update("jax_num_cpu_devices", devices or cores)


def study(arguments: argparse.Namespace, name: str, options: Any) -> int:
    """A job of the particles wing: choose precision and devices, run, print."""
    start_jax(options.precision, options.devices)
    with contextlib.redirect_stdout(sys.stderr):
        report = import_module(f"diffneq.studies.{name}").run(options)
    return printed(arguments, report, "picture", [] if arguments.json else report.pictures)


def calphad(name: str, *asked: Any):
    """A job of the thermodynamics wing."""
    with contextlib.redirect_stdout(sys.stderr):
        return import_module(f"diffneq.thermo.calphad.commands.{name}").run(*asked)


def printed(arguments: argparse.Namespace, report: Any, label: str, remarks: Any) -> int:
    """The table or the record on standard output, remarks on standard error."""
    for remark in remarks:
        print(f"{label}: {remark}", file=sys.stderr)
    if arguments.json:
        print_json(report.to_dict())
    else:
        print(report.table())
    return 0


def print_json(record: dict[str, Any]) -> None:
    """One line; a number that is not finite becomes null, for JSON has no other word for it."""
    print(json.dumps(as_json(record), allow_nan=False, sort_keys=False))
