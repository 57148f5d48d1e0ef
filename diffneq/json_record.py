"""Records for programs: anything this package returns, as plain data that JSON can hold."""

import math
from typing import Any


def as_json(value: Any) -> Any:
    """`value` as dictionaries, lists, strings, numbers and null; a number that is not finite becomes null.

    >>> as_json({"sigma": float("nan"), "fields": (0.1, 0.2)})
    {'sigma': None, 'fields': [0.1, 0.2]}
    """
    if isinstance(value, dict):
        return {str(name): as_json(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_json(each) for each in value]
    if hasattr(value, "tolist"):  # arrays and numbers of NumPy and JAX
        return as_json(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, (str, int, bool, type(None))) else str(value)
