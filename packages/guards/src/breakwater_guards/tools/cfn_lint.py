"""cfn-lint (MIT-0): the schemas of all resource types, and more. https://github.com/aws-cloudformation/cfn-lint.

It reads a `.cfnlintrc` of the current or the user's folder, as always.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from cfnlint.config import ConfigMixIn
from cfnlint.decode.decode import decode_str
from cfnlint.helpers import REGION_PRIMARY, REGIONS
from cfnlint.runner import Runner

from breakwater_guards.rule import Severity
from breakwater_guards.tools import Judge, Told

# A retired engine version synthesizes, passes review and is refused by RDS: no template may switch these off.
PROMOTED = ("W3690", "W3691")


def load(_tool: str, _types: frozenset[str]) -> Judge:
    """Return what judges one template; the rules are loaded with the first one."""
    return judge


def judge(text: str, name: str, region: str | None) -> Iterator[Told]:
    """Run cfn-lint over one template.

    Args:
        text: the template as JSON.
        name: unused; cfn-lint names nothing.
        region: where its facts are taken from; cfn-lint's own default where it does not know the Region.

    Yields:
        Every error and warning.
    """
    del name
    document, problems = decode_str(text)
    runner = _runner(region if region in REGIONS else REGION_PRIMARY)
    for match in problems or runner.validate_template(document):
        if match.rule.severity == "informational":
            continue
        is_error = match.rule.id in PROMOTED or match.rule.severity == "error"
        resource, path = _place(getattr(match, "path", None) or [])
        yield Told(
            rule=match.rule.id,
            severity=Severity.ERROR if is_error else Severity.WARNING,
            message=match.message,
            resource=resource,
            path=path,
            title=match.rule.shortdesc,
            source=match.rule.source_url,
        )


@cache
def _runner(region: str) -> Any:
    return Runner(ConfigMixIn(regions=[region], mandatory_checks=list(PROMOTED)))


def _place(path: Sequence[Any]) -> tuple[str, str]:
    """Return logical id and dotted path below the properties; outside the resources the path begins at the top."""
    steps = [str(step) for step in path]
    if steps[:1] != ["Resources"]:
        return "", ".".join(steps)
    below = steps[3:] if steps[2:3] == ["Properties"] else steps[2:]
    return "".join(steps[1:2]), ".".join(below)
