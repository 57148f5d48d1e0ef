"""Does this installation compute right numbers?  Jitted, vmapped kernels against NumPy and published answers.

A compiler that gives wrong values without a warning has been released (jaxlib 0.10.2), so the installation is
measured before it is trusted. `selfcheck()` takes some seconds; the command is `diffneq selfcheck`. The
checks themselves are in `diffneq.installation.checks`.
"""

import math
import platform
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from typing import Any

import jax

from diffneq.installation.checks import CHECKS, Check


@dataclass(frozen=True)
class Report:
    """What `selfcheck` found: the checks, and the versions and the device they were made on."""

    checks: tuple[Check, ...]
    versions: dict[str, str]
    device: str

    @property
    def passed(self) -> bool:
        """True where every check passed."""
        return all(check.passed for check in self.checks)

    def to_dict(self) -> dict[str, Any]:
        """The same content as plain data, ready for `json.dumps`."""
        checks = [asdict(check) for check in self.checks]
        for check in checks:
            check["error"] = check["error"] if math.isfinite(check["error"]) else None  # JSON has no infinity
        versions = dict(self.versions)
        return {"passed": self.passed, "device": self.device, "versions": versions, "checks": checks}

    def __str__(self) -> str:
        lines = [f"{'check':<44} {'':<6} {'error':>9} {'allowed':>9} {'wrong':>6} of {'values':<6}"]
        for c in self.checks:
            word = "ok" if c.passed else "WRONG"
            numbers = f"{c.error:9.1e} {c.tolerance:9.1e} {c.wrong:6d} of {c.values}"
            lines.append(f"{c.name:<44} {word:<6} {numbers}")
            if c.note and not c.passed:
                lines.append(f"    {c.note}")
        bad = sum(not c.passed for c in self.checks)
        verdict = "all good" if bad == 0 else f"{bad} WRONG: do not trust numbers from this installation"
        versions = ", ".join(f"{name} {version}" for name, version in self.versions.items())
        lines.append(f"{len(self.checks)} checks on {self.device} ({versions}): {verdict}")
        return "\n".join(lines)


def run_checks(group: Callable[[], Iterator[Check]]) -> list[Check]:
    """The checks of one group; a group that raises counts as one failed check that carries the error."""
    done: list[Check] = []
    try:
        for check in group():
            done.append(check)
    except Exception as error:  # a broken installation may fail in any way, and the report must still come
        name = group.__name__.removeprefix("check_").replace("_", " ")
        done.append(Check(name, False, math.inf, 0.0, 0, 0, f"{type(error).__name__}: {error}"))
    return done


def selfcheck() -> Report:
    """Run every check on the default device and return a frozen `Report`; print it for a table.

    Nothing is raised where a check fails: look at `report.passed`.

    Example:
        >>> import diffneq
        >>> diffneq.selfcheck().passed
        True
    """
    with jax.enable_x64(True):  # so that float64 is float64; every array states its dtype
        checks = tuple(check for group in CHECKS for check in run_checks(group))
    device = jax.devices()[0]
    versions = {name: metadata.version(name) for name in ("jax", "jaxlib", "numpy")}
    versions["python"] = platform.python_version()
    return Report(checks, versions, f"{device.platform} ({device.device_kind})")
