"""Verification: every deployed resource is read back through boto3 and compared with its declaration."""

from embedded_aws.verify import cloudformation, compute, data, functions, network, observability, recovery, security
from embedded_aws.verify.core import Comparison, compare, verified_types

__all__ = [
    "Comparison",
    "cloudformation",
    "compare",
    "compute",
    "data",
    "functions",
    "network",
    "observability",
    "recovery",
    "security",
    "verified_types",
]
