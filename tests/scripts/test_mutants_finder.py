"""Which mistakes a mutation run makes, and which it does not."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from scripts.mutants_finder import mutations


def mutated(source: str, kind: str = "", members: Mapping[str, str] | None = None) -> list[str]:
    """What a source becomes by each mutation of a kind."""
    found = mutations("stacks/x.py", source, lambda _, member: (members or {}).get(member))
    return [mutation.apply(source) for mutation in found if kind in ("", mutation.kind)]


@pytest.mark.parametrize(
    ("source", "kind", "expected"),
    [
        ("f(a=1)", "drop keyword", ["f()"]),
        ("f(a=1,)", "drop keyword", ["f()"]),
        ("f(a, b=1, c=2)", "drop keyword", ["f(a, c=2)", "f(a, b=1)"]),
        ("f(a=1, b=2)", "drop keyword", ["f(b=2)", "f(a=1)"]),
        ("x = True", "flip boolean", ["x = False"]),
        ("x = 7", "change number", ["x = 8"]),
        ("x = 0.5", "change number", ["x = 1.5"]),
        ("x = 'a'", "change text", ["x = 'ax'"]),
        ('x = ("ä" "b")', "change text", ['x = ("ä" "bx")']),
        ('x = """a"""', "change text", ['x = """ax"""']),
        ('x = f"{y}-z"', "change text", ['x = f"{y}-zx"']),
        ("x = [a]", "drop element", ["x = []"]),
        ("x = [a, b, c]", "drop element", ["x = [b, c]", "x = [a, c]", "x = [a, b]"]),
        ("x = [('a' 'b'), c]", "drop element", ["x = [('a' 'b')]"]),
        ("x = {a, b}", "drop element", ["x = {b}", "x = {a}"]),
        ("x = (a, b)", "drop element", ["x = (b,)", "x = (a,)"]),
        ("x = (a, b, c)", "drop element", ["x = (b, c)", "x = (a, c)", "x = (a, b)"]),
        ("for x in (a, b): y", "drop element", ["for x in (b,): y", "for x in (a,): y"]),
        ("x = {a: b}", "drop entry", ["x = {}"]),
        ("x = {a: (b), **c}", "drop entry", ["x = {**c}", "x = {a: (b)}"]),
        ("if a: b", "negate condition", ["if not (a): b"]),
        ("if not (a and b): c", "negate condition", ["if (a and b): c"]),
        ("x = a if b else c", "negate condition", ["x = a if not (b) else c"]),
        ("x = [a for a in b if a]", "negate condition", ["x = [a for a in b if not (a)]"]),
        ("x = a < b", "swap operator", ["x = a <= b"]),
        ("x = a == b != c", "swap operator", ["x = a != b != c", "x = a == b == c"]),
        ("x = a not in b", "swap operator", ["x = a in b"]),
        ("x = a is b", "swap operator", ["x = a is not b"]),
        ("x = a and b and c", "swap operator", ["x = a or b and c", "x = a and b or c"]),
        ("x = (a) - (b)", "swap operator", ["x = (a) + (b)"]),
        ("x = A.ONE", "swap member", ["x = A.TWO"]),
        ("f(a)", "drop statement", ["pass"]),
        ("def f():\n    yield a", "drop statement", ["def f():\n    pass"]),
        ("class A:\n    x: Annotated[int, Field(ge=1)]", "drop element", ["class A:\n    x: int"]),
        ("x: Annotated[A, Field(), B]", "drop element", ["x: Annotated[A, B]", "x: Annotated[A, Field()]"]),
        ('x: Literal["a", "b"]', "drop element", ['x: Literal["b"]', 'x: Literal["a"]']),
    ],
)
def test_mistakes(source: str, kind: str, expected: list[str]) -> None:
    assert mutated(source, kind, {"ONE": "TWO"}) == expected


@pytest.mark.parametrize(
    "source",
    [
        '"""Documentation."""',
        'def f(a: Mapping[str, "B"]) -> tuple[int, str]:\n    """Documentation."""',
        "x: tuple[str, ...]",
        "import a",
        '__all__ = ["a", "b"]',
        "if TYPE_CHECKING:\n    import a",
        'x = Key(self, "Id", description="For people.")',
        'class A(B):\n    def __init__(self):\n        super().__init__(self, "Id")',
        "x, y = a, b",
        "def f():\n    return a, b",
        "x = A.member",
    ],
)
def test_what_is_no_mistake(source: str) -> None:
    assert mutated(source) == []


def test_records_keep_their_places() -> None:
    assert mutated("x = [(a, b), (c, d)]", "drop element") == ["x = [(c, d)]", "x = [(a, b)]"]
