"""What each command does with its arguments: run the job, print the table or the record."""

import argparse
import contextlib
import json
import os
import platform
import sys
from importlib import import_module, metadata
from typing import Any

from diffneq.json_record import as_json
from diffneq.options import ConductorOptions, Precision, ResponseOptions


def conductor_options(arguments: argparse.Namespace) -> ConductorOptions:
    """The wishes on the command line."""
    return ConductorOptions(**_wishes(arguments, ConductorOptions, ("fields", "sizes")))


def _wishes(arguments: argparse.Namespace, kind: type, lists: tuple[str, ...]) -> dict[str, Any]:
    given = vars(arguments)
    chosen = {name: given[name] for name in kind.__dataclass_fields__ if name in given}
    return chosen | {name: None if given[name] is None else tuple(given[name]) for name in lists}


def start_jax(precision: Precision = "single", devices: int | None = None) -> None:
    """Choose precision and the number of CPU devices; only before JAX has used a device."""
    import jax

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    jax.config.update("jax_enable_x64", precision == "double")
    jax.config.update("jax_num_cpu_devices", devices or cores)


def _study(arguments: argparse.Namespace, name: str, options: Any) -> int:
    """A job of the particles wing: choose precision and devices, run, print."""
    start_jax(options.precision, options.devices)
    with contextlib.redirect_stdout(sys.stderr):
        report = import_module(f"diffneq.studies.{name}").run(options)
    return _printed(arguments, report, "picture", [] if arguments.json else report.pictures)


def _conductor(arguments: argparse.Namespace) -> int:
    return _study(arguments, "conductor", conductor_options(arguments))


def _response(arguments: argparse.Namespace) -> int:
    return _study(arguments, "response", ResponseOptions(**_wishes(arguments, ResponseOptions, ("fields", "methods"))))


def _calphad(name: str, *wishes: Any):
    """A job of the thermodynamics wing."""
    with contextlib.redirect_stdout(sys.stderr):
        return import_module(f"diffneq.thermo.calphad.commands.{name}").run(*wishes)


def _equilibrium(arguments: argparse.Namespace) -> int:
    report = _calphad(
        "equilibrium", arguments.database, arguments.components, arguments.phases, arguments.temperature,
        arguments.pressure, arguments.x, arguments.conditions,
    )  # fmt: skip
    return _printed(arguments, report, "note", [*report.system.notes, *report.failures])


def _diagram(arguments: argparse.Namespace) -> int:
    report = _calphad(
        "diagram", arguments.database, arguments.components, arguments.temperature, arguments.phases,
        arguments.out, arguments.progress,
    )  # fmt: skip
    return _printed(arguments, report, "written", report.files)


def _assess(arguments: argparse.Namespace) -> int:
    report = _calphad(
        "assess", arguments.database, arguments.data, arguments.parameters, arguments.like, arguments.rename,
        arguments.boundaries, arguments.weights, arguments.out, arguments.progress,
    )  # fmt: skip
    return _printed(arguments, report, "written", report.files)


def _printed(arguments: argparse.Namespace, report: Any, label: str, remarks: Any) -> int:
    """The table or the record on standard output, remarks on standard error."""
    for remark in remarks:
        print(f"{label}: {remark}", file=sys.stderr)
    if arguments.json:
        _print_json(report.to_dict())
    else:
        print(report.table())
    return 0


def _selfcheck(arguments: argparse.Namespace) -> int:
    with contextlib.redirect_stdout(sys.stderr):
        report = import_module("diffneq.installation.selfcheck").selfcheck()
    if arguments.json:
        _print_json(report.to_dict())
    else:
        print(report)
    return 0 if report.passed else 1


def _version(arguments: argparse.Namespace) -> int:
    from diffneq import __version__

    versions = {"diffneq": __version__, "python": platform.python_version()}
    for name in ("jax", "jaxlib", "numpy", "equinox", "jax-md"):
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions[name] = metadata.version(name)
    if arguments.json:
        _print_json(versions)
    else:
        print("\n".join(f"{name:8} {version}" for name, version in versions.items()))
    return 0


def _print_json(record: dict[str, Any]) -> None:
    """One line; a number that is not finite becomes null, for JSON has no other word for it."""
    print(json.dumps(as_json(record), allow_nan=False, sort_keys=False))


COMMANDS = {
    "assess": _assess,
    "conductor": _conductor,
    "diagram": _diagram,
    "equilibrium": _equilibrium,
    "response": _response,
    "selfcheck": _selfcheck,
    "version": _version,
}
