"""The bench's inputs: all engines start from the same, sane, states and share one pair law."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial import cKDTree


@pytest.fixture(scope="module")
def bench():
    """The modules `inputs`, `report` and `lammps_run` of scripts/bench."""
    folder = str(Path(__file__).parents[1] / "scripts")
    sys.path.insert(0, folder)
    try:
        yield (
            importlib.import_module("bench.inputs"),
            importlib.import_module("bench.report"),
            importlib.import_module("bench.lammps_run"),
        )
    finally:
        sys.path.remove(folder)


def test_the_table_file_is_the_pair_law(bench, tmp_path):
    inputs = bench[0]
    inputs.write_pair_table(tmp_path / "pair.table", 40.0, 2.0)
    lines = (tmp_path / "pair.table").read_text().splitlines()
    assert "HERTZ" in lines
    _, r, energy, force = np.array([[float(w) for w in line.split()] for line in lines if line[:1].isdigit()]).T
    assert np.allclose(energy, 40.0 * (2.0 - r) ** 2.5, rtol=1e-9, atol=1e-9)
    assert energy[-1] == force[-1] == 0.0
    # the force is -du/dr, checked against a central difference of the energies in the file
    slope = -(energy[2:] - energy[:-2]) / (r[2:] - r[:-2])
    assert np.allclose(slope, force[1:-1], rtol=1e-3, atol=1e-3)


def test_conductor_starts_without_overlaps_of_mobile_particles(bench):
    inputs = bench[0]
    case = inputs.ConductorCase(electrons=150, phonons=150, impurities=50, lengths=(187.5, 50.0))
    positions = inputs.conductor_positions(case, seed=3)
    assert positions.shape == (case.particles, 2)
    assert len(case.species) == case.particles
    assert np.all((positions >= 0) & (positions < case.lengths))
    touching = cKDTree(positions, boxsize=case.lengths).query_pairs(case.diameter, output_type="ndarray")
    assert np.all(case.species[touching] == inputs.IMPURITY)
    assert np.array_equal(positions, inputs.conductor_positions(case, seed=3))
    assert not np.array_equal(positions, inputs.conductor_positions(case, seed=4))


def test_lattices_have_their_densities_and_no_overlap(bench):
    inputs = bench[0]
    positions, side = inputs.fcc(inputs.lj_cells(4000))
    assert len(positions) / side**3 == pytest.approx(0.8442)
    nearest = cKDTree(positions, boxsize=side).query(positions, k=2)[0][:, 1]
    assert nearest.min() == pytest.approx(side / 10 / np.sqrt(2))
    disks, edge = inputs.wca_lattice()
    assert len(disks) == inputs.WCA_PARTICLES
    assert len(disks) / edge**2 == pytest.approx(inputs.WCA_DENSITY)
    assert cKDTree(disks, boxsize=edge).query(disks, k=2)[0][:, 1].min() > 2 ** (1 / 6)
    with pytest.raises(ValueError, match="4 n\\^3"):
        inputs.lj_cells(5000)


def test_data_file_counts_types_from_one(bench, tmp_path):
    inputs = bench[0]
    inputs.write_data(tmp_path / "d", (4.0, 5.0), np.array([[0.5, 1.5], [2.0, 3.0]]), np.array([0, 2]))
    text = (tmp_path / "d").read_text()
    for line in ("2 atoms", "3 atom types", "0 5 ylo yhi"):
        assert line in text
    assert text.splitlines()[-1] == "2 3 2 3 0.0"


def test_log_reader_adds_runs_and_refuses_dangerous_lists(bench):
    run = bench[2]
    text = (
        "   Step Temp\n 0 1.5\nWARNING: something\n 10 0.5\n"
        "Loop time of 2.0 on 1 procs for 10 steps with 5 atoms\n"
        "50.0% CPU use with 1 MPI tasks x 1 OpenMP threads\n"
        "Neighbor list builds = 3\nDangerous builds = 0\n"
    )
    log = run.read_log(2 * text)
    assert (log.total_seconds, log.total_steps, log.builds) == (4.0, 20, 6)
    assert log.cpu_share == "50 % CPU"
    assert run.thermo_rows(text) == [[0.0, 1.5], [10.0, 0.5]]
    with pytest.raises(RuntimeError, match="dangerous"):
        run.read_log(text.replace("builds = 0", "builds = 2"))


def test_ratios_go_round_by_round_and_skip_what_is_missing(bench):
    report = bench[1]
    results = {
        "a": [report.rate("x", "a", 10, 2, "f32", 100, seconds) for seconds in (1.0, 2.0, 4.0)],
        "b": [report.rate("x", "b", 10, 2, "f64", 100, seconds) for seconds in (2.0, 2.0, 12.0)],
    }
    assert results["a"][0].particle_steps_per_second == 2000.0
    rows = report.ratios(results, [report.Target("a", "b", 1.5), report.Target("a", "absent", 1.0)])
    assert rows == [{"ours": "a", "peer": "b", "best": 2.0, "median": 2.0, "target": 1.5}]
    assert "reached" in report.ratio_table(rows)


def test_conductivity_error_bar_covers_a_correlated_current(bench):
    report = bench[1]
    rng = np.random.default_rng(0)
    pulls = []
    for _ in range(300):
        noise = rng.normal(size=401)
        current = 50.0 + noise[1:] + 0.6 * noise[:-1]
        found = report.conductivity(0.05, current, np.ones(400), area=1000.0)
        pulls.append((found.value - 1.0) / found.error)
    assert 0.85 < np.std(pulls) < 1.15
    assert report.conductivity(0.0, current, np.ones(400), 1000.0).value == pytest.approx(0.05, rel=0.01)
