"""The command `diffneq water`: records, tables, and one sentence for each kind of bad input."""

import json

import pytest

from diffneq import cli


def record(capsys, words):
    assert cli.main([*words.split(), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_records(capsys):
    found = record(capsys, "water --T 300 500 --p 1e5")
    assert found["units"]["rho"] == "kg/m3" and "IAPWS" in found["source"]
    first, second = found["results"]
    assert first["T"] == 300.0 and first["rho"] == pytest.approx(996.5563, abs=1e-3) and first["quality"] is None
    assert second["rho"] == pytest.approx(0.4351, abs=1e-3) and second["meaning"] == "stable"


def test_saturation(capsys):
    # IAPWS R6-95(2018), Table 8, at 450 K
    liquid, vapour = record(capsys, "water --saturation 450")["results"]
    assert liquid["p"] == pytest.approx(932203.564, abs=1e-3) and vapour["p"] == liquid["p"]
    assert liquid["h"] == pytest.approx(749161.585, abs=1e-3) and vapour["rho"] == pytest.approx(4.812003605, rel=1e-7)


def test_the_table_says_what_is_there(capsys):
    assert cli.main(["water", "--p", "1e6", "--h", "5e5", "2e6"]) == 0
    text = capsys.readouterr().out
    assert "liquid and vapour" in text and "453.0" in text and "IAPWS" in text


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("--T 300", "Give one pair"),
        ("", "--T 300 --p 1e5"),
        ("--T 300 --rho 500 --homogeneous", "inside the spinodal"),
        ("--T 3000 --p 1e5", "ask for extrapolation"),
        ("--T 300 310 --p 1e5 2e5 3e5", "one length"),
        ("--saturation 700", "do not coexist"),
        ("--T 300 --p -1", "must be positive"),
    ],
)
def test_sentences(capsys, words, sentence):
    assert cli.main(["water", *words.split()]) != 0
    error = capsys.readouterr().err
    assert sentence in error and error.count("\n") == 1
