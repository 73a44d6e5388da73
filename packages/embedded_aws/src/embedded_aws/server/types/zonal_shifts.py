"""Amazon Application Recovery Controller: zonal shifts of load balancers, whose targets in the zone get no requests.

The configuration of an autoshift is kept and shown; nothing shifts or practices by itself.

https://docs.aws.amazon.com/arc-zonal-shift/latest/api/API_Operations.html
https://docs.aws.amazon.com/r53recovery/latest/dg/arc-zonal-shift.resource-types.app-load-balancers.html
"""

import json
import re
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias
from urllib.parse import unquote
from uuid import uuid4

from embedded_aws.server import metadata, upstream
from embedded_aws.server.balancer.service import balancer_attributes, running
from embedded_aws.server.registry import Declared

Shift: TypeAlias = dict[str, Any]
Reply: TypeAlias = tuple[int, dict[str, Any]]

_SERVICE: Final = "arc-zonal-shift"
_AUTOSHIFT: Final = "AWS::ARCZonalShift::ZonalAutoshiftConfiguration"
_ENABLED: Final = "zonal_shift.config.enabled"
_DURATION: Final = re.compile(r"([1-9][0-9]*)(m|h)")
_SECONDS: Final = {"m": 60, "h": 3600}
_LONGEST: Final = 3 * 24 * 3600
_shifts: dict[str, Shift] = {}


class _RefusedError(Exception):
    def __init__(self, status: int, code: str, message: str, **more: str) -> None:
        super().__init__(message)
        self.status, self.code, self.more = status, code, more


def install() -> None:
    """Answer for the service, keep its type, and let load balancers ask which zones they have left."""
    metadata.keep(_AUTOSHIFT, identify=_managed_resource, attributes=lambda _: {}, create_only=("ResourceIdentifier",))
    upstream.service_patterns[_SERVICE] = {"host_patterns": [rf"{_SERVICE}\."], "credential_scope": _SERVICE}
    upstream.service_handlers[_SERVICE] = _handle
    running().shifted_zones = shifted_zones


def shifted_zones(balancer: str) -> set[str]:
    """Return the ids of the zones that a load balancer has left."""
    return {each["awayFrom"] for each in _active(balancer)}


async def _handle(method: str, path: str, _headers: dict[str, str], body: bytes, query: Mapping[str, Any]) -> Any:
    _, kind, *rest = path.split("/", 2)
    named = unquote(rest[0]) if rest else ""
    answers: dict[tuple[str, str, bool], Callable[[], Reply]] = {
        ("POST", "zonalshifts", False): lambda: (201, _start(json.loads(body or b"{}"))),
        ("GET", "zonalshifts", False): lambda: (200, _list(query)),
        ("DELETE", "zonalshifts", True): lambda: (200, _cancel(named)),
        ("GET", "managedresources", True): lambda: (200, _managed(named)),
    }
    answer = answers.get((method, kind, bool(named)))
    try:
        if answer is None:
            raise _RefusedError(
                501, "NotImplementedException", f"The embedded AWS has no {method} {path} of {_SERVICE}."
            )
        status, said = answer()
    except _RefusedError as refused:
        return upstream.error_response(refused.code, str(refused), refused.status, refused.more)
    return upstream.json_response(said, status)


