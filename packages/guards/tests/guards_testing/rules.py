"""Rules of the tests' own, and short ways to run them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from breakwater_guards.engine import examine
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.report import Report
from breakwater_guards.rule import Breach, Outcome, Profile, Rule, breach
from guards_testing.build import resource

KIND = "AWS::Test::Thing"


def made(rule_id: str, check: Any, **more: Any) -> Rule:
    """Return a rule with placeholder texts."""
    texts = {
        "title": "t",
        "prevents": "p",
        "fix": "Mend it.",
        "sources": ("https://example.com/a", "https://example.com/b"),
    }
    return Rule(id=rule_id, check=check, **{"outcome": Outcome.REFUSED, **texts, **more})


def bad_property(app: Assembly) -> Iterator[Breach]:
    """Find things whose property P is bad."""
    for item in app.of_type(KIND):
        if "bad" in item.given("P"):
            yield breach(item, "P", "'bad' is not allowed.")


def whole_template(app: Assembly) -> Iterator[Breach]:
    """Find templates without a description."""
    for item in app.templates.values():
        if "Description" not in item.document:
            yield Breach(template=item, resource=None, path="Description", message="is missing")


def failing(app: Assembly) -> Iterator[Breach]:
    """Find what `bad_property` finds, and then fail."""
    yield from bad_property(app)
    raise KeyError("line one\nline two")


def three_rules() -> dict[str, Rule]:
    """Return rules to stand in for the package's own."""
    return {
        "DR-BAD-01": made("DR-BAD-01", bad_property),
        "DR-BAD-02": made("DR-BAD-02", whole_template, outcome=Outcome.LATER),
        "DR-WIDE-01": made("DR-WIDE-01", bad_property, profiles=frozenset({Profile.MULTI_REGION})),
    }


def thing(**more: Any) -> dict[str, Any]:
    """Return a resource that breaks the first rule."""
    return resource(KIND, P="bad", **more)


def judged(document: dict[str, Any], **options: Any) -> Report:
    """Check a template in memory."""
    return examine(Assembly.from_document(document), **options)
