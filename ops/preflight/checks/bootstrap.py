"""What deploys: programs on this machine, and what `cdk bootstrap` leaves in the account."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

from botocore.exceptions import ClientError

from ops.errors import error_code
from ops.preflight.check import Check, Outcome, fail, ok
from ops.preflight.context import CheckContext

# aws-cdk-lib writes assemblies that no older CLI reads; 3.0.0 was published by accident and cannot deploy.
OLDEST_CLI, NOT_BEFORE = (2, 1148, 0), (3, 0, 0)
NODES = (22, 24)


def _outcome(context: CheckContext, name: str, fits: Callable[[tuple[int, ...]], bool]) -> Outcome:
    """Return whether the version of a program fits, of the first program with that name on the PATH."""
    path = context.program(name)
    if path is None:
        return fail(f"no {name} is on the PATH")
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", context.version(path))
    if found is None:
        return fail(f"{name} is of no readable version")
    return (ok if fits(tuple(map(int, found.groups()))) else fail)(f"{name} is {found[0]}")


class CdkCli(Check):
    """Checks the version of the CDK CLI."""

    id = "PF-CLI-01"
    title = "The cdk on the PATH is 2.1148.0 or newer, and not 3"
    why = "An older CLI does not read the assembly of aws-cdk-lib 2.275; 3.0.0, published by accident, cannot deploy."
    fix = "Run `make install`, then `. .venv/bin/activate`: the pinned CLI comes with it."
    source = "https://docs.aws.amazon.com/cdk/v2/guide/versioning.html"

    def run(self, context: CheckContext) -> Iterator[Outcome]:
        """Look at `cdk --version`."""
        yield _outcome(context, "cdk", lambda found: OLDEST_CLI <= found < NOT_BEFORE)


class Node(Check):
    """Checks the version of Node.js, which the CLI and jsii run on."""

    id = "PF-CLI-02"
    title = "The node on the PATH is 22 or 24"
    why = "jsii supports these versions only; others fail at synth, some of them without a message."
    fix = "Run `make install`, then `. .venv/bin/activate`: the pinned Node comes with it."
    source = "https://github.com/aws/jsii#requirements"

    def run(self, context: CheckContext) -> Iterator[Outcome]:
        """Look at `node --version`."""
        yield _outcome(context, "node", lambda found: found[0] in NODES)


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
            if code == "404":
                yield fail(f"{bucket} does not exist")
                return
            if code != "403":
                raise
        yield fail(f"{bucket} belongs to another account")
