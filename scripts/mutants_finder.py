"""Finds the small mistakes that can be made in a Python file, one at a time."""

from __future__ import annotations

import ast
from collections.abc import Callable
from itertools import pairwise

from scripts.mutants_source import Mutation, Notebook, Span

# Text for people: no behaviour depends on it.
PROSE = frozenset({"description", "alarm_description", "examples", "label", "sid", "title"})
# A construct begins with its scope and its id; another id makes another logical id and nothing else.
SCOPES = frozenset({"self", "scope", "stack"})
OPERATORS: dict[type[ast.AST], tuple[str, str]] = {
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
    ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"),
    ast.And: ("and", "or"),
    ast.Or: ("or", "and"),
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "+"),
    ast.Div: ("/", "*"),
    ast.FloorDiv: ("//", "*"),
    ast.Mod: ("%", "+"),
    ast.Pow: ("**", "*"),
    ast.BitOr: ("|", "&"),
}
# Given "ec2.SubnetType" and "PUBLIC", the name of another member; None where that is no enumeration.
NextMember = Callable[[str, str], str | None]


def mutations(path: str, source: str, next_member: NextMember) -> list[Mutation]:
    """Lists the mistakes that can be made in a file.

    Args:
        path: The file, relative to the repository.
        source: Its text.
        next_member: Finds another member of an enumeration.

    Returns:
        Mutations in the order of the file; each leaves valid Python that says something else.
    """
    notes = Notebook(path, source)
    _Finder(notes, next_member).visit(ast.parse(source))
    return [mutation for mutation in sorted(set(notes.found)) if _is_python(mutation.apply(source))]


def _is_python(source: str) -> bool:
    try:
        ast.parse(source)
    except SyntaxError:
        return False
    return True


