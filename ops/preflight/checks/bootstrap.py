"""What `cdk bootstrap` leaves in the account."""

from __future__ import annotations

import json
from collections.abc import Iterator

from botocore.exceptions import ClientError

from ops.errors import error_code
from ops.preflight.check import Check, Outcome, fail, ok
from ops.preflight.context import CheckContext

QUALIFIER = "hnb659fds"
PARAMETER = f"/cdk-bootstrap/{QUALIFIER}/version"
BOOTSTRAP = "Run `cdk bootstrap aws://<account>/<region>` with the pinned CLI."
SOURCE = "https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-env.html"


def needed_version(context: CheckContext) -> int:
    """Return the bootstrap version that the assembly's manifest asks for; 0 where it asks for none."""
    folder = context.plan.assembly.folder
    manifest = folder / "manifest.json" if folder else None
    if manifest is None or not manifest.is_file():
        return 0
    artifacts = json.loads(manifest.read_text(encoding="utf-8")).get("artifacts", {}).values()
    return max(
        (artifact.get("properties", {}).get("requiresBootstrapStackVersion", 0) for artifact in artifacts), default=0
    )


class BootstrapVersion(Check):
    """Checks that the bootstrap stack exists and is new enough."""

    id = "PF-CDK-01"
    title = "The Region is bootstrapped, in a version that the templates accept"
    why = "`cdk deploy` stops: this stack requires a bootstrap stack, or a newer one."
    fix = BOOTSTRAP
    source = SOURCE
    calls = ("ssm:GetParameter",)

    def run(self, context: CheckContext) -> Iterator[Outcome]:
        """Read the version parameter."""
        needed = needed_version(context)
        answer = context.ask.find("ssm:GetParameter", "ParameterNotFound", Name=PARAMETER)
        if answer is None:
            yield fail(f"{context.ask.region} is not bootstrapped: there is no {PARAMETER}")
            return
        value = answer["Parameter"]["Value"]
        if not value.isdecimal():
            yield fail(f"{PARAMETER} is {value!r}, and `cdk bootstrap` writes a number")
            return
        found = int(value)
        yield (ok if found >= needed else fail)(f"bootstrap version {found}, needed is {needed} or newer")


class BootstrapBucket(Check):
    """Checks that the bucket for assets exists and belongs to the account."""

    id = "PF-CDK-02"
    title = "The bootstrap bucket exists and belongs to the account"
    why = "Publishing assets fails, or they go to a bucket that somebody else created under that name."
    fix = BOOTSTRAP
    source = SOURCE
    calls = ("s3:HeadBucket", "s3:ListBuckets")

    def run(self, context: CheckContext) -> Iterator[Outcome]:
        """Look for the bucket among the account's own, then anywhere.

        HEAD alone does not tell: its 403 has no body, and means a missing permission as well as another owner.
        """
        bucket = f"cdk-{QUALIFIER}-assets-{context.identity['Account']}-{context.ask.region}"
        if any(each["Name"] == bucket for each in context.ask.every("s3:ListBuckets", "Buckets", Prefix=bucket)):
            yield ok(bucket)
            return
        try:
            context.ask("s3:HeadBucket", Bucket=bucket)
        except ClientError as error:
            code = error_code(error)
            if code in ("404", "NoSuchBucket"):
                yield fail(f"{bucket} does not exist")
                return
            if code != "403":
                raise
        yield fail(f"{bucket} belongs to another account")
