"""Draw docs/architecture.svg: `diagram.d2` tells the story, the templates of the prod profile say what is there."""

from __future__ import annotations

import argparse
import calendar
import json
import re
import subprocess
import sys
import tempfile
from base64 import b64encode
from collections import Counter, defaultdict
from pathlib import Path
from string import Template
from typing import Any

from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.mentions import mentioned
from breakwater_guards.model.template import Resource
from stacks.profiles import PROFILES, synthesize
from stacks.settings import load_settings

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "architecture.svg"
STORY, RENDERER = ROOT / "scripts" / "diagram.d2", ROOT / "scripts" / "diagram_render.mjs"
ICONS = ROOT / "node_modules" / "aws-icons" / "icons" / "architecture-service"
COLORS = {"kms": "#DD344C", "network": "#8C4FFF", "monitoring": "#E7157B", "storage": "#7AA116"}
COLORS |= {"database": "#C925D1", "compute": "#ED7100", "backup": "#3F7BE0", "operations": "#01A88D"}
# D2 takes one fill for light and dark: these are translucent. A halo keeps the labels of arrows legible on a border.
STYLE = "".join(f".{stack}>.shape>rect{{stroke:{color};fill:{color}20}}" for stack, color in COLORS.items())
STYLE += """.group>.shape>rect,.zone>.shape>rect{fill:none}.text-italic{paint-order:stroke;stroke:#FFF;stroke-width:8px}
@media(prefers-color-scheme:dark){.text-italic{stroke:#0D1117}}"""


def parts_of(assembly: Assembly) -> dict[str, list[Resource]]:
    """Return the resources by the last word of their type, and functions also by the folder of their handler."""
    parts: dict[str, list[Resource]] = defaultdict(list)
    for template in assembly.templates.values():
        for resource in template.resources.values():
            parts[resource.type.rsplit("::", 1)[-1]].append(resource)
    for function in parts["Function"]:
        parts[function.get("Handler").split(".")[0]] = [function]
    return parts


def names(source: Resource, target: Resource) -> bool:
    """Tell whether the properties of a resource refer to another one, through nested stacks if need be."""
    found = mentioned(source.template, source.body["Properties"])
    return (target.template.key, target.logical_id) in {(r.template, r.logical_id) for r in found}


def stack_of(resource: Resource) -> str:
    """Return the construct id of the stack of a resource."""
    return str(resource.template.construct_path).rsplit("/", 1)[-1]


def facts_of(parts: dict[str, list[Resource]]) -> dict[str, Any]:
    """Return what replaces the words with a dollar sign; a type stands for the class of its nested stack."""

    def get(kind: str, path: str) -> Any:
        return parts[kind][0].get(path)

    data, logs = sorted(parts["Bucket"], key=lambda bucket: names(parts["LoadBalancer"][0], bucket))
    (rate,) = (rule.get("ScheduleExpression") for rule in parts["Rule"] if names(rule, parts["health_monitor"][0]))
    alarms = parts["Alarm"] + parts["CompositeAlarm"]
    automatic = any(names(permission, parts["failover"][0]) for permission in parts["Permission"])
    weekdays = {day[:3].upper(): f"{day}s" for day in calendar.day_name}
    return {
        **{name: stack_of(resources[0]).lower() for name, resources in parts.items() if resources},
        "cidr": get("VPC", "CidrBlock"),
        "protocol": max(listener.get("Protocol") for listener in parts["Listener"]),
        "waf": "".join(f" · WAF with {len(acl.get('Rules'))} rules" for acl in parts["WebACL"]),
        "engine": get("DBCluster", "EngineVersion"),
        "data_days": data.get("LifecycleConfiguration.Rules[].NoncurrentVersionExpiration.NoncurrentDays"),
        "log_days": logs.get("LifecycleConfiguration.Rules[].ExpirationInDays"),
        "table_days": get("GlobalTable", "Replicas[].PointInTimeRecoverySpecification.RecoveryPeriodInDays"),
        "rate": rate.removeprefix("rate(").removeprefix("1 ").removesuffix(")"),
        "alarm_count": len(alarms),
        "event_count": sum(names(rule, parts["Topic"][0]) for rule in parts["Rule"]),
        "mode": "automatic" if automatic else "on demand",
        "schedules": len(get("BackupPlan", "BackupPlan.BackupPlanRule")),
        "lock": "locked" if "LockConfiguration" in parts["BackupVault"][0].body["Properties"] else "not locked",
        "weekday": weekdays[get("RestoreTestingPlan", "ScheduleExpression").split()[4]],
    }


