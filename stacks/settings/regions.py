"""AWS Regions of the partitions in which the platform can be deployed; a test compares them with botocore's."""

from __future__ import annotations

import difflib

PARTITIONS = ("aws", "aws-cn", "aws-us-gov")
REGIONS = frozenset(
    """
    af-south-1 ap-east-1 ap-east-2 ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-south-2 ap-southeast-1
    ap-southeast-2 ap-southeast-3 ap-southeast-4 ap-southeast-5 ap-southeast-6 ap-southeast-7 ca-central-1 ca-west-1
    cn-north-1 cn-northwest-1 eu-central-1 eu-central-2 eu-north-1 eu-south-1 eu-south-2 eu-west-1 eu-west-2 eu-west-3
    il-central-1 me-central-1 me-south-1 mx-central-1 sa-east-1 us-east-1 us-east-2 us-gov-east-1 us-gov-west-1
    us-west-1 us-west-2
    """.split()  # noqa: SIM905 (forty pairs of quotes would hide the words)
)
# Names of endpoints and images end differently there, and none of it was tried.
ELSEWHERE = {
    "us-iso-": "aws-iso",
    "us-isob-": "aws-iso-b",
    "eu-isoe-": "aws-iso-e",
    "us-isof-": "aws-iso-f",
    "eusc-": "aws-eusc",
}


def partition_of(region: str) -> str:
    """Return the partition of one of `REGIONS`."""
    return next((f"aws-{name}" for name in ("cn", "us-gov") if region.startswith(f"{name}-")), "aws")


def region_problem(region: str) -> str | None:
    """Return what a Region should be where nothing can be deployed in it; None where it is fine."""
    if region in REGIONS:
        return None
    for beginning, partition in ELSEWHERE.items():
        if region.startswith(beginning):
            return f"a Region of the partitions {', '.join(PARTITIONS)}: {partition} is not supported"
    near = difflib.get_close_matches(region, REGIONS, n=3)
    return "a Region that AWS has" + (f", perhaps {' or '.join(sorted(near))}" if near else "")
