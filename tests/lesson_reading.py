"""Questions that the tests ask about a lesson: which outputs are compared, what its assertions compare."""

import ast

from IPython.core.inputtransformer2 import TransformerManager
from nbformat import NotebookNode

COMPARISONS = {"assert_close", "allclose", "equal", "assert_allclose", "assert_array_equal"}
SHOWN_NOT_COMPUTED = ("convbert_edu.visualize", "convbert_edu.data")


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """The code cells that a test run executes."""
    return [
        cell
        for cell in notebook.cells
        if cell.cell_type == "code" and "nbval-skip" not in cell.metadata.get("tags", [])
    ]


def markdown(notebook: NotebookNode) -> str:
    """All text of a lesson."""
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def compared_outputs(notebook: NotebookNode) -> int:
    """How many cells have words or numbers that a test run compares; pictures and warnings are not compared."""
    cells = [
        cell for cell in code_cells(notebook) if "nbval-ignore-output" not in cell.metadata.get("tags", [])
    ]
    return sum(any(_is_compared(output) for output in cell.outputs) for cell in cells)


def _is_compared(output: NotebookNode) -> bool:
    if output.output_type == "stream":
        return output.name == "stdout"
    # The folded description below a figure is not a result either.
    return "image/png" not in output.get("data", {}) and "<details>" not in output.get("data", {}).get(
        "text/html", ""
    )


def compares_with_package(notebook: NotebookNode) -> bool:
    """Say whether some cell compares two values of which at least one was computed by the package."""
    from_package: set[str] = set()
    compared: set[str] = set()
    for tree in _parsed(notebook):
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("convbert_edu"):
                if not node.module.startswith(SHOWN_NOT_COMPUTED):
                    from_package |= {alias.asname or alias.name for alias in node.names}
            elif isinstance(node, ast.Assign) and _names(node.value) & from_package:
                from_package |= set().union(*(_names(target) for target in node.targets))
            elif isinstance(node, ast.Call) and _called(node) in COMPARISONS:
                compared.update(*(_names(argument) for argument in node.args))
    return bool(compared & from_package)


def asserts_a_threshold(notebook: NotebookNode) -> bool:
    """Say whether some cell asserts that something measured is above or below a number."""
    signs = (ast.Gt, ast.GtE, ast.Lt, ast.LtE)
    return any(
        isinstance(node, ast.Assert)
        and isinstance(node.test, ast.Compare)
        and any(isinstance(sign, signs) for sign in node.test.ops)
        for tree in _parsed(notebook)
        for node in ast.walk(tree)
    )


def _parsed(notebook: NotebookNode) -> list[ast.Module]:
    """The syntax trees of the code cells, as IPython reads them: lines such as %matplotlib become calls."""
    return [ast.parse(TransformerManager().transform_cell(cell.source)) for cell in code_cells(notebook)]


def _names(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def _called(call: ast.Call) -> str:
    """The last part of what is called: "assert_close" for torch.testing.assert_close(...)."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