def _start(request: Mapping[str, str]) -> Shift:
    balancer, away = request["resourceIdentifier"], request["awayFrom"]
    zones = _zones(balancer)
    if away not in zones:
        message = f"{away} is no Availability Zone of the resource: it has {', '.join(sorted(zones))}"
        raise _RefusedError(400, "ValidationException", message, reason="InvalidAz")
    duration = _DURATION.fullmatch(request["expiresIn"])
    seconds = int(duration[1]) * _SECONDS[duration[2]] if duration else 0
    if not 0 < seconds <= _LONGEST:
        message = f"expiresIn {request['expiresIn']} is not a time of at most three days, such as 30m or 12h"
        raise _RefusedError(400, "ValidationException", message, reason="InvalidExpiresIn")
    if active := _active(balancer):
        message, reason = "A zonal shift is active for the resource already", "ZonalShiftAlreadyExists"
        other = active[0]["zonalShiftId"]
        raise _RefusedError(409, "ConflictException", message, reason=reason, zonalShiftId=other)
    now = time.time()
    shift = {
        "zonalShiftId": str(uuid4()),
        "resourceIdentifier": balancer,
        "awayFrom": away,
        "startTime": now,
        "expiryTime": now + seconds,
        "status": "ACTIVE",
        "comment": request["comment"],
    }
    _shifts[str(shift["zonalShiftId"])] = shift
    return shift


def _cancel(identifier: str) -> Shift:
    shift = _shifts.get(identifier)
    if shift is None:
        raise _RefusedError(404, "ResourceNotFoundException", f"The zonal shift {identifier} does not exist")
    if not _is_active(shift):
        message = f"The zonal shift {identifier} is not active"
        raise _RefusedError(409, "ConflictException", message, reason="ZonalShiftStatusNotActive")
    shift["status"] = "CANCELED"
    return shift


def _list(query: Mapping[str, Any]) -> dict[str, Any]:
    asked = {name: each[0] if isinstance(each, list) else each for name, each in query.items()}
    items = [{**each, "status": _status(each)} for each in _shifts.values()]
    wanted = {name: asked[name] for name in ("status", "resourceIdentifier") if name in asked}
    return {"items": [each for each in items if wanted.items() <= each.items()]}


def _managed_resource(declared: Declared) -> str:
    """Return the load balancer of a configuration, which must take part in zonal shifts."""
    balancer = str(declared.properties["ResourceIdentifier"])
    _zones(balancer)
    return balancer


def _managed(balancer: str) -> dict[str, Any]:
    zones, away = _zones(balancer), shifted_zones(balancer)
    declared = metadata.find(_AUTOSHIFT, balancer) or {}
    practice = declared.get("PracticeRunConfiguration")
    return {
        "arn": balancer,
        "name": upstream.load_balancers[balancer]["LoadBalancerName"],
        "appliedWeights": {zone: 0.0 if zone in away else 1.0 for zone in sorted(zones)},
        "zonalShifts": [
            {**{name: value for name, value in each.items() if name != "status"}, "appliedStatus": "APPLIED"}
            for each in _active(balancer)
        ],
        "autoshifts": [],
        "zonalAutoshiftStatus": declared.get("ZonalAutoshiftStatus", "DISABLED"),
        **({"practiceRunConfiguration": _spelled(practice)} if practice else {}),
    }


def _spelled(value: Any) -> Any:
    """Return a declaration with the names as the API spells them."""
    if isinstance(value, list):
        return [_spelled(each) for each in value]
    if isinstance(value, dict):
        return {f"{name[0].lower()}{name[1:]}": _spelled(each) for name, each in value.items()}
    return value


def _active(balancer: str) -> list[Shift]:
    return [each for each in _shifts.values() if each["resourceIdentifier"] == balancer and _is_active(each)]


def _zones(balancer: str) -> set[str]:
    """Return the ids of the zones of a load balancer that takes part in zonal shifts."""
    record = upstream.load_balancers.get(balancer)
    if record is None or balancer_attributes(balancer)[_ENABLED] != "true":
        message = f"{balancer} is no load balancer whose attribute {_ENABLED} is true"
        raise _RefusedError(404, "ResourceNotFoundException", message)
    return {upstream.subnets[subnet]["AvailabilityZoneId"] for subnet in record["Subnets"]}


def _status(shift: Shift) -> str:
    expired = shift["status"] == "ACTIVE" and time.time() >= shift["expiryTime"]
    return "EXPIRED" if expired else str(shift["status"])


def _is_active(shift: Shift) -> bool:
    return _status(shift) == "ACTIVE"
