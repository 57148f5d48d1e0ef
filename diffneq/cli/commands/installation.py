"""`diffneq selfcheck` and `diffneq version`: about this machine and what is installed."""

import argparse
import contextlib
import platform
import sys
from importlib import metadata

from diffneq.cli import running
from diffneq.cli.commands.command import Command


def _no_arguments(parser: argparse.ArgumentParser) -> None:
    pass


def _selfcheck(arguments: argparse.Namespace) -> int:
    with contextlib.redirect_stdout(sys.stderr):
        report = running.import_module("diffneq.installation.selfcheck").selfcheck()
    if arguments.json:
        running.print_json(report.to_dict())
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
        running.print_json(versions)
    else:
        print("\n".join(f"{name:8} {version}" for name, version in versions.items()))
    return 0


SELFCHECK = Command(
    "selfcheck",
    "diffneq selfcheck [options]",
    "does this machine compute right numbers?",
    "Compiled kernels against NumPy, on this machine.",
    _no_arguments,
    _selfcheck,
)
VERSION = Command("version", "diffneq version [options]", "print versions", "Versions in use.", _no_arguments, _version)
