"""Order and disorder in one phase: the disordered energy at the mean composition plus what order adds.

    x_j = sum_{s substitutional} a_s y_sj / sum a_s
    G   = c G_d(x, y_int) + G_o(y) - G_o(y := x),     c = sum_{s substitutional} a_s / a_d
    T_C = T_C,d(x) + T_C,o(y) - T_C,o(x)              and likewise every physical property, before its energy

The configurational entropies of G_d(x) and of G_o(x) cancel, so that the entropy is that of the sites of the ordered
phase. A phase that never disorders keeps G_o(y) whole. Sources: I. Ansara, N. Dupin, H. L. Lukas, B. Sundman, Journal
of Alloys and Compounds 247 (1997) 20; H. L. Lukas, S. G. Fries, B. Sundman, Computational Thermodynamics (Cambridge
2007), sections 5.8.4 to 5.8.6.
"""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import pycalphad

from diffneq.thermo.calphad.constitution import Constitution, UnsupportedModel, constitution
from diffneq.thermo.calphad.expressions import Units
from diffneq.thermo.calphad.features import Affine, Ledger
from diffneq.thermo.calphad.phases import MAGNETIC, VIBRATIONAL, channel, enter, magnetic_kind, parameters
from diffneq.thermo.calphad.physical import NO_MAGNETISM


@dataclasses.dataclass(frozen=True)
class Partition:
    """An ordered phase, its disordered partner, and how their sublattices belong together."""

    ordered: Constitution
    disordered: Constitution
    substitutional: tuple[int, ...]
    interstitial: tuple[int, ...]  # of the ordered phase, in the order of the disordered phase's sublattices 1, 2, ...

    @property
    def scale(self) -> float:
        """c: disordered formula units in an ordered one."""
        return sum(self.ordered.site_ratios[s] for s in self.substitutional) / self.disordered.site_ratios[0]

    def mean(self, name: str) -> Affine:
        """x_j as a row of z."""
        total = sum(self.ordered.site_ratios[s] for s in self.substitutional)
        row = Affine()
        for s in self.substitutional:
            row = row.plus(self.ordered.site(s, name), self.ordered.site_ratios[s] / total)
        return row

    def disordered_site(self, sublattice: int, name: str) -> Affine:
        """A site fraction of the disordered phase."""
        return self.mean(name) if sublattice == 0 else self.ordered.site(self.interstitial[sublattice - 1], name)

    def ordered_site_without_order(self, sublattice: int, name: str) -> Affine:
        """A site fraction of the ordered phase where all substitutional sublattices are filled alike."""
        return self.mean(name) if sublattice in self.substitutional else self.ordered.site(sublattice, name)


def partition(database: pycalphad.Database, ordered: Constitution, species: Mapping[str, Any]) -> Partition:
    """Matches the sublattices of an ordered phase with those of its disordered partner.

    Raises:
        UnsupportedModel: they do not match, or have other ratios of interstitial to substitutional sites.
    """
    disordered = constitution(database, ordered.hints["disordered_phase"], species)
    filled = enumerate(ordered.sublattices)
    substitutional = tuple(s for s, names in filled if names == disordered.sublattices[0])
    interstitial = tuple(s for s in range(len(ordered.sublattices)) if s not in substitutional)
    result = Partition(ordered, disordered, substitutional, interstitial)
    both = f"{ordered.phase} and its disordered partner {disordered.phase}"
    if not substitutional or len(interstitial) != len(disordered.sublattices) - 1:
        raise UnsupportedModel(f"{both} have sublattices that do not match; leave the phase out or correct the file.")
    for s, d in zip(interstitial, range(1, len(disordered.sublattices)), strict=True):
        same = ordered.sublattices[s] == disordered.sublattices[d]
        if not same or not math.isclose(ordered.site_ratios[s], result.scale * disordered.site_ratios[d]):
            raise UnsupportedModel(
                f"{both} differ in an interstitial sublattice; leave the phase out or correct the file."
            )
    return result


def enter_partitioned(ledger: Ledger, units: Units, database: pycalphad.Database, pair: Partition) -> None:
    """Adds the parameters of both phases to the ledger.

    Raises:
        UnsupportedModel: physical parameters whose formula units differ, or magnetic models that differ.
    """
    own = _physical(database, pair.ordered)
    partner = _physical(database, pair.disordered)
    both = f"{pair.ordered.phase} and its disordered partner {pair.disordered.phase}"
    if own | partner and not math.isclose(pair.scale, 1.0):
        raise UnsupportedModel(f"{both} have physical properties but other numbers of sites; leave the phase out.")
    if own and magnetic_kind(pair.ordered.hints) not in (NO_MAGNETISM, magnetic_kind(pair.disordered.hints)):
        raise UnsupportedModel(f"{both} follow two magnetic models; leave the phase out.")
    if own & set(VIBRATIONAL) - partner:
        raise UnsupportedModel(f"{both} do not share the kind of Einstein or two-state model; leave the phase out.")
    enter(ledger, units, database, pair.disordered, pair.disordered_site, pair.scale)
    enter(ledger, units, database, pair.ordered, pair.ordered.site)
    if not pair.ordered.hints.get("never_disorder", False):
        enter(ledger, units, database, pair.ordered, pair.ordered_site_without_order, -1.0)


def _physical(database: pycalphad.Database, phase: Constitution) -> set[str]:
    """The types of the parameters of a phase that enter a physical channel."""
    kinds = {*MAGNETIC, *VIBRATIONAL}
    return {p.kind for p in parameters(database, phase) if p.kind in kinds and channel(p, phase.hints)}
