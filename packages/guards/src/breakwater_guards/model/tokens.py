"""Recognize text that stands for a value: unresolved tokens, and references that are filled in later."""

from __future__ import annotations

import re

# The placeholder strings and numbers of the CDK, of CDK for Terraform and of Pulumi, and how JavaScript and Python
# print an object that has no text of its own.
_PLACEHOLDERS = re.compile(
    r"[$#]\{(?:Tf)?Token\[[^]]*\]?\}?"
    r"|Calling \[to(?:JSON|String)\] on an \[Output"
    r"|<[\w.]+ object at 0x[0-9a-f]+>"
    r"|-1\.88815458970\d*e\+?289"
)
_HINTS = ("Token[", "Calling [to", " object at 0x", "1.88815458970", "[object Object]")
_OBJECT = re.compile(r"\[object Object\]")


def unresolved(text: str, *, code: bool = False) -> str | None:
    """Return the first piece of unresolved token text, or ``None``.

    Args:
        text: what a template holds.
        code: whether it is a program, in which ``[object Object]`` may be meant.
    """
    if not any(hint in text for hint in _HINTS):  # the plain search is far faster, and hardly any text has one
        return None
    found = _PLACEHOLDERS.search(text) or (None if code else _OBJECT.search(text))
    return found[0] if found else None


def deferred(text: str) -> bool:
    """Tell whether something fills a string in later: a dynamic reference, or another tool's `${…}`."""
    return "{{resolve:" in text or "${" in text
