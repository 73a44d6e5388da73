"""The programs on this machine that deploy."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

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
