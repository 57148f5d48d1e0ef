"""The command `diffneq equilibrium`: records that a program can read, and one sentence for each kind of bad input."""

import json

import numpy as np
import pytest

from diffneq import cli

LINEAR = """\
ELEMENT A FCC_A1 10.0 0 0 !
ELEMENT B FCC_A1 20.0 0 0 !
TYPE_DEFINITION % SEQ * !
PHASE FCC_A1 % 1 1.0 !
CONSTITUENT FCC_A1 :A,B: !
PARAMETER G(FCC_A1,A;0) 298.15 0; 2000 N !
PARAMETER G(FCC_A1,B;0) 298.15 {energy}; 2000 N !
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ab.tdb").write_text(LINEAR.format(energy="100"))
    (tmp_path / "function.tdb").write_text(LINEAR.format(energy="+GHSERXX#"))
    (tmp_path / "cut.tdb").write_text(LINEAR.format(energy="100")[:190])
    (tmp_path / "noise.tdb").write_bytes(bytes(range(256)) * 8)
    (tmp_path / "list.csv").write_text("T,P,X(ZN)\n600,101325,0.3\n\n700, 1e5, 0.9\n")
    (tmp_path / "word.csv").write_text("T,X(ZN)\n600,0.3\n700,much\n")
    (tmp_path / "column.csv").write_text("T,ZN\n600,0.3\n")
    (tmp_path / "empty.csv").write_text("")
    return tmp_path


def record(capsys, words):
    assert cli.main([*words.split(), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_records_in_the_order_of_the_conditions(folder, capsys):
    results = record(capsys, "equilibrium Al-Zn --conditions list.csv")["results"]
    assert [(r["T"], r["P"], r["status"]) for r in results] == [(600.0, 101325.0, 0), (700.0, 1e5, 0)]
    cold, hot = results
    assert [p["name"] for p in cold["phases"]] == ["FCC_A1", "FCC_A1"]
    assert [p["name"] for p in hot["phases"]] == ["LIQUID"]
    assert sum(p["amount"] for p in cold["phases"]) == pytest.approx(1.0, abs=1e-9)
    zinc = sum(p["amount"] * p["x"]["ZN"] for p in cold["phases"])
    assert zinc == pytest.approx(0.3, abs=1e-9)
    assert cold["GM"] == pytest.approx(0.7 * cold["MU"]["AL"] + 0.3 * cold["MU"]["ZN"], abs=1e-6)
    assert abs(cold["certificate"]) < 1e-6


@pytest.mark.slow
def test_options_give_the_same_as_a_table(folder, capsys):
    listed = record(capsys, "equilibrium Al-Zn --conditions list.csv")["results"][0]
    asked = record(capsys, "equilibrium Al-Zn --components al zn va --temperature 600 --x zn=0.3")["results"]
    assert [r["GM"] for r in asked] == [listed["GM"]]
    pressed = record(capsys, "equilibrium Al-Zn --temperature 600 --x zn=0.3 --pressure 2e5 --phases LIQUID")
    assert pressed["results"][0]["P"] == 2e5
    assert pressed["candidates"] == ["LIQUID"]


@pytest.mark.slow
def test_an_ideal_solution_in_closed_form(folder, capsys):
    for r in record(capsys, "equilibrium ab.tdb --temperature 500 1000 --x B=0.25")["results"]:
        RT = 8.314462618 * r["T"]
        assert r["MU"]["A"] == pytest.approx(RT * np.log(0.75), abs=1e-6)
        assert r["MU"]["B"] == pytest.approx(100.0 + RT * np.log(0.25), abs=1e-6)


def test_a_table_with_units_for_a_reader(capsys):
    assert cli.main("equilibrium Al-Zn --temperature 600 --x ZN=0.3".split()) == 0
    out = capsys.readouterr().out
    for word in ("FCC_A1", "J/mol", "T = 600 K", "P = 101325 Pa", "amount, mol", "certified"):
        assert word in out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("missing.tdb --temperature 600", "no database file missing.tdb"),
        ("function.tdb --temperature 600 --x B=0.5", "GHSERXX"),
        ("cut.tdb --temperature 600 --x B=0.5", "cut.tdb"),
        ("noise.tdb --temperature 600", "noise.tdb"),
        ("Al-Zn --components AL XX --temperature 600", "no element XX"),
        ("Al-Zn --phases FCC_A1 BETA --temperature 600 --x ZN=0.1", "no phase BETA"),
        ("Al-Zn --temperature 600 --x ZN=1.3", "fraction of ZN"),
        ("Al-Zn --temperature 600 --x ZN=0.5 AL=0.6", "sum to 1.1"),
        ("Al-Zn --temperature 600 --x FE=0.5", "FE"),
        ("Al-Zn --temperature 600 --x ZN=much", "write for example ZN=0.3"),
        ("Al-Zn --temperature 600 --x ZN=0.1 zn=0.2", "given twice"),
        ("Al-Zn --temperature 600", "phase rule"),
        ("Al-Zn --temperature 6000 --x ZN=0.5", "outside"),
        ("Al-Zn --temperature -5 --x ZN=0.5", "positive"),
        ("Al-Zn --temperature 600 --pressure 0 --x ZN=0.5", "P must be"),
        ("Al-Zn --x ZN=0.5", "--temperature"),
        ("Al-Zn --conditions nowhere.csv", "no file of conditions"),
        ("Al-Zn --conditions list.csv --x ZN=0.5", "take the place"),
        ("Al-Zn --conditions word.csv", "Row 2"),
        ("Al-Zn --conditions column.csv", "column 'ZN'"),
        ("Al-Zn --conditions empty.csv", "column names"),
    ],
)
def test_one_sentence_for_bad_input(folder, capsys, words, sentence):
    assert cli.main(["equilibrium", *words.split()]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert sentence in err
    assert err.count("\n") == 1


def test_a_file_of_many_elements_asks_which(folder, capsys):
    elements = "".join(f"ELEMENT {e} FCC_A1 10.0 0 0 !\n" for e in ("AG", "AL", "AU", "CU", "FE", "MG", "NI", "ZN"))
    phase = "PHASE FCC_A1 % 1 1.0 !\nCONSTITUENT FCC_A1 :AG,AL,AU,CU,FE,MG,NI,ZN: !\n"
    (folder / "many.tdb").write_text(elements + "TYPE_DEFINITION % SEQ * !\n" + phase)
    assert cli.main("equilibrium many.tdb --temperature 600".split()) == 2
    assert "choose with --components" in capsys.readouterr().err
