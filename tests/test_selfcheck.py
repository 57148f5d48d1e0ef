"""The self-check passes and sees planted errors; a known-bad jaxlib is refused before jax is imported."""

import json
import math
import subprocess
import sys
import types

import jax
import numpy as np
import pytest

import diffneq
from diffneq.installation import checks, releases
from diffneq.installation.checks import Check, compare, threefry
from diffneq.installation.selfcheck import Report, run_checks, selfcheck


@pytest.fixture(scope="module")
def report() -> Report:
    return selfcheck()


def python(code: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_every_check_passes_here(report):
    assert report.passed, str(report)
    assert len(report.checks) > 20


def test_report_is_plain_data_and_a_table(report):
    record = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert record["passed"] is True
    assert record["versions"]["jax"] == jax.__version__
    assert len(str(report).splitlines()) == len(report.checks) + 2


def test_leaves_the_precision_as_it_was(report):
    assert jax.numpy.zeros(1).dtype == np.float32


@pytest.mark.parametrize("fault", [1e-3, np.nan, np.inf])
def test_one_wrong_value_among_many_is_seen(fault):
    expected = np.linspace(0.0, 1.0, 20_001)
    got = expected.copy()
    got[777] += fault
    check = compare("planted", got, expected, 1e-6)
    assert not check.passed
    assert check.wrong == 1
    report = Report((check,), {}, "cpu")
    assert "1 WRONG" in str(report)
    json.dumps(report.to_dict(), allow_nan=False)


def test_integers_are_compared_exactly():
    a = np.arange(5, dtype=np.uint32)
    assert compare("equal", a, a, 0.0).passed
    assert compare("off", a + np.uint32(1), a, 0.0).wrong == 5


def test_a_check_that_raises_is_a_failed_check():
    def check_broken():
        yield compare("first", np.ones(1), np.ones(1), 0.0)
        raise RuntimeError("no such device")

    first, broken = run_checks(check_broken)
    assert first.passed
    assert broken == Check("broken", False, math.inf, 0.0, 0, 0, "RuntimeError: no such device")


def test_a_compiler_like_the_bad_one_is_caught(monkeypatch):
    """Zero the last rows of every jitted result, as jaxlib 0.10.2 does to batched matrix-vector products."""
    sound = jax.jit

    def faulty(function):
        compiled = sound(function)
        return lambda *args: compiled(*args).at[-3614:].set(0.0)

    monkeypatch.setattr(checks.jax, "jit", faulty)
    with jax.enable_x64(True):
        found = run_checks(checks.check_matrix_vector)
    assert [check.wrong for check in found] == [3614, 3614]


def test_threefry_agrees_with_the_published_vector():
    zero = np.zeros(2, np.uint32)
    assert threefry(zero, zero[:, None])[:, 0].tolist() == [0x6B200159, 0x99BA4EFE]


@pytest.mark.parametrize("version", ["0.10.2", "0.11.0", "0.11.1"])
def test_a_known_bad_jaxlib_is_refused_at_import(version):
    code = (
        "import importlib.metadata as m; true = m.version\n"
        f"m.version = lambda name: '{version}' if name == 'jaxlib' else true(name)\n"
        "import diffneq"
    )
    done = python(code)
    assert done.returncode != 0
    assert f"ImportError: diffneq refuses jaxlib {version}" in done.stderr
    assert "pip install" in done.stderr


def test_without_jaxlib_the_refusal_stays_silent(monkeypatch):
    def missing(name):
        raise releases.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(releases.metadata, "version", missing)
    releases.refuse_known_bad_jaxlib()


def test_import_brings_neither_jax_nor_jax_md():
    heavy = {"jax", "jax_md", "matplotlib", "xarray"}
    done = python(f"import diffneq, sys; print(sorted({heavy} & set(sys.modules)))")
    assert done.stdout.strip() == "[]", done.stderr


def test_every_exported_name_is_there():
    for name in diffneq.__all__:
        assert getattr(diffneq, name) is not None


def test_a_function_keeps_its_name_after_its_module_is_imported():
    import diffneq.installation.selfcheck
    import diffneq.simulation.loop

    assert diffneq.selfcheck is selfcheck
    assert isinstance(diffneq.simulate, types.FunctionType)


def test_an_unknown_name_gets_a_list_of_the_known():
    with pytest.raises(AttributeError, match=r"no attribute 'simulte'.*simulate"):
        diffneq.simulte  # noqa: B018
