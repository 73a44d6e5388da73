"""Put into a value as written what a condition says of parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from breakwater_guards.model.values import UNKNOWN

_UNKNOWN = {"Fn::Unknown": ""}  # no function of CloudFormation, so nothing resolves it


def bind(written: Any, given: Mapping[str, Any]) -> Any:
    """Put values in the place of parameters, in all of a value as written."""
    if not given:
        return written
    if isinstance(written, list):
        return [bind(item, given) for item in written]
    if not isinstance(written, dict):
        return written
    if len(written) == 1:
        ((function, argument),) = written.items()
        if function == "Ref" and isinstance(argument, str) and argument in given:
            return _UNKNOWN if given[argument] is UNKNOWN else given[argument]
        if function == "Fn::Sub":
            text, own = argument if isinstance(argument, list) and len(argument) == 2 else (argument, {})
            bound = bind({name: {"Ref": name} for name in given}, given)
            return {function: [text, {**bound, **bind(own, given)}]} if isinstance(own, dict) else written
    return {key: bind(item, given) for key, item in written.items()}
