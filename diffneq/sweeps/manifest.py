"""What makes two sweeps the same: the manifest that a store keeps, and the sentence when another comes."""

import hashlib
import json
import re
from collections.abc import Mapping
from importlib import metadata
from typing import Any

import jax
import numpy as np
from jax.tree_util import keystr, tree_flatten_with_path

from diffneq.errors import StoreMismatchError
from diffneq.sweeps.grid import Grid

_SMALL = 16  # arrays up to this size are kept value by value, larger ones as shape, dtype and two moments


def versions() -> dict[str, str]:
    """Versions of what computes the numbers."""
    import diffneq

    found = {"diffneq": str(diffneq.__version__)}
    return {**found, **{name: metadata.version(name) for name in ("jax", "jaxlib", "numpy")}}


def make_manifest(
    grid: Grid,
    root: Any,
    common_noise: bool,
    options: Mapping[str, Any],
    systems: Mapping[str, Any],
    store: int,
) -> dict[str, Any]:
    """The manifest as JSON data. `systems` names one or two built points, (model, dynamics, drive) each."""
    parameters = {}
    for label, built in systems.items():
        parameters.update(_parameters(label, built))
    manifest = {
        "store_version": store,
        "versions": versions(),
        "grid": grid.to_json(),
        "configuration": {
            "key": {"impl": str(jax.random.key_impl(root)), "data": jax.random.key_data(root).tolist()},
            "common_noise": bool(common_noise),
            "precision": "float64" if jax.config.jax_enable_x64 else "float32",  # pyright: ignore
            **{name: _plain(value) for name, value in sorted(options.items())},
        },
        "parameters": parameters,
    }
    return json.loads(json.dumps(manifest))  # as it will be read back


def configuration_hash(manifest: Mapping[str, Any]) -> str:
    """Sixteen hexadecimal digits that name the configuration (not the versions)."""
    names = ("grid", "configuration", "parameters")
    text = json.dumps({name: manifest[name] for name in names}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _plain(value: Any) -> Any:
    """A value as JSON data; what is neither number nor text by its representation, without addresses."""
    if isinstance(value, (bool, int, str, type(None))):
        return value
    if isinstance(value, (float, np.generic)):
        return value if isinstance(value, float) else value.item()
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, (np.ndarray, jax.Array)):
        return _leaf(value)
    return _no_address(repr(value))


def _no_address(text: str) -> str:
    return re.sub(r" at 0x[0-9a-f]+", "", text)


def _parameters(label: str, built: Any) -> dict[str, Any]:
    leaves, treedef = tree_flatten_with_path(built)
    out: dict[str, Any] = {}
    parts = ("model", "dynamics", "drive")
    for path, leaf in leaves:
        # keystr starts with the place in the tuple: "[0].temperature"
        where = f"{parts[path[0].idx]}{keystr(path[1:])}"
        out[f"{where} ({label})"] = _leaf(leaf)
    digest = hashlib.sha256(_no_address(str(treedef)).encode()).hexdigest()[:16]
    out[f"structure and static fields ({label})"] = digest
    return out


def _leaf(leaf: Any) -> Any:
    if isinstance(leaf, jax.Array) and jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        leaf = jax.random.key_data(leaf)
    if not isinstance(leaf, (float, int, complex, np.ndarray, np.generic, jax.Array)):
        return _plain(leaf)
    array = np.asarray(leaf)
    if array.dtype.kind not in "fiub":
        return _no_address(repr(leaf))
    if array.size <= _SMALL:
        return [repr(x) for x in array.ravel().tolist()]  # repr: JSON has no nan
    flat = array.ravel().astype(np.float64)
    weights = np.cos(np.arange(flat.size))
    moments = [float(np.mean(flat)), float(np.mean(flat * weights))]
    scale = float(np.sqrt(np.mean(flat**2)))
    return {"array": f"{array.dtype}{list(array.shape)}", "moments": moments, "scale": scale}


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, dict) and isinstance(b, dict) and "moments" in a and "moments" in b:
        # Initial states made on another device may differ in their last digits.
        close = np.allclose(a["moments"], b["moments"], rtol=1e-5, atol=1e-5 * b["scale"], equal_nan=True)
        return a["array"] == b["array"] and bool(close)
    return a == b


def _flat(manifest: Mapping[str, Any]) -> dict[str, Any]:
    axes = {f"grid axis {name}": axis for name, axis in manifest["grid"]["axes"].items()}
    order = {"order of the grid axes": list(manifest["grid"]["axes"]), "seeds": manifest["grid"]["seeds"]}
    return {**axes, **order, **manifest["configuration"], **manifest["parameters"]}


def _short(value: Any) -> str:
    text = value["array"] if isinstance(value, dict) and "array" in value else json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."


def check_same(path: str, stored: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """StoreMismatchError, in one sentence that names what differs, unless the store can be continued."""
    if stored.get("store_version") != now["store_version"]:
        by = stored.get("versions", {}).get("diffneq")
        raise StoreMismatchError(
            f"{path!r} is a store of version {stored.get('store_version')}, this diffneq writes version "
            f"{now['store_version']}: read or resume it with diffneq {by}, or give another folder as store="
        )
    for name in ("diffneq", "jax"):
        old, new = stored["versions"].get(name), now["versions"][name]
        if old != new:
            raise StoreMismatchError(
                f"{path!r} was written with {name} {old}, this is {name} {new}, and a sweep must be of one "
                f"piece: resume it with {name} {old}, or give another folder as store= "
                "(open_sweep still reads it)"
            )
    a, b = _flat(stored), _flat(now)
    names = [n for n in [*a, *(n for n in b if n not in a)] if n not in a or n not in b or not _same(a[n], b[n])]
    if names:
        absent = object()

        def value(flat: dict[str, Any], name: str) -> str:
            found = flat.get(name, absent)
            return "absent" if found is absent else _short(found)

        shown = [f"{n}: {value(a, n)} in the store, {value(b, n)} now" for n in names[:6]]
        more = f" and {len(names) - 6} more" if len(names) > 6 else ""
        raise StoreMismatchError(
            f"{path!r} holds another sweep ({'; '.join(shown)}{more}): call sweep as it was called for this "
            "store, or give another folder as store="
        )
