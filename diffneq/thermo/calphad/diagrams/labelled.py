"""A binary diagram as a labelled dataset: what pictures are drawn from and files are written from."""

from typing import Any

import numpy as np
import xarray as xr


def labelled(diagram: Any) -> xr.Dataset:
    """Curves one after the other (dimension `point`, with the number of their region), and lists of everything else."""
    regions, reactions, points, places = diagram.regions, diagram.invariants, diagram.points, diagram.fields
    join = lambda parts, empty: np.concatenate(parts) if parts else np.zeros(empty)
    data = xr.Dataset(
        {
            "region": ("point", join([np.full(len(r.T), k) for k, r in enumerate(regions)], 0).astype(int)),
            "T": ("point", join([r.T for r in regions], 0)),
            "x": (("point", "side"), join([r.x for r in regions], (0, 2))),
            "mu": (("point", "element"), join([r.mu for r in regions], (0, 2))),
            "region_phase": (("two_phase_region", "side"), _words([r.phases for r in regions], 2)),
            "invariant_T": ("invariant", np.array([r.T for r in reactions], float)),
            "invariant_kind": ("invariant", _words([r.kind for r in reactions])),
            "invariant_phase": (("invariant", "place"), _words([r.phases for r in reactions], 3)),
            "invariant_x": (("invariant", "place"), np.array([r.x for r in reactions], float).reshape(-1, 3)),
            "point_T": ("special_point", np.array([p.T for p in points], float)),
            "point_x": ("special_point", np.array([p.x[0] for p in points], float)),
            "point_kind": ("special_point", _words([p.kind for p in points])),
            "field_phase": ("field", _words([" + ".join(f.phases) for f in places])),
            "field_x": ("field", np.array([f.x for f in places], float)),
            "field_T": ("field", np.array([f.T for f in places], float)),
            "field_room_x": ("field", np.array([f.room_x for f in places], float)),
            "field_span": (("field", "end"), np.array([(f.low, f.high) for f in places], float).reshape(-1, 2)),
        },
        coords={"element": list(diagram.elements), "side": ["poor", "rich"]},
        attrs={
            **diagram.provenance, "masses": list(diagram.masses),
            "T_low": diagram.span[0], "T_high": diagram.span[1], "P": diagram.P,
            "x": f"mole fraction of {diagram.elements[1]}",
        },
    )  # fmt: skip
    units = {"T": "K", "mu": "J/mol", "invariant_T": "K", "point_T": "K", "field_T": "K", "field_span": "K"}
    for name, unit in units.items():
        data[name].attrs["units"] = unit
    return data


def _words(entries, width: int = 0) -> np.ndarray:
    array = np.array([list(e) if width else str(e) for e in entries], dtype=np.str_)
    return array.reshape(-1, width) if width else array
