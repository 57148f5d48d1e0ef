"""The documentation: pages in Markdown, API pages for every public module, the notebooks as committed."""

import re
import shutil
from pathlib import Path

import diffneq

DOCS = Path(__file__).parent
ROOT = DOCS.parent

project = "diffneq"
author = "the diffneq developers"
copyright = author
release = version = diffneq.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"diffneq {release}"

nb_execution_mode = "off"  # notebooks are run by their own stage of the tests
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3
# ref.python: two modules may each have a `Report` or a `Comparison`; their annotations then link to neither
suppress_warnings = ["myst.header", "mystnb.unknown_mime_type", "ref.python"]

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
autodoc_default_options = {"members": True}


def escape(text: str) -> str:
    """Our docstrings are plain prose and formulae: nothing in them is markup except `code` in backticks."""
    pieces = re.split(r"(`+[^`]+`+)", text)
    plain = [re.sub(r"([\\*|_`])", r"\\\1", piece) for piece in pieces[::2]]
    code = [f"``{piece.strip('`')}``" for piece in pieces[1::2]] + [""]
    # the escaped blank lets code stand next to letters and brackets
    return "".join(p + (f"\\ {c}\\ " if c else "") for p, c in zip(plain, code, strict=True))


def docstring_to_rst(app, what, name, obj, options, lines: list[str]) -> None:
    """Paragraphs stay paragraphs, anything laid out by indentation keeps its lines, examples become code."""
    paragraphs = re.split(r"\n\s*\n", "\n".join(lines).strip("\n"))
    lines.clear()
    for paragraph in filter(str.strip, paragraphs):
        rows = paragraph.splitlines()
        if ">>>" in paragraph:
            start = next(i for i, row in enumerate(rows) if ">>>" in row)
            lines.extend([f"| {escape(row.strip())}" for row in rows[:start]])
            lines.extend(["", ".. code-block:: pycon", "", *("   " + row.strip() for row in rows[start:])])
        elif any(row.startswith(" ") for row in rows):
            lines.extend(f"| {' ' * (len(row) - len(row.lstrip()))}{escape(row.strip())}" for row in rows)
        else:
            lines.append(escape(" ".join(rows)))
        lines.append("")


def write_api_pages() -> None:
    """One page for each package with all its public modules, found by their files, so that no list can be forgotten.

    Not one for each module: every page carries the whole navigation, so that time grows as the square of their number.
    """
    shutil.rmtree(DOCS / "api", ignore_errors=True)
    (DOCS / "api").mkdir()
    pages: dict[str, list[str]] = {}
    for path in sorted((ROOT / "diffneq").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        package = parts[-1] == "__init__"  # what it re-exports is documented where it is defined
        parts = parts[:-1] if package else parts
        if any(part.startswith("_") for part in parts):
            continue
        name, room = ".".join(parts), ".".join(parts if package else parts[:-1])
        line = "=" if package else "-"
        text = f"{name}\n{line * len(name)}\n\n.. automodule:: {name}\n" + "   :no-members:\n" * package
        pages.setdefault(room, []).insert(0 if package else len(pages.get(room, ())), text)
    for room, texts in pages.items():
        (DOCS / "api" / f"{room}.rst").write_text("\n".join(texts))


def copy_notebooks() -> None:
    """Sphinx reads only below docs/: copy the notebooks there, with the outputs they were committed with."""
    shutil.rmtree(DOCS / "notebooks", ignore_errors=True)
    (DOCS / "notebooks").mkdir()
    names = sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))
    for name in names:
        shutil.copy(ROOT / "notebooks" / name, DOCS / "notebooks" / name)
    text = "Notebooks, with the outputs they were committed with; the tests run them again in a fast mode."
    (DOCS / "notebooks" / "index.md").write_text(
        "\n".join(["# Worked examples", text, "", "```{toctree}", ":maxdepth: 1", "", *names, "```", ""])
    )


def setup(app) -> None:
    write_api_pages()
    copy_notebooks()
    app.connect("autodoc-process-docstring", docstring_to_rst)
