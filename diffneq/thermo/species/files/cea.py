"""NASA's thermo.inp: NASA-9 polynomials.

B. J. McBride, S. Gordon, NASA RP-1311 (1996), appendix D. The standard pressure is 1 bar.
"""

from pathlib import Path

from diffneq.thermo.species.files.text import number, read_lines
from diffneq.thermo.species.polynomials import nasa
from diffneq.thermo.species.species import BAR, Species


def read_cea(path: str | Path) -> dict[str, Species]:
    """Name -> species of a file; entries without polynomials (one temperature only) are passed over.

    Raises:
        ValueError: no such file, no species in it, or a line that cannot be read, with its number.
    """
    lines = read_lines(path)
    found: dict[str, Species] = {}
    k = 0
    while k + 1 < len(lines):
        head, second = lines[k], lines[k + 1].ljust(80)
        pieces = second[:2].strip()
        if head[:1] in ("!", "#", " ", "") or not pieces.isdigit() or not second[52:65].strip():
            k += 1
            continue
        count = int(pieces)
        if count:
            species = _species(lines, path, k, count)
            found.setdefault(species.name, species)
        k += 2 + (3 * count if count else 1)
    if not found:
        raise ValueError(f"{path} holds no NASA-9 species.")
    return found


def _species(lines: list[str], path, k: int, count: int) -> Species:
    name = lines[k][:24].split()[0]
    second = lines[k + 1].ljust(80)
    atoms = {}
    for c in range(10, 50, 8):
        symbol, amount = second[c : c + 2].strip(), second[c + 2 : c + 8].strip()
        if symbol and amount and number(amount, path, k + 1):
            atoms[symbol.capitalize()] = number(amount, path, k + 1)
    gas = number(second[50:52], path, k + 1) == 0
    edges: list[float] = []
    rows = []
    for p in range(count):
        first, *cards = (line.ljust(80) for line in lines[k + 2 + 3 * p : k + 5 + 3 * p])
        edges = edges or [number(first[0:11], path, k + 2 + 3 * p)]
        edges.append(number(first[11:22], path, k + 2 + 3 * p))
        text = "".join(card[:80] for card in cards)
        a = [number(text[c : c + 16], path, k + 3 + 3 * p) for c in range(0, 160, 16)]
        rows.append([*a[:7], *a[8:10]])  # the eighth place is for another power, unused
    return nasa(name, atoms, edges, rows, phase="gas" if gas else "condensed", standard_pressure=BAR,
                source=str(Path(path).name))  # fmt: skip
