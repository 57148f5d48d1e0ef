"""The command `diffneq vle`: records for a program, pictures, one sentence for each kind of bad input."""

import json

import pytest

from diffneq import cli

# Ethanol and water at 1 atm: x, y of ethanol and T in degrees Celsius, rounded to three digits in teaching
# data sheets that name Perry's Chemical Engineers' Handbook as their source
MEASURED = """\
T,P,x,y
368.65,101325,0.019,0.170
362.15,101325,0.072,0.389
359.85,101325,0.097,0.438
358.45,101325,0.124,0.470
357.25,101325,0.166,0.509
355.85,101325,0.234,0.545
355.45,101325,0.261,0.558
354.65,101325,0.327,0.583
353.85,101325,0.397,0.612
352.95,101325,0.508,0.656
352.85,101325,0.520,0.660
352.45,101325,0.573,0.684
351.89,101325,0.676,0.739
351.39,101325,0.747,0.782
351.30,101325,0.894,0.894
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "measured.csv").write_text(MEASURED)
    (tmp_path / "word.csv").write_text("T,P,x\n350,101325,much\n")
    (tmp_path / "column.csv").write_text("T,P,z\n350,101325,0.2\n")
    (tmp_path / "short.csv").write_text("x,y\n0.2,0.4\n")
    return tmp_path


@pytest.mark.slow
def test_a_binary_with_pictures(folder, capsys):
    assert cli.main("vle ethanol water --pressure 101325 --json".split()) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["components"] == ["ethanol", "water"] and len(record["points"]) == 21
    (azeotrope,) = record["azeotropes"]
    assert azeotrope["kind"] == "minimum-boiling azeotrope" and azeotrope["T"] == pytest.approx(351.53, abs=0.01)
    for name in record["pictures"]:
        assert (folder / name).stat().st_size > 10_000
    assert {p["meaning"] for p in record["points"]} == {"certified"}


def test_a_flash_in_words(folder, capsys):
    assert cli.main("vle ethanol water --pressure 101325 --temperature 355 --x 0.3".split()) == 0
    text = capsys.readouterr().out
    assert "vapour" in text and "liquid" in text and "certified" in text


@pytest.mark.slow
def test_measured_boiling_points_are_fitted(folder, capsys):
    """NRTL fitted to T, x and y reproduces them to about their scatter; the data pass Fredenslund's point test."""
    assert cli.main("vle ethanol water --data measured.csv --model NRTL --json".split()) == 0
    record = json.loads(capsys.readouterr().out)
    (fit,) = record["fits"]
    assert record["predicted"] == "T" and fit["converged"]
    assert all(p["error"] > 0 for p in fit["parameters"])
    assert record["point_test"]["mean_deviation"] < 0.015


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("vle etanol water --pressure 1e5", "no substance 'etanol' in the table; did you mean ethanol"),
        ("vle ethanol water", "Give --pressure (Pa), --temperature (K), or both"),
        ("vle ethanol water --pressure 1e5 --temperature 350", "give the overall composition with --x"),
        ("vle ethanol water --pressure 1e5 --temperature 350 --x 0.3 0.6", "z sums to 0.9, not to 1"),
        ("vle ethanol water --pressure 1e5 --x 1.2", "--x leaves -0.2"),
        ("vle ethanol water --temperature 700 --x 0.3", "where the vapour pressure of ethanol is known"),
        ("vle 2-propanol water --pressure 1e5", "choose model='Wilson'"),
        ("vle ethanol water --model Flory --pressure 1e5", "model must be one of NRTL, Wilson, UNIQUAC, ideal"),
        ("vle ethanol water --data nothing.csv", "There is no file of data nothing.csv"),
        ("vle ethanol water --data word.csv", "Row 1 of word.csv has x = 'much', which is not a number"),
        ("vle ethanol water --data column.csv", "column names among T, P, x and y"),
        ("vle ethanol water --data short.csv", "has no column T; add it, or give --temperature"),
        ("vle acetone ethanol water --data measured.csv", "--data is for binaries"),
    ],
)
def test_bad_input_is_one_sentence(folder, capsys, words, sentence):
    assert cli.main(words.split()) == 2
    error = capsys.readouterr().err
    assert sentence in error and error.count("\n") == 1
