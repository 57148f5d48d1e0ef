"""Reading numbers from cards."""

from pathlib import Path


def read_lines(path: str | Path) -> list[str]:
    """Lines of a file of text; ValueError where there is none."""
    if not Path(path).is_file():
        raise ValueError(f"There is no file {path}.")
    return Path(path).read_text(encoding="latin-1").splitlines()


def number(text: str, path: str | Path, line: int) -> float:
    """A number, Fortran's D and blanks inside an exponent allowed; ValueError that names file and line."""
    words = text.strip().upper().replace("D", "E")
    try:
        return float(words.replace("E ", "E+").replace(" ", "") or 0.0)
    except ValueError:
        raise ValueError(f"'{text.strip()}' in line {line + 1} of {path} is not a number.") from None
