"""`diffneq electrolyte` at reduced size: a salt of sixty ions by four routes, kept, resumed, refused, melted."""

import json
from dataclasses import replace

import jax
import numpy as np
import pytest

from diffneq.cli import main
from diffneq.materials import rock_salt
from diffneq.materials.force_field import electrolyte
from diffneq.materials.units import kelvin
from diffneq.models.potentials import PairPotential
from diffneq.options import ElectrolyteOptions
from diffneq.particles.ionic_laws import BornMayerHuggins, Truncated
from diffneq.response.conductivity import arrhenius
from diffneq.statistics import Estimate
from diffneq.studies.electrolyte import study
from diffneq.studies.electrolyte.material import Material, material
from diffneq.studies.electrolyte.runs import amperes, from_amperes


def neutral_salt(solid: bool = False) -> Material:
    """Sodium and chlorine that repel one another and feel a field: a short-ranged stand-in for the melt."""
    structure = rock_salt("NaCl", 2, edge=6.6)
    law = Truncated(BornMayerHuggins(0.21, 2.75, 0.317, 0.0, 0.0), 5.0)
    carriers = ("Na",) if solid else ("Na", "Cl")
    model = electrolyte(structure, PairPotential(law, tabulated=False), carriers)
    return Material(model, structure, 3.3, 1200.0, solid, 0.8, "soft ions")


def options(folder, **changes) -> ElectrolyteOptions:
    given = dict(material="NaCl", temperatures=(1100.0,), time=8.0, equilibration=0.4, replicas=2, out=folder)
    return ElectrolyteOptions(**(given | dict(progress=False, devices=1) | changes))


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("salt")
    return folder, study(neutral_salt(), options(folder))


def test_four_routes_agree(finished):
    """All routes within their errors of each other; the current is held; everything is written."""
    folder, report = finished
    found = report.temperatures[0]
    assert len(found.currents) == 2 and found.currents[0].density < found.currents[1].density
    assert found.einstein_helfand and found.green_kubo and found.constant_field
    routes = [found.einstein_helfand, found.green_kubo, found.constant_field, found.currents[1].sigma]
    for one in routes:
        for other in routes:
            assert abs(one.z_score(other)) < 4, (one, other)
    assert abs(found.kinetic_temperature / 1100 - 1) < 0.1
    assert found.sigma and found.nernst_einstein
    assert found.sigma.unit == "S/m" and found.nernst_einstein.value > 0
    record = json.loads((folder / "report.json").read_text())
    assert record["temperatures"][0]["constant_current"]["value"] == pytest.approx(found.sigma.value)
    assert record["frame"].startswith("current of the formal charges")
    assert {p.name for p in report.pictures} >= {"structure.png", "displacement.png", "records.png"}
    first = (folder / "equilibrium.extxyz").read_text().splitlines()
    assert first[0] == "64" and "Lattice=" in first[1]
    assert "Haven ratio" in report.table()


def test_the_held_current_is_in_the_records(finished):
    folder, report = finished
    with np.load(folder / "constant-current.npz") as kept:
        current = kept["r_current"]
        assert np.all(np.abs(current / current.mean(1, keepdims=True) - 1) < 1e-4)
        assert np.all(kept["r_multiplier"].std(1) > 0)
    densities = np.unique(np.round(current.mean(1) / float(report.material.volume), 12))
    assert np.max(densities) == pytest.approx(from_amperes(report.temperatures[0].currents[-1].density), rel=1e-3)


def test_resumed_without_computing(finished):
    """The same numbers from what is kept; a folder that is not resumed, or another configuration, is refused."""
    folder, report = finished
    again = study(neutral_salt(), options(folder, resume=True))
    assert str(again.temperatures[0].sigma) == str(report.temperatures[0].sigma)
    assert again.provenance["seconds_of_stages"] == report.provenance["seconds_of_stages"]
    with pytest.raises(ValueError, match="give --resume"):
        study(neutral_salt(), options(folder))
    with pytest.raises(ValueError, match="another configuration"):
        study(neutral_salt(), options(folder, resume=True, seed=5))


@pytest.mark.slow
def test_a_framework_that_flows(tmp_path):
    """A melt that is called a solid: each lane is given up with a sentence, and the report says what it can."""
    report = study(neutral_salt(solid=True), options(tmp_path))
    assert any("the framework flows" in text and "use a weaker current" in text for text in report.notes)
    assert report.temperatures[0].sigma is None
    assert (tmp_path / "report.json").exists() and (tmp_path / "equilibrium.npz").exists()


def test_arrhenius_fits():
    """The activation energy of an exact law, the coverage of the curvature, and a warning where the line is none."""
    rng, kT, z = np.random.default_rng(0), np.linspace(0.05, 0.13, 6), []
    exact = np.exp(-0.4 / kT) / kT
    for _ in range(200):
        noisy = [Estimate(s * (1 + 0.05 * rng.normal()), 0.05 * s) for s in exact]
        found = arrhenius(kT, noisy, "eV")
        assert found.curvature
        z.append(found.curvature.z_score(0.0))
    assert abs(np.mean(z)) < 4 / np.sqrt(200) + 0.15 and abs(np.std(z) - 1) < 4 / np.sqrt(400)
    np.testing.assert_allclose(found(kT), exact, rtol=0.2)
    bent = [Estimate(s, 0.05 * s) for s in exact * np.exp(0.02 * (1 / kT - 12) ** 2)]
    curved = arrhenius(kT, bent)
    assert "not a straight line" in curved.activation_energy.warnings[0]
    assert curved.curvature and abs(curved.curvature.z_score(0.02)) < 1e-6
    with pytest.raises(ValueError, match="three temperatures"):
        arrhenius(kT[:2], bent[:2])
    with pytest.raises(ValueError, match="no logarithm"):
        arrhenius(kT, [Estimate(-1.0, 1.0), *bent[1:]])


def test_units():
    """1 A/cm^2 and back; 5e4 A/cm^2 in lithium of 2.56e22 ions/cm^3 is a drift of 12 cm/s."""
    assert from_amperes(amperes(3.0)) == pytest.approx(3.0)
    drift = from_amperes(5e4) / 2.56e-2  # angstrom/t0
    assert drift * 1e-8 / 10.180505e-15 == pytest.approx(12.2, rel=0.01)


def test_refusals(tmp_path, capsys):
    assert main(["electrolyte", "unobtainium", "--out", str(tmp_path)]) == 2
    assert "material is llzo, one of LiF" in capsys.readouterr().err
    assert main(["electrolyte", "absent.cif", "--out", str(tmp_path)]) == 2
    assert "no file absent.cif" in capsys.readouterr().err
    with pytest.raises(ValueError, match="too short to plan"):
        ElectrolyteOptions(time=1.0)
    with pytest.raises(ValueError, match="A/cm"):
        ElectrolyteOptions(currents=(1e5, -1.0))
    with pytest.raises(ValueError, match="alkali halides by name"):
        material(ElectrolyteOptions("llzo", potential="tosi-fumi"))
    garnet = material(ElectrolyteOptions("llzo"))
    assert garnet.solid and garnet.carriers == 56 and 0.7 < garnet.flow_limit < 1.0
    assert garnet.model.carriers == ("Li",) and replace(garnet, solid=False).solid is False
    assert kelvin(300.0) < 0.03 and jax.config.jax_numpy_rank_promotion == "raise"
