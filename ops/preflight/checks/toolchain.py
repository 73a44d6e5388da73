"""The programs on this machine that deploy."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from ops.preflight.check import Check, Outcome, fail, ok
from ops.preflight.context import CheckContext

# 3.0.0 is an accidental publish and does not work; the library asks for no older schema than this one writes.
OLDEST_CLI, NOT_BEFORE = (2, 1148, 0), (3, 0, 0)
NODES = (22, 24)


def _version(context: CheckContext, program: str) -> tuple[int, ...] | None:
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", context.version(program))
    return tuple(map(int, found.groups())) if found else None


def _judged(context: CheckContext, name: str, fits: Callable[[tuple[int, ...]], bool]) -> Outcome:
    """Judge the version of the program that the PATH finds."""
    where = context.program(name)
    if where is None:
        return fail(f"no {name} is on the PATH")
    found = _version(context, where)
    shown = ".".join(map(str, found)) if found else "of no readable version"
    return (ok if found is not None and fits(found) else fail)(f"{name} is {shown}")


class CdkCli(Check):
    """The CDK CLI."""

    id = "PF-CLI-01"
    title = "The cdk on the PATH is 2.1148.0 or newer, and not 3"
    why = "An older CLI does not read the assembly of aws-cdk-lib 2.275; 3.0.0, an accidental publish, cannot deploy."
    fix = "Run `make install`, then `. .venv/bin/activate`: the pinned CLI comes with it."
    source = "https://docs.aws.amazon.com/cdk/v2/guide/versioning.html"

    def run(self, context: CheckContext) -> Iterator[Outcome]:
        """Look at `cdk --version`."""
        yield _judged(context, "cdk", lambda found: OLDEST_CLI <= found < NOT_BEFORE)


class Node(Check):
    """Node.js, which the CLI and jsii run on."""

    id = "PF-CLI-02"
    title = "The node on the PATH is 22 or 24"
    why = "jsii supports these versions only; others fail at synth, some of them without a message."
    fix = "Run `make install`, then `. .venv/bin/activate`: the pinned Node comes with it."
    source = "https://github.com/aws/jsii#requirements"

    def run(self, context: CheckContext) -> Iterator[Outcome]:
        """Look at `node --version`."""
        yield _judged(context, "node", lambda found: found[0] in NODES)
