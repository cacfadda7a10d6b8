"""Collect the model that lessons 01 to 05 build into convbert_edu/nano.py: python notebooks/tools/collect_nano.py

Cells tagged `build` are copied as they stand, in the order of the lessons, each below a line that says where it was
written. Their imports move to the top of the file.
"""

import ast
import re
import sys
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent.parent
NANO = ROOT / "convbert_edu" / "nano.py"
TAG = "build"

OPENING = '''"""The whole of ConvBERT on four screens: the model that lessons 01 to 05 build, class by class.

Every class here was collected from a cell of a lesson (notebooks/tools/collect_nano.py); change it there. It is plain
where the package is fast, and its parameters have the package's names, so that weights go both ways.

B batch, n tokens, d hidden size, e embedding size, h heads of a branch, d_h size of a head, a = h d_h width of a
branch, k kernel size, r = k // 2 reach, g groups, v vocabulary size. X [B, n, d] is the input of a block; mask [B, n]
is 1 for tokens and 0 for padding.
"""
'''


def collect(lessons: Path) -> str:
    """Return the text of nano.py, made from the lessons of a folder.

    Raises ValueError for a build cell that stands in no numbered section.
    """
    imports: set[str] = set()
    parts = []
    for path in sorted(lessons.glob("0[1-5]_*.ipynb")):
        section = ""
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "markdown":
                section = (re.findall(r"^## (\d+)\b", cell.source, flags=re.MULTILINE) or [section])[-1]
            elif TAG in cell.metadata.get("tags", []):
                lines, code = split_imports(cell.source)
                imports |= lines
                if not code:
                    continue
                if not section:
                    raise ValueError(
                        f"{path.name}: a cell tagged {TAG!r} stands before the first numbered section; "
                        "put it below a heading such as '## 3 · Embeddings'"
                    )
                parts.append(f"# Written in lesson {path.name[:2]}, section {section}.\n{code}")
    return "\n\n".join([OPENING + "\n" + in_order(imports), *parts]) + "\n"


def split_imports(source: str) -> tuple[set[str], str]:
    """Return the import lines of a cell, and the rest of it."""
    lines = source.splitlines()
    found = [node for node in ast.parse(source).body if isinstance(node, ast.Import | ast.ImportFrom)]
    numbers = {number for node in found for number in range(node.lineno - 1, node.end_lineno)}
    imports = {ast.unparse(node) for node in found}
    return imports, "\n".join(line for number, line in enumerate(lines) if number not in numbers).strip("\n")


def in_order(imports: set[str]) -> str:
    """Return import lines in three groups: Python's own, installed packages, this package."""

    def group(line: str) -> int:
        module = line.split()[1].split(".")[0]
        return 2 if module == "convbert_edu" else 0 if module in sys.stdlib_module_names else 1

    ordered = sorted(imports, key=lambda line: (not line.startswith("import"), line))
    groups = ("\n".join(line for line in ordered if group(line) == wanted) for wanted in range(3))
    return "\n\n".join(lines for lines in groups if lines) + "\n"


if __name__ == "__main__":
    NANO.write_text(collect(ROOT / "notebooks"), encoding="utf-8")
    print(f"wrote {NANO.relative_to(ROOT)}")
