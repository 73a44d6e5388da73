"""The commands of docs/runbook.md: which there are, and a script that runs all of them in the embedded AWS."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ops import REPOSITORY

PAGE = REPOSITORY / "docs" / "runbook.md"
BLOCK = "RUNBOOK_BLOCK"
_PIECE = re.compile(
    r"^(?P<heading>#{2,3} [^\n]+)$|```sh\n(?P<block>.*?)```|`(?P<inline>aws [a-z0-9-]+ [a-z]+-[^`]+)`",
    re.MULTILINE | re.DOTALL,
)

# What a reader puts in, and what the script does. A restore asks before its first request, and prints how to undo it.
REPLACED = {
    ".venv/bin/python": "python",
    'restore aurora --stack "Breakwater-$SUFFIX" --to 2026-01-31T12:34:56Z': (
        'restore aurora --stack "Breakwater-$SUFFIX" --to latest --yes | tee undo'
    ),
    "2026-01-31T12:34:56Z": "latest --yes",
    "the-arn-that-you-choose": (
        '$(aws backup list-recovery-points-by-backup-vault --backup-vault-name "$(output BackupVaultName)" '
        "--by-resource-arn \"$(output DatabaseClusterArn)\" --query 'RecoveryPoints[0].RecoveryPointArn' --output text)"
    ),
    "the-zone-that-fails": "us-east-1a",
    "the-revision-that-worked": (
        '$(aws ecs describe-services --cluster "$(output EcsClusterName)" --services "$(output EcsServiceName)" '
        "--query 'services[0].taskDefinition' --output text)"
    ),
    "the-id-that-you-choose": "EXT123456789abcdef0",
    "the-experiment-that-runs": "EXP123456789abcdef0",
}
# Commands that are left out, since another test runs them against a cluster that nobody needs afterwards.
ELSEWHERE = {"python -m ops restore take-over": "tests/ops/restore/test_emulator.py"}

# A section that is left out, since nothing is there to run anything against after it.
LAST = {"Remove an environment": "tests/environments/check_environments.py"}


@dataclass(frozen=True)
class Block:
    """Commands that stand together.

    Attributes:
        section: its heading.
        text: for a shell.
    """

    section: str
    text: str


class Command(NamedTuple):
    """A call of the AWS CLI, without its values.

    Attributes:
        block: number of the block that it stands in.
        service: of the CLI.
        operation: of the CLI.
        options: their names.
    """

    block: int
    service: str
    operation: str
    options: tuple[str, ...]


def blocks(text: str) -> list[Block]:
    """Return the fenced blocks, and the commands within sentences, in the order of the page."""
    found, section = [], ""
    for piece in _PIECE.finditer(text):
        if piece["heading"]:
            section = piece["heading"].lstrip("# ")
        else:
            found.append(Block(section, piece["block"] or re.sub(r"\s*\n\s*", " ", piece["inline"])))
    return found


def lines(text: str) -> list[str]:
    """Return every call of the AWS CLI in a script, also one inside another, without `aws` and what is around it."""
    joined = re.sub(r"\$\(output (\w+)\)", r"\1", text.replace("\\\n", " "))
    return [_until_end(joined[start.end() :]) for start in re.finditer(r"\baws (?=[a-z])", joined)]


def _until_end(text: str) -> str:
    """Cut a command off where its line, or the substitution that it is in, ends."""
    depth, quote, out = 0, "", []
    for character in text:
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character == "(":
            depth += 1
        elif character == ")":
            depth -= 1
        elif character == "\n" and depth == 0:
            break
        if depth < 0:
            break
        out.append(character)
    return "".join(out)


def words(line: str) -> list[str]:
    """Return the words of a call; a substitution is one word, whatever is in it."""
    flat = re.sub(r"\$\((?:[^()]|\([^()]*\))*\)", "VALUE", line).replace('"', " ").replace("'", " ")
    return shlex.split(flat.replace("\\", " "))


def command(block: int, given: Sequence[str]) -> Command:
    """Return what a call is, without its values."""
    options = {word.partition("=")[0] for word in given if word.startswith("--")}
    return Command(block, given[0], given[1], tuple(sorted(options)))


def commands(found: Sequence[Block]) -> Iterator[Command]:
    """Return every call of the AWS CLI, once for each block."""
    for number, block in enumerate(found):
        yield from dict.fromkeys(command(number, words(line)) for line in lines(block.text))


def script(found: Sequence[Block], before: Mapping[str, str]) -> str:
    """Return a shell script of all blocks, in their order.

    Args:
        found: the blocks.
        before: commands before the first block of a section.
    """
    parts, sections = [], set[str]()
    for number, block in enumerate(found):
        if block.section not in sections:
            sections.add(block.section)
            parts.append(before.get(block.section, ""))
        parts.append(f"export {BLOCK}={number}\n{filled_in(block.text)}\n")
    return "\n".join([*parts, f"export {BLOCK}=-1\n"])


def filled_in(text: str) -> str:
    """Return a block with what a reader puts in, and without the lines that run elsewhere."""
    for placeholder, value in REPLACED.items():
        text = text.replace(placeholder, value)
    return "\n".join(line for line in text.splitlines() if not line.startswith(tuple(ELSEWHERE)))
