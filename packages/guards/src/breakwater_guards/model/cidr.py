"""The address ranges that `Fn::Cidr` makes of a larger one."""

from __future__ import annotations

from ipaddress import IPv4Network
from itertools import islice
from typing import Any

from breakwater_guards.model.values import UNKNOWN

MAX_BLOCKS = 256


def blocks(argument: Any) -> Any:
    """Return the ranges, where all is known and they fit, else ``UNKNOWN``.

    Args:
        argument: resolved argument of the function: a range, how many, and the bits that each leaves for hosts.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-cidr.html
    """
    try:
        block, count, bits = argument
        outer, count, bits = IPv4Network(block, strict=False), int(count), int(bits)
        inner = list(islice(outer.subnets(new_prefix=32 - bits), min(count, MAX_BLOCKS)))
    except (TypeError, ValueError):
        return UNKNOWN
    return [str(item) for item in inner] if 0 < count == len(inner) else UNKNOWN
