"""The ionic two-sublattice liquid, (C_i^v+)_P (A_j^v-, Va, B_k)_Q: the numbers of sites depend on the constitution.

    P = sum_j |v_j| y_j + Q y_Va,   Q = sum_i v_i y_i
    G = sum y_C y_A G_C:A + Q (y_Va sum y_C G_C + sum y_B G_B) + R T [P sum y_C ln y_C + Q sum y_A ln y_A] + G_ex

The charge is balanced by P and Q. Parameters without an anion are weighted by Q, and their cations come with y_Va.
Source: M. Hillert, B. Jansson, B. Sundman, J. Ågren, Metallurgical Transactions A 16 (1985) 261; B. Sundman,
Calphad 15 (1991) 109.
"""

from diffneq.thermo.calphad.constitution import Constitution, UnsupportedModel
from diffneq.thermo.calphad.features import Affine, Feature, Ledger, Parameter, Site, feature, products

Terms = list[tuple[float, Feature]]


def check(phase: Constitution) -> None:
    """Refuses what is no ionic two-sublattice liquid of cations and of anions, vacancies and neutral species."""
    cations, others = phase.sublattices if len(phase.sublattices) == 2 else ((), ())
    wrong = [name for name in cations if phase.species[name].charge <= 0]
    wrong += [name for name in others if phase.species[name].charge > 0]
    if not cations or wrong:
        raise UnsupportedModel(f"{phase.phase} is no ionic liquid of cations, and anions, vacancies, neutral species.")


def cation_sites(phase: Constitution) -> Terms:
    """P = sum_j |v_j| y_j + Q y_Va."""
    anions = Affine()
    for name in phase.sublattices[1]:
        anions = anions.plus(phase.site(1, name), abs(phase.species[name].charge))
    terms = [(1.0, feature([anions]))] if anions != Affine() else []
    if "VA" in phase.sublattices[1]:
        terms.append((1.0, feature([_charge(phase), phase.site(1, "VA")])))
    return terms


def anion_sites(phase: Constitution) -> Terms:
    """Q = sum_i v_i y_i."""
    return [(1.0, feature([_charge(phase)]))]


def _charge(phase: Constitution) -> Affine:
    charge = Affine()
    for name in phase.sublattices[0]:
        charge = charge.plus(phase.site(0, name), float(phase.species[name].charge))
    return charge


def count_ionic(ledger: Ledger, phase: Constitution) -> Terms:
    """Adds the entropy and the moles of elements to the ledger; returns the atoms of a formula unit."""
    atoms: Terms = []
    for s, name in [(n, name) for n in (0, 1) for name in phase.sublattices[n]]:
        species = phase.species[name]
        for weight, sites in cation_sites(phase) if s == 0 else anion_sites(phase):
            if phase.sublattices[s] != ("VA",):
                ledger.feature_entropy[phase.site(s, name), sites] += weight
            product = feature([*sites, phase.site(s, name)])
            atoms.append((weight * species.number_of_atoms, product))
            for element, amount in species.constituents.items():
                if element != "VA":
                    ledger.feature_moles[element, product] += weight * amount
    return [(weight, product) for weight, product in atoms if weight]


def ionic_products(phase: Constitution):
    """The rule that turns a parameter of the ionic liquid into features, as `features.products` does elsewhere."""

    def expand(parameter: Parameter, site: Site, alone: bool) -> Terms:
        names = [sorted(n, key=lambda name: _rank(phase, name)) for n in parameter.constituents]
        if len(names) == 1:
            names = [["*"], *names]
        ordered = parameter._replace(constituents=tuple(tuple(n) for n in names))
        terms = products(ordered, site, alone)
        second = phase.sublattices[1] if names[1] == ["*"] else names[1]
        if any(phase.species[name].charge < 0 for name in second):
            return terms
        endmember = names[1] == ["VA"] and len(names[0]) == 1
        if "VA" in phase.sublattices[1] and not endmember:
            terms = [paired for term in terms for paired in _with_vacancies(phase, *term)]
        return [(weight, feature([*product, _charge(phase)])) for weight, product in terms]

    return expand


def _rank(phase: Constitution, name: str) -> int:
    """Anions first, then vacancies, then neutral species; otherwise the order of the file."""
    if name == "*" or phase.species[name].charge:
        return 0
    return 1 if name == "VA" else 2


def _with_vacancies(phase: Constitution, weight: float, product: Feature) -> Terms:
    """Every cation fraction of a product becomes y_C y_Va; the constant of an affine row stays without."""
    cations = {phase.site(0, name).linear[0][0] for name in phase.sublattices[0]}
    vacancy = phase.site(1, "VA")
    terms: Terms = [(weight, ())]
    for row in product:
        own = Affine(linear=tuple((j, w) for j, w in row.linear if j in cations))
        rest = row.plus(own, -1.0)
        parts = [[own, vacancy]] if own != Affine() else []
        if rest != Affine():
            parts.append([rest])
        terms = [(w, feature([*p, *part])) for w, p in terms for part in parts]
    return terms
