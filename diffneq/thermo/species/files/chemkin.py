"""CHEMKIN's therm.dat: NASA-7 polynomials on cards of 80 columns.

R. J. Kee, F. M. Rupley, J. A. Miller, The Chemkin Thermodynamic Data Base, Sandia report SAND87-8215B (1990).
"""

from pathlib import Path

from diffneq.thermo.species.files.text import number, read_lines
from diffneq.thermo.species.polynomials import nasa
from diffneq.thermo.species.species import ATMOSPHERE, Phase, Species


def read_chemkin(path: str | Path, standard_pressure: float = ATMOSPHERE) -> dict[str, Species]:
    """Name -> species of a file, or of its THERMO block.

    Arguments:
        standard_pressure: Pa; the format does not say it, CHEMKIN's convention is 1 atm.

    Raises:
        ValueError: no such file, no species in it, or a card that cannot be read, with its number.
    """
    lines = read_lines(path)
    found: dict[str, Species] = {}
    middle = 1000.0
    for k, line in enumerate(lines):
        body = line.rstrip("\n")
        words = body.split()
        if k and words and len(words) == 3 and lines[k - 1].upper().startswith("THERMO"):
            middle = number(words[1], path, k)
        if len(body) < 80 or body[79] != "1" or body.startswith("!"):
            continue
        cards = [body, *(x.rstrip("\n").ljust(80) for x in lines[k + 1 : k + 4])]
        if [card[79] for card in cards] != ["1", "2", "3", "4"]:
            raise ValueError(f"Card {k + 1} of {path} is not followed by the cards 2, 3 and 4 of its species.")
        species = _species(cards, path, k, middle, standard_pressure)
        found.setdefault(species.name, species)
    if not found:
        raise ValueError(f"{path} holds no NASA-7 species on cards of 80 columns.")
    return found


def _species(cards: list[str], path, k: int, middle: float, standard_pressure: float) -> Species:
    head = cards[0]
    name = head[:18].split()[0]
    fields = [head[c : c + 5] for c in (24, 29, 34, 39, 73)]
    atoms = {}
    for field in fields:
        symbol, count = field[:2].strip(), field[2:].strip()
        if symbol and symbol != "0" and not symbol[0].isdigit() and count and float(count.rstrip(".") or 0):
            atoms[symbol.capitalize()] = number(count, path, k)
    low, high = number(head[45:55], path, k), number(head[55:65], path, k)
    between = head[65:73].strip()
    between = number(between, path, k) if between else middle
    text = "".join(card[:75] for card in cards[1:])
    a = [number(text[c : c + 15], path, k) for c in range(0, 15 * 14, 15)]
    kind: Phase = "gas" if head[44].upper() in "G " else "condensed"
    return nasa(name, atoms, [low, between, high], [a[7:], a[:7]], phase=kind,
                standard_pressure=standard_pressure, source=str(Path(path).name))  # fmt: skip
