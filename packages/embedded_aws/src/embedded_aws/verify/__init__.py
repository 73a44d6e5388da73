"""Reads every deployed resource back through boto3 and compares it with its template."""

from embedded_aws.verify import cloudformation, compute, data, functions, network, observability, recovery, security
from embedded_aws.verify.core import Check, checks_of, verified_types

__all__ = [
    "Check",
    "checks_of",
    "cloudformation",
    "compute",
    "data",
    "functions",
    "network",
    "observability",
    "recovery",
    "security",
    "verified_types",
]
