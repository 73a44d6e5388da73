"""Values of parameters that a template does not allow, refused in AWS's words.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_NUMBERS = ("Number", "List<Number>")
_LISTS = ("CommaDelimitedList", "List<")


def check(template: Mapping[str, Any], given: Sequence[Mapping[str, Any]]) -> None:
    """Refuse values that are missing, unknown, or outside what a parameter allows.

    Args:
        template: the parsed template.
        given: the call's parameters, each with `Key`, and `Value` or `UsePreviousValue`.

    Raises:
        ValueError: what is wrong, in AWS's words.
    """
    declared = template.get("Parameters", {})
    names = [str(each["Key"]) for each in given]
    unknown = [name for name in names if name not in declared]
    if unknown:
        raise ValueError(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    missing = [name for name, parameter in declared.items() if name not in names and "Default" not in parameter]
    if missing:
        raise ValueError(f"Parameters: [{', '.join(missing)}] must have values")
    values = {each["Key"]: each.get("Value", "") for each in given if not each.get("UsePreviousValue")}
    for name, parameter in declared.items():
        # A previous value was allowed when it was given; a name in Parameter Store is not the value itself.
        if (name in values or name not in names) and not parameter["Type"].startswith("AWS::SSM::Parameter::Value<"):
            for reason in _reasons(parameter, str(values.get(name, parameter.get("Default", "")))):
                raise ValueError(_message(name, parameter, reason))


def _message(name: str, parameter: Mapping[str, Any], reason: str) -> str:
    described = parameter.get("ConstraintDescription")
    # Measured: the name stands in quotation marks only in the messages that AWS writes itself.
    return (
        f"Parameter {name} failed to satisfy constraint: {described}" if described else f"Parameter '{name}' {reason}"
    )


def _reasons(parameter: Mapping[str, Any], value: str) -> Iterator[str]:
    kind = str(parameter["Type"])
    members = [member.strip() for member in value.split(",")] if kind.startswith(_LISTS) else [value]
    if kind in _NUMBERS:
        if not all(_is_number(member) for member in members):
            yield "must be a number." if kind == "Number" else "must be a list of numbers."
            return
        yield from _outside(parameter, [float(member) for member in members])
    elif kind == "String":
        if len(value) < int(parameter.get("MinLength", 0)):
            yield f"must contain at least {parameter['MinLength']} characters"
        if len(value) > int(parameter.get("MaxLength", len(value))):
            yield f"must contain at most {parameter['MaxLength']} characters"
    allowed = [_text(each) for each in parameter.get("AllowedValues", [])]
    if allowed and not set(members) <= set(allowed):
        yield "must be one of AllowedValues"
    pattern = parameter.get("AllowedPattern")
    if pattern and not all(re.fullmatch(str(pattern), member) for member in members):
        yield f"must match pattern {pattern}"


def _outside(parameter: Mapping[str, Any], numbers: Sequence[float]) -> Iterator[str]:
    if "MinValue" in parameter and min(numbers) < float(parameter["MinValue"]):
        yield f"must be a number not less than {parameter['MinValue']}"
    if "MaxValue" in parameter and max(numbers) > float(parameter["MaxValue"]):
        yield f"must be a number not greater than {parameter['MaxValue']}"


def _is_number(text: str) -> bool:
    return bool(re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", text))


def _text(value: Any) -> str:
    """Return a template's value as CloudFormation compares it: YAML's booleans are words."""
    return str(value).lower() if isinstance(value, bool) else str(value)
