"""Wrong answers that nobody thought of: small changes of a solution, made by a machine.

Each change is made in one place of the syntax tree: another operator, another number, a call or a term left out, two
arguments exchanged. Most give a wrong answer; a few change nothing that can be seen, such as an initial value.
"""

import ast
import copy
from collections.abc import Iterator

OPERATORS = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult}
COMPARISONS = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
}
# Statements that only set initial values or name an error: no check looks at them.
UNSEEN = ("nn.init.trunc", "torch.randn", "torch.empty", "raise ", "as_published", "init_weights(self")


def mutations(source: str) -> Iterator[tuple[str, str]]:
    """Yield a description and the text of each changed solution."""
    tree = ast.parse(source)
    unseen = {
        id(part)
        for statement in ast.walk(tree)
        if isinstance(statement, ast.Assign | ast.Expr | ast.Raise | ast.If)
        and any(word in ast.unparse(statement).split("\n")[0] for word in UNSEEN)
        for part in ast.walk(statement)
    }
    for position, node in enumerate(ast.walk(tree)):
        if id(node) in unseen:
            continue
        for number, (what, new) in enumerate(_changes(node)):
            changed = copy.deepcopy(tree)
            target = list(ast.walk(changed))[position]
            replacement = list(_changes(target))[number][1]
            _replace(changed, target, replacement)
            text = ast.unparse(ast.fix_missing_locations(changed))
            if text != ast.unparse(tree):
                yield (
                    f"line {getattr(node, 'lineno', 0)}: {what}: {ast.unparse(node)} -> {ast.unparse(new)}",
                    text,
                )


def _changes(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    match node:
        case ast.BinOp(left=left, op=op, right=right):
            if type(op) in OPERATORS:
                yield "operator", ast.BinOp(left, OPERATORS[type(op)](), right)
            yield "left alone", left
        case ast.Constant(value=int(value)) if not isinstance(value, bool):
            yield "number", ast.Constant(value + 1)
        case ast.Compare(left=left, ops=[op], comparators=comparators) if type(op) in COMPARISONS:
            yield "comparison", ast.Compare(left, [COMPARISONS[type(op)]()], comparators)
        case ast.IfExp(body=body, orelse=orelse):
            yield "always the first", body
            yield "always the second", orelse
        case ast.Call(args=[only], keywords=[]) if isinstance(node.func, ast.Attribute | ast.Name):
            yield "call left out", only
        case ast.Call(func=func, args=[first, second, *rest], keywords=keywords):
            yield "exchanged", ast.Call(func, [second, first, *rest], keywords)
    if isinstance(node, ast.Call) and node.keywords and not isinstance(node.func, ast.Call):
        yield "keyword left out", ast.Call(node.func, node.args, node.keywords[1:])


def _replace(tree: ast.AST, old: ast.AST, new: ast.AST) -> None:
    for parent in ast.walk(tree):
        for field, value in ast.iter_fields(parent):
            if value is old:
                setattr(parent, field, new)
                return
            if isinstance(value, list) and any(each is old for each in value):
                value[next(i for i, each in enumerate(value) if each is old)] = new
                return