def zones_of(parts: dict[str, list[Resource]]) -> list[dict[str, Any]]:
    """Return what is said about each Availability Zone, and where the writer and the reader are."""
    zones = list(dict.fromkeys(subnet.get("AvailabilityZone") for subnet in parts["Subnet"]))
    instances = sorted(parts["DBInstance"], key=lambda instance: instance.get("PromotionTier"))
    writer, *others = (zones.index(instance.get("AvailabilityZone")) + 1 for instance in instances)
    readers = {*others} - {writer}
    tasks = " to ".join(str(parts["ScalableTarget"][0].get(f"{end}Capacity") // len(zones)) for end in ("Min", "Max"))
    shared = {
        "tasks": tasks,
        "writer": writer,
        "reader": min(readers, default=0),
        "last_reader": max(readers, default=0),
    }
    roles = {**dict.fromkeys(readers, "reader"), writer: "writer"}
    uses = {writer: "reads and writes"}
    return [{**shared, "n": n, "role": roles.get(n), "use": uses.get(n, "")} for n in range(1, len(zones) + 1)]


def holds(claim: str, parts: dict[str, list[Resource]], row: dict[str, Any]) -> bool:
    """Tell whether `a names b` is in the templates, or the only word of a claim stands for something."""
    source, _, target = claim.partition(" names ")
    return any(names(a, b) for a in parts[source] for b in parts[target]) if target else bool(row[source])


def story(assembly: Assembly) -> str:
    """Return a deployment's picture as D2 text."""
    parts = parts_of(assembly)
    facts, zones = facts_of(parts), zones_of(parts)
    counts = Counter(stack_of(r) for t in assembly.templates.values() if t.parent for r in t.resources.values())
    stacks = [{"stack": stack, "color": stack.lower(), "count": count} for stack, count in counts.items()]
    lines = []
    for line in STORY.read_text(encoding="utf-8").splitlines():
        text, _, condition = line.partition(" # if ")
        claims = [claim for claim in condition.split(" and ") if claim]
        for row in zones if "$n" in text else stacks if "$stack" in text else zones[:1]:
            if all(holds(claim, parts, row) for claim in claims):
                lines.append(Template(text).substitute(facts | row))
    icons = {path.stem: b64encode(path.read_bytes()).decode() for path in ICONS.glob("*.svg")}
    return re.sub(r"icon: (\w+)", lambda icon: f'icon: "data:image/svg+xml;base64,{icons[icon[1]]}"', "\n".join(lines))


def render(source: str) -> dict[str, Any]:
    """Draw D2 text without a network; raise RuntimeError if D2 is missing or refuses the text."""
    done = subprocess.run(["node", RENDERER], input=source, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"no picture was drawn (`make install` installs what is missing): {done.stderr.strip()}")
    rendered: dict[str, Any] = json.loads(done.stdout)
    return rendered


def picture(rendered: dict[str, Any]) -> str:
    """Return the SVG with our styles; raise RuntimeError for a text that is wider than its box."""
    for box in rendered["boxes"]:
        if box["labelWidth"] > box["width"]:
            raise RuntimeError(f"{box['id']}: its text needs {box['labelWidth']} pixels and has {box['width']}")
    return f"<style>{STYLE}</style></svg>".join(rendered["svg"].rsplit("</svg>", 1))


def main() -> None:
    """Write the picture, or with `--check` leave it and exit with 1 if it is not current."""
    parser = argparse.ArgumentParser(prog="make diagram", description="Draw the architecture picture")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the picture is not current")
    check = parser.parse_args().check
    with tempfile.TemporaryDirectory(prefix="breakwater-diagram-") as folder:
        synthesize(load_settings(PROFILES["prod"]), Path(folder))
        svg = picture(render(story(Assembly.load(folder))))
    if not check:
        PICTURE.write_text(svg, encoding="utf-8")
    elif svg != PICTURE.read_text(encoding="utf-8"):
        sys.exit("docs/architecture.svg is not current: run `make diagram` and commit it")


if __name__ == "__main__":
    main()
