"""Route 53 records and zones of an assembly, with names that compare however they are spelled."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.spelling import Spelling, spelled
from breakwater_guards.model.template import Resource, Template
from breakwater_guards.model.unfold import unfold
from breakwater_guards.model.values import ABSENT, Reference
from breakwater_guards.model.views import view

RECORD, GROUP, ZONE = "AWS::Route53::RecordSet", "AWS::Route53::RecordSetGroup", "AWS::Route53::HostedZone"
_ZONE_OF_GROUP = ("HostedZoneId", "HostedZoneName")


class Record(NamedTuple):
    """One record set, declared on its own or in a group.

    Attributes:
        resource: what a finding names, with the properties of this record set.
        path: where they are in the template: empty, or e.g. ``RecordSets.2``.
    """

    resource: Resource
    path: str

    def at(self, name: str) -> str:
        """Return the dotted path of a property, for a finding."""
        return f"{self.path}.{name}" if self.path else name

    def zone(self, app: Assembly) -> Resource | None:
        """Return the hosted zone, if it is part of the assembly."""
        for value in self.resource.options("HostedZoneId"):
            found = app.target(value) if isinstance(value, Reference) else None
            if found is not None and found.type == ZONE:
                return found
        return None


def records_of(app: Assembly) -> list[Record]:
    """Return every record set of an assembly; they are listed once."""
    return view(app, _records)


def written_as(resource: Resource, name: str) -> Any:
    """Return a property as the template writes it, intrinsic functions included, or ``ABSENT``."""
    properties = resource.body.get("Properties")
    return properties.get(name, ABSENT) if isinstance(properties, dict) else ABSENT


def domain(value: Any) -> Any:
    """Return a domain name as DNS compares it, in lower case without the final dot; other values as they are."""
    return value.strip().lower().rstrip(".") if isinstance(value, str) else value


def spelled_domain(template: Template, raw: Any) -> Spelling | None:
    """Return what a domain name is made of, in the form that DNS compares."""
    parts = spelled(template, raw)
    if parts is None:
        return None
    lowered = [part.lower() if isinstance(part, str) else part for part in parts]
    if lowered and isinstance(lowered[-1], str):
        lowered[-1] = lowered[-1].rstrip(".")
    return tuple(part for part in lowered if part != "")


def is_private(zone: Resource) -> bool:
    """Tell whether a zone may be private: with a VPC, or with one that is not certain."""
    return any(value is not ABSENT and value != [] for value in zone.options("VPCs"))


def _records(app: Assembly) -> list[Record]:
    alone = [Record(item, "") for item in app.of_type(RECORD) if isinstance(item.body.get("Properties"), dict)]
    return [*alone, *(record for group in app.of_type(GROUP) for record in _of_group(group))]


def _of_group(group: Resource) -> Iterator[Record]:
    properties = group.body.get("Properties")
    if not isinstance(properties, dict):
        return
    zone = {name: properties[name] for name in _ZONE_OF_GROUP if name in properties}
    for path, entry in unfold(group.template.resolver, properties.get("RecordSets", []), "RecordSets"):
        if isinstance(entry, dict):
            body = {**group.body, "Properties": {**zone, **entry}}
            yield Record(Resource(group.template, group.logical_id, body), path)
