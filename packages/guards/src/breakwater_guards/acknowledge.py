"""Acknowledgements: findings that are accepted, each with a reason.

They are written in the ``Metadata`` of a resource, or of a template for everything in it::

    Metadata:
      breakwater:guards:
        DR-AURORA-01: the long-term support release stays until 2030

or in a CDK app for a construct and everything below it, which CDK records in the cloud assembly::

    Validations.of(construct).acknowledge(Acknowledgment(id="breakwater-guards::DR-AURORA-01", reason="…"))

A finding of another checker, asked with ``--with``, is accepted in the same way, under its id there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from breakwater_guards.model.assembly import Assembly
from breakwater_guards.reading.acknowledged import QUALIFIER
from breakwater_guards.reading.files import mapping
from breakwater_guards.rule import Finding
from breakwater_guards.tools import is_foreign

METADATA = "breakwater:guards"
MIN_REASON = 20


class Acknowledgements:
    """Every acknowledgement of an assembly.

    Args:
        assembly: holds them.
        rules: ids of all rules.

    Attributes:
        notices: one line per acknowledgement that does not count, and why.
    """

    def __init__(self, assembly: Assembly, rules: Collection[str]) -> None:
        self._rules = rules
        self._by_path: dict[str, dict[str, str]] = {}
        self._by_place: dict[tuple[str, str], dict[str, str]] = {}
        self.notices: list[str] = []
        for file, resource, metadata in _metadata(assembly):
            place = f"{file} {resource}".rstrip()
            if not isinstance(metadata, dict):
                self.notices.append(f"{place}: Metadata {METADATA} is no mapping of rule ids to reasons: ignored")
            else:
                self._by_place[file, resource] = self._counting(place, metadata)
        for item in assembly.acknowledgements:
            place = f"construct {item.path} ({QUALIFIER}{item.rule})"
            self._by_path.setdefault(item.path, {}).update(self._counting(place, {item.rule: item.reason}))

    def reason(self, finding: Finding) -> str | None:
        """Return why a finding is accepted, or ``None`` when it is not."""
        for place in ((finding.template, finding.resource), (finding.template, "")):
            reason = self._by_place.get(place, {}).get(finding.rule)
            if reason:
                return reason
        path = finding.construct
        while path:
            reason = self._by_path.get(path, {}).get(finding.rule)
            if reason:
                return reason
            path = path.rpartition("/")[0]
        return None

    def _counting(self, place: str, entries: dict[str, Any]) -> dict[str, str]:
        counting = {}
        for rule, reason in entries.items():
            if rule not in self._rules and not is_foreign(rule):
                self.notices.append(f"{place}: acknowledges {rule[:60]!r}, which is not a rule")
            elif not isinstance(reason, str) or len(reason.strip()) < MIN_REASON:
                self.notices.append(
                    f"{place}: the acknowledgement of {rule} does not count: "
                    f"its reason has less than {MIN_REASON} characters"
                )
            else:
                counting[rule] = reason.strip()
        return counting


def _metadata(assembly: Assembly) -> Iterator[tuple[str, str, Any]]:
    """Yield file, logical id (empty for a whole template) and what is acknowledged there, once per file."""
    for template in assembly.templates.values():
        if template.key != template.file:
            continue
        bodies = [("", template.document), *((name, item.body) for name, item in template.resources.items())]
        for name, body in bodies:
            metadata = mapping(body.get("Metadata"))
            if METADATA in metadata:
                yield template.file, name, metadata[METADATA]