def _name(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else ""


class _Finder(ast.NodeVisitor):
    """Walks a syntax tree and notes what can be changed in it."""

    def __init__(self, notes: Notebook, next_member: NextMember) -> None:
        self.notes, self._next_member = notes, next_member
        self._records: set[ast.AST] = set()

    def _swap(self, operator: ast.AST, left: ast.expr, right: ast.expr) -> None:
        """Puts another operator between two operands."""
        if type(operator) in OPERATORS:
            old, new = OPERATORS[type(operator)]
            span = (self.notes.span(left)[1], self.notes.span(right)[0])
            self.notes.replace("swap operator", span, self.notes.text(span).replace(old, new, 1))

    def _negate(self, test: ast.expr) -> None:
        """Turns a condition round, unless it begins with a `not` that is dropped anyhow."""
        if not isinstance(test, ast.UnaryOp) and _name(test) != "TYPE_CHECKING":
            span = self.notes.span(test)
            self.notes.replace("negate condition", span, f"not ({self.notes.text(span)})")

    def visit(self, node: ast.AST) -> None:
        """Looks at a node and then at what is in it."""
        test = getattr(node, "test", None)
        for condition in [test] if test else getattr(node, "ifs", []):
            self._negate(condition)
        super().visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        """Drops a call or a yield that stands alone; documentation stays, and so does what every class begins with."""
        span = self.notes.span(node)
        if isinstance(node.value, ast.Constant):
            return
        if not self.notes.text(span).startswith("super()"):
            self.notes.replace("drop statement", span, "pass")
        self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        """Looks at defaults and body; a function's annotations do nothing at run time."""
        for part in (*node.args.defaults, *node.args.kw_defaults, *node.decorator_list, *node.body):
            if part is not None:
                self.visit(part)

    def visit_Assign(self, node: ast.Assign) -> None:
        """Looks at values, but not at what a module exports to `import *`."""
        if isinstance(node.targets[0], ast.Tuple):
            self._records.add(node.value)
        if _name(node.targets[0]) != "__all__":
            self.visit(node.value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        """Looks at the value, and at the annotation where it states what a setting accepts."""
        if any(isinstance(part, ast.Call) or _name(part) == "Literal" for part in ast.walk(node.annotation)):
            self.visit(node.annotation)
        if node.value is not None:
            self.visit(node.value)

    def visit_Call(self, node: ast.Call) -> None:
        """Drops each keyword argument; ids of constructs and prose stay."""
        items: list[ast.expr | ast.keyword] = [*node.args, *node.keywords]
        items.sort(key=self.notes.span)
        droppable = [item if isinstance(item, ast.keyword) and item.arg not in PROSE else None for item in items]
        self.notes.drop_each("drop keyword", droppable, [self.notes.span(item) for item in items])
        self.visit(node.func)
        for number, argument in enumerate(node.args):
            if not (number == 1 and _name(node.args[0]) in SCOPES and isinstance(argument, ast.Constant)):
                self.visit(argument)
        for keyword in node.keywords:
            if keyword.arg not in PROSE:
                self.visit(keyword.value)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        """Drops what `Annotated` adds to a type and what `Literal` admits; other types stay."""
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        spans = [self.notes.span(part) for part in parts]
        if _name(node.value) == "Literal":
            self.notes.drop_each("drop element", parts, spans)
        elif _name(node.value) == "Annotated" and len(parts) > 2:
            self.notes.drop_each("drop element", [None, *parts[1:]], spans)
        elif _name(node.value) == "Annotated":
            self.notes.replace("drop element", self.notes.span(node), self.notes.text(spans[0]))
        for part in parts:
            self.visit(part)
        self.visit(node.value)

    def visit_List(self, node: ast.List | ast.Set) -> None:
        """Drops each element of a list or set."""
        self._records.update(node.elts)
        self.notes.drop_each("drop element", node.elts, [self.notes.with_brackets(element) for element in node.elts])
        self.generic_visit(node)

    visit_Set = visit_List  # noqa: N815 (a name that ast prescribes)

    def visit_Tuple(self, node: ast.Tuple) -> None:
        """Drops each element of a tuple that enumerates; a record, whose places have meanings, stays whole."""
        spans = [self.notes.span(element) for element in node.elts]
        if isinstance(node.ctx, ast.Load) and node not in self._records:
            if len(spans) == 2:
                # The comma makes the tuple.
                (first, middle), (other, last) = spans
                end = last + self.notes.length(rb"\s*,", last)
                self.notes.replace("drop element", (first, end), f"{self.notes.text((other, last))},")
                self.notes.replace("drop element", (middle, end), ",")
            else:
                self.notes.drop_each("drop element", node.elts, spans)
        self._records.update(node.elts)
        self.generic_visit(node)

    def visit_record(self, node: ast.Yield | ast.Return) -> None:
        """What a function hands out is a record."""
        self._records.update([node.value] if node.value else [])
        self.generic_visit(node)

    visit_Yield = visit_Return = visit_record  # noqa: N815

    def visit_Dict(self, node: ast.Dict) -> None:
        """Drops each entry of a dictionary."""
        values = [self.notes.with_brackets(value) for value in node.values]
        # An entry without a key is a `**mapping`; its stars are the two characters before the value.
        spans = [
            (self.notes.span(key)[0] if key else value[0] - 2, value[1])
            for key, value in zip(node.keys, values, strict=True)
        ]
        self._records.update(node.values)
        self.notes.drop_each("drop entry", node.values, spans)
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        """Flips a switch, changes a number or a text."""
        span = self.notes.span(node)
        if isinstance(node.value, bool):
            self.notes.replace("flip boolean", span, str(not node.value))
        elif isinstance(node.value, int | float):
            self.notes.replace("change number", span, str(node.value + 1))
        elif isinstance(node.value, str):
            self._change_text(span)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """Changes a formatted text; Python 3.11 does not know where its parts are."""
        self._change_text(self.notes.span(node))

    def _change_text(self, span: Span) -> None:
        text = self.notes.text(span)
        quotes = 3 if text.endswith(('"""', "'''")) else 1
        self.notes.replace("change text", span, f"{text[:-quotes]}x{text[-quotes:]}")

    def visit_Attribute(self, node: ast.Attribute) -> None:
        """Takes another member of an enumeration."""
        _, end = self.notes.span(node)
        other = self._next_member(self.notes.text(self.notes.span(node.value)), node.attr)
        if other:
            self.notes.replace("swap member", (end - len(node.attr), end), other)
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        """Drops a `not`."""
        if isinstance(node.op, ast.Not):
            first, _ = self.notes.span(node)
            self.notes.replace("negate condition", (first, first + self.notes.length(rb"not\s*", first)), "")
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        """Calculates otherwise; `X | None` is a type and stays."""
        if not (isinstance(node.right, ast.Constant) and node.right.value is None):
            self._swap(node.op, node.left, node.right)
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        """Takes `or` for `and`."""
        for left, right in pairwise(node.values):
            self._swap(node.op, left, right)
        self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        """Compares otherwise."""
        for operator, (left, right) in zip(node.ops, pairwise([node.left, *node.comparators]), strict=True):
            self._swap(operator, left, right)
        self.generic_visit(node)
