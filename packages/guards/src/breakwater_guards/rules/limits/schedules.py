"""Schedules: each service takes some kinds of expressions, and says which fields and units they have."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from breakwater_guards.facts import facts
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.reading.files import mapping
from breakwater_guards.rule import Breach, Outcome, breach, rule, show

SERVERLESS = ("AWS::Serverless::Function", "AWS::Serverless::StateMachine")
_SCHEDULE = re.compile(r"(at|cron|rate)\((.*)\)")
_RATE = re.compile(r"([0-9]+) (minute|hour|day)(s?)")
_MINUTES = {"minute": 1, "hour": 60, "day": 1440}
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}")
_NUMBER = re.compile(r"[0-9]+")


@rule(
    "DR-LIMIT-02",
    title="Schedules are expressions that AWS takes",
    outcome=Outcome.REFUSED,
    prevents="Parameter ScheduleExpression is not valid, Invalid Schedule Expression Timezone (ValidationException), "
    "at the end of the deployment; or a date that never comes",
    fix="Write cron(minutes hours day-of-month month day-of-week year) with ? for one of the two days, or "
    "rate(1 minute), rate(5 minutes), where the service takes them; groups of EC2 Auto Scaling take five bare fields.",
    sources=(
        "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html",
        "https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html",
        "https://docs.aws.amazon.com/aws-backup/latest/devguide/API_BackupRuleInput.html",
        "https://docs.aws.amazon.com/AmazonSynthetics/latest/APIReference/API_CanaryScheduleInput.html",
        "https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_ScheduledUpdateGroupActionRequest.html",
    ),
    data="limits",
)
def schedules_are_expressions(app: Assembly) -> Iterator[Breach]:
    """Find an expression of a kind that the service does not take, with wrong fields, or of a date that never comes."""
    for kind, row in facts("limits")["schedules"].items():
        for resource in app.of_type(kind):
            for value in resource.given(row["path"]):
                reason = _no_schedule(value, row) if isinstance(value, str) else None
                if reason:
                    yield breach(resource, row["path"].replace("[]", ""), f"{value!r}: {reason}.")
    yield from _no_zones(app)
    for resource in app.of_type(*SERVERLESS):
        for events in (found for found in resource.given("Events") if isinstance(found, dict)):
            for name, event in events.items():
                kind = event.get("Type") if isinstance(event, dict) else None
                row = facts("limits")["events"].get(kind) if isinstance(kind, str) else None
                value = mapping(event.get("Properties")).get(row["path"]) if row else None
                reason = _no_schedule(value, row) if row and isinstance(value, str) else None
                if reason:
                    yield breach(resource, f"Events.{name}", f"{value!r}: {reason}.")


def _no_zones(app: Assembly) -> Iterator[Breach]:
    for kind, path in facts("limits")["zones"].items():
        for resource in app.of_type(kind):
            for zone in resource.given(path):
                if isinstance(zone, str) and not _may_be_zone(zone):
                    told = f"{show(zone)} is no time zone; allowed: a name of the IANA database such as Europe/Berlin."
                    yield breach(resource, path.replace("[]", ""), told)


def _may_be_zone(name: str) -> bool:
    """Tell whether a name can be one of the IANA database: its area is known, or it is one of the few without."""
    area, slash, _ = name.partition("/")
    known = facts("limits")["areas" if slash else "zones_without_area"]
    return not name or "{{" in name or area.casefold() in {one.casefold() for one in known}


def _no_schedule(text: str, row: dict[str, Any]) -> str | None:
    """Tell why a text is no schedule of a service; ``None`` for one that may be."""
    if not text or text.startswith("{{"):
        return None
    if "unix" in row:
        fields = len(text.split())
        return f"{fields} fields; allowed: 5, without cron()" if fields != row["unix"] or "(" in text else None
    found = _SCHEDULE.fullmatch(text)
    if found is None or found[1] not in row["forms"]:
        return f"allowed: {' or '.join(f'{form}(…)' for form in row['forms'])}"
    form, inner = found.groups()
    if form == "at":
        return None if _MOMENT.fullmatch(inner) else "allowed: at(yyyy-mm-ddThh:mm:ss), without a time zone"
    return _no_rate(inner, row) if form == "rate" else None if row.get("other_fields") else _no_cron(inner)


def _no_rate(text: str, row: dict[str, Any]) -> str | None:
    rate = _RATE.fullmatch(text)
    if rate is None or (rate[1].strip("0") == "" and not row.get("once")):
        return "allowed is a number and minutes, hours or days"
    minutes = int(rate[1]) * _MINUTES[rate[2]]
    if minutes > row.get("longest", minutes):
        return f"{minutes} minutes; allowed: at most {row['longest']}"
    if row.get("plural") and (rate[1] == "1") == bool(rate[3]):
        return "allowed: 1 with minute, hour or day; more with the plural"
    return None


def _no_cron(text: str) -> str | None:
    """Tell why six fields are no cron expression: both days or none, a number beyond its field, 30 February."""
    fields = text.split()
    if any(field.endswith(",") for field in fields):
        return None  # fields apart by commas, too: nothing says that AWS refuses them
    if len(fields) != 6:
        return f"{len(fields)} fields; allowed: 6"
    if (fields[2] == "?") == (fields[4] == "?"):
        return "allowed is ? for one of day-of-month and day-of-week, and only for one"
    for field, (name, lowest, highest) in zip(fields, facts("limits")["cron"], strict=True):
        for part in field.split(","):
            # What is behind / is a step, what is behind # a count of weeks.
            numbers = map(int, _NUMBER.findall(re.split("[/#]", part)[0]))
            wrong = [number for number in numbers if not lowest <= number <= highest]
            if wrong:
                return f"{name} {wrong[0]}; allowed: {lowest} to {highest}"
    return _no_date(fields[2], fields[3])


def _no_date(days: str, months: str) -> str | None:
    """Tell why no month of some has any of some days; ``None`` where ranges or other signs may make one."""
    listed = days.split(","), [facts("limits")["months"].get(month, month) for month in months.split(",")]
    if not all(part.isdigit() for parts in listed for part in parts):
        return None
    longest = max(_DAYS[int(month) - 1] for month in listed[1])
    return f"no such month has a day {days}; nothing ever runs" if min(map(int, listed[0])) > longest else None


_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
