"""What `cdk bootstrap` leaves in the account."""

from __future__ import annotations

import json
from collections.abc import Iterator

from botocore.exceptions import ClientError

from ops.preflight.check import Check, Finding, fail, ok
from ops.preflight.world import World

QUALIFIER = "hnb659fds"
PARAMETER = f"/cdk-bootstrap/{QUALIFIER}/version"
BOOTSTRAP = "Run `cdk bootstrap aws://<account>/<region>` with the pinned CLI."
SOURCE = "https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-env.html"


def needed_version(world: World) -> int:
    """Return the version that the assembly's manifest asks for; 0 where it asks for none."""
    folder = world.plan.assembly.folder
    manifest = folder / "manifest.json" if folder else None
    if manifest is None or not manifest.is_file():
        return 0
    artifacts = json.loads(manifest.read_text(encoding="utf-8")).get("artifacts", {}).values()
    return max(
        (artifact.get("properties", {}).get("requiresBootstrapStackVersion", 0) for artifact in artifacts), default=0
    )


class BootstrapVersion(Check):
    """The bootstrap stack is there, and new enough."""

    id = "PF-CDK-01"
    title = "The region is bootstrapped, in a version that the templates accept"
    why = "`cdk deploy` stops: this stack requires a bootstrap stack, or a newer one."
    fix = BOOTSTRAP
    source = SOURCE
    calls = ("ssm:GetParameter",)

    def run(self, world: World) -> Iterator[Finding]:
        """Read the version parameter."""
        needed = needed_version(world)
        try:
            found = int(world.ask("ssm:GetParameter", Name=PARAMETER)["Parameter"]["Value"])
        except ClientError as error:
            if error.response["Error"]["Code"] != "ParameterNotFound":
                raise
            yield fail(f"{world.ask.region} is not bootstrapped: there is no {PARAMETER}")
            return
        yield (ok if found >= needed else fail)(f"bootstrap version {found}, needed is {needed} or newer")


class BootstrapBucket(Check):
    """The bucket that assets go to."""

    id = "PF-CDK-02"
    title = "The bootstrap bucket exists and is ours"
    why = "Publishing assets fails, or goes to a bucket that somebody else took under that name."
    fix = BOOTSTRAP
    source = SOURCE
    calls = ("s3:HeadBucket",)

    def run(self, world: World) -> Iterator[Finding]:
        """Look at the bucket, as its owner."""
        account = world.identity["Account"]
        bucket = f"cdk-{QUALIFIER}-assets-{account}-{world.ask.region}"
        try:
            world.ask("s3:HeadBucket", Bucket=bucket, ExpectedBucketOwner=account)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code not in ("404", "403", "NoSuchBucket"):
                raise
            told = "does not exist" if code != "403" else "is another account's, or may not be looked at"
            yield fail(f"{bucket} {told}")
            return
        yield ok(bucket)
