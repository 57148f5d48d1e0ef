"""The command line, with a study that only pretends."""

import json
import os
import signal
import subprocess
import sys
import types

import numpy as np
import pytest

from diffneq import cli
from diffneq.cli import running
from diffneq.errors import DiskFullError, SweepError, SweepInterrupted
from diffneq.options import ConductorOptions


class FakeReport:
    passed = True
    pictures = ("iv.png",)

    def to_dict(self):
        sigma = {"value": np.float32(0.125), "error": float("nan"), "unit": "e^2/m"}
        return {"sigma": sigma, "fields": np.array([0.1, 0.2])}

    def table(self):
        return "sigma 0.130(3)"

    def __str__(self):
        return "all good"


@pytest.fixture
def study(monkeypatch):
    """What the pretended study was asked, and what it shall do."""
    seen = types.SimpleNamespace(options=None, jax=None, act=lambda: print("a stray print"))

    def run(options):
        seen.options = options
        seen.act()
        return FakeReport()

    fakes = {
        "diffneq.studies.conductor": types.SimpleNamespace(run=run),
        "diffneq.installation.selfcheck": types.SimpleNamespace(selfcheck=FakeReport),
    }
    monkeypatch.setattr(running, "import_module", fakes.__getitem__)
    monkeypatch.setattr(running, "start_jax", lambda *given: setattr(seen, "jax", given))
    return seen


def test_table_on_standard_output_the_rest_on_standard_error(study, capsys):
    assert cli.main(["conductor"]) == 0
    out, err = capsys.readouterr()
    assert out == "sigma 0.130(3)\n"
    assert "a stray print" in err
    assert "iv.png" in err
    assert study.options == ConductorOptions()
    assert study.jax == ("single", None)


def test_json_is_one_record_and_nothing_else(study, capsys):
    assert cli.main(["conductor", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record == {"sigma": {"value": 0.125, "error": None, "unit": "e^2/m"}, "fields": [0.1, 0.2]}


def test_every_option_arrives(study):
    words = (
        "conductor --preset stiff --variant walls --fields -1e-2 0.02 --sizes 200 100 --seeds 3 --seed 7 "
        "--time 50 --out here --precision double --devices 2 --resume --quiet --temperature 2"
    )
    assert cli.main(words.split()) == 0
    assert study.options == ConductorOptions(
        preset="stiff", variant="walls", fields=(-0.01, 0.02), sizes=(200, 100), seeds=3, seed=7, time=50.0,
        out="here", precision="double", devices=2, resume=True, progress=False, temperature=2.0,
    )  # fmt: skip
    assert study.jax == ("double", 2)
    assert json.dumps(study.options.to_dict())
    assert cli.main(["conductor", "--minutes", "3", "--no-progress"]) == 0
    assert (study.options.minutes, study.options.progress) == (3.0, False)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("--temperature -1", "temperature must be positive"),
        ("--fields 0.1 nan", "fields must be finite"),
        ("--fields inf", "fields must be finite"),
        ("--fields 0 0.1", "different from zero"),
        ("--sizes 100 100", "sizes must be different"),
        ("--seeds 0", "seeds must be 1 or more"),
        ("--devices 0", "devices must be 1 or more"),
        ("--time -3", "time must be positive"),
        ("--seed -1", "seed must be from 0"),
    ],
)
def test_values_without_sense(study, capsys, words, sentence):
    assert cli.main(["conductor", *words.split()]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert sentence in err
    assert err.count("\n") == 1
    assert study.options is None


@pytest.mark.parametrize("words", ["--filds 0.1", "--fields x", "--preset hard", "--time 1 --minutes 1", "--field 0.1"])
def test_unknown_words(study, capsys, words):
    with pytest.raises(SystemExit) as left:
        cli.main(["conductor", *words.split()])
    assert left.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    "error", [ValueError("bad\n store"), DiskFullError("disk full"), SweepError("3 blocks were lost")]
)
def test_errors_become_one_sentence(study, capsys, error):
    def fail():
        raise error

    study.act = fail
    assert cli.main(["conductor", "--json"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"diffneq conductor: {' '.join(str(error).split())}\n"
    with pytest.raises(type(error)):
        cli.main(["conductor", "--debug"])


def test_interruptions_say_how_to_resume(study, capsys):
    def interrupted():
        raise SweepInterrupted("sweep stopped by the keyboard: 3 of 4 runs are kept")

    study.act = interrupted
    assert cli.main(["conductor", "--preset", "stiff"]) == 130
    err = capsys.readouterr().err
    assert "--resume" in err
    assert "conductor-stiff" in err
    before = signal.getsignal(signal.SIGTERM)
    study.act = lambda: os.kill(os.getpid(), signal.SIGTERM)
    assert cli.main(["conductor"]) == 143
    assert signal.getsignal(signal.SIGTERM) == before


def test_selfcheck(study, capsys, monkeypatch):
    assert cli.main(["selfcheck"]) == 0
    assert capsys.readouterr().out == "all good\n"
    monkeypatch.setattr(FakeReport, "passed", False)
    assert cli.main(["selfcheck", "--json"]) == 1
    assert "sigma" in json.loads(capsys.readouterr().out)


def test_version(capsys):
    assert cli.main(["version", "--json"]) == 0
    assert {"diffneq", "jax", "python"} <= set(json.loads(capsys.readouterr().out))
    assert cli.main(["version"]) == 0
    assert capsys.readouterr().out.startswith("diffneq ")


def test_help_is_for_a_physicist_and_needs_no_jax(capsys):
    with pytest.raises(SystemExit) as left:
        cli.main(["conductor", "--help"])
    assert left.value.code == 0
    text = capsys.readouterr().out
    for word in ("the conductor:", "the runs:", "the machine:", "examples:", "units:", "Johnson-Nyquist"):
        assert word in text
    assert max(map(len, text.splitlines())) <= 100


def test_the_program_starts_jax_as_asked():
    code = (
        "from diffneq.cli import start_jax; start_jax('double', 3); import jax;"
        "print(len(jax.devices('cpu')), jax.numpy.ones(1).dtype)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["3", "float64"]
    done = subprocess.run([sys.executable, "-m", "diffneq", "version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("diffneq ")
