"""pycalphad's test databases, and systems built of them with pycalphad's gas constant."""

import functools
from pathlib import Path

import pycalphad

from diffneq.thermo.calphad import build

WHEEL = Path(pycalphad.__file__).parent / "tests" / "databases"
R = 8.3145  # pycalphad's, J/(mol K)


@functools.cache
def wheel(name, elements, phases=None, without=()):
    """A system of one of the databases; `elements` and `phases` in one string each."""
    return build(WHEEL / name, elements.split(), phases and phases.split(), gas_constant=R, without=without)
