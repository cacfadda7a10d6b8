"""The texts that are made from an exercise's solution: with nbgrader's marks around it, and without it."""

import ast

from convbert_edu.exercises.definition import Exercise

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
# What nbgrader puts in the place of a solution unless it is told otherwise.
STUB = ("# YOUR CODE HERE", "raise NotImplementedError()")


def marked(source: str) -> str:
    """Return the text of a class or function whose bodies stand between nbgrader's marks.

    Names, arguments and docstrings stay outside: they are part of the task.
    """
    lines = source.splitlines()
    (outer,) = ast.parse(source).body
    functions = [outer] if isinstance(outer, ast.FunctionDef) else outer.body
    for function in reversed([each for each in functions if isinstance(each, ast.FunctionDef)]):
        documented = ast.get_docstring(function) is not None
        # Comments before the first statement belong to it.
        first = function.body[0].end_lineno + 1 if documented else _line_after_header(function, lines)
        indent = " " * function.body[-1].col_offset
        lines.insert(function.end_lineno, indent + END)
        lines.insert(first - 1, indent + BEGIN)
    return "\n".join(lines)


def _line_after_header(function: ast.FunctionDef, lines: list[str]) -> int:
    """Return the number of the first line after `def name(...):`."""
    number = max([function.lineno, *(argument.end_lineno for argument in function.args.args)])
    while not lines[number - 1].split("#")[0].rstrip().endswith(":"):
        number += 1
    return number + 1


def cleared(text: str) -> str:
    """Return a marked text as nbgrader clears it: each solution becomes a comment and an error."""
    kept, inside = [], False
    for line in text.splitlines():
        if line.strip() == BEGIN:
            inside = True
            indent = line[: len(line) - len(line.lstrip())]
            kept += [indent + each for each in STUB]
        elif line.strip() == END:
            inside = False
        elif not inside:
            kept.append(line)
    return "\n".join(kept)


def starting_cell(exercise: Exercise) -> str:
    """Return what stands in the reader's cell before anything is written."""
    return cleared(marked(exercise.source))
