"""Command-line options that several commands have, each with one name, one help text and one check."""

import argparse
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeAlias, TypeVar

from stacks.names import STACK_PREFIX

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001 (argparse gives it no public name)
Number = TypeVar("Number", int, float)


# Names the stack where `--stack` is not given; `ops local run --stack` sets it.
STACK: Final = "BREAKWATER_STACK"


def add_context(parser: argparse.ArgumentParser) -> None:
    """Add `-c key=value`; `ops.settings.parse_context` reads what it collects."""
    parser.add_argument(
        "-c",
        "--context",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a setting, as for `cdk deploy -c`; repeatable",
    )


def add_assembly(parser: argparse.ArgumentParser) -> None:
    """Add `--assembly`; `ops.preflight.context.plan_of` reads the templates there, or synthesizes them."""
    parser.add_argument(
        "--assembly", type=Path, metavar="FOLDER", help="a cdk.out of the same settings (default: synthesize one)"
    )


def add_stack(parser: argparse.ArgumentParser) -> None:
    """Add `--stack` and `--region`, which choose a deployed stack."""
    parser.add_argument(
        "--stack",
        metavar="NAME",
        default=os.environ.get(STACK) or None,
        help=f"e.g. {STACK_PREFIX}-eu1 (default: ${STACK}, or the only one in the Region)",
    )
    parser.add_argument("--region", metavar="REGION", help="default: the Region of the environment or the profile")


def number_within(convert: Callable[[str], Number], low: Number, high: Number, noun: str) -> Callable[[str], Number]:
    """Return an argparse type.

    Args:
        convert: reads the number.
        low: the lowest one allowed.
        high: the highest one allowed.
        noun: what to call it in the message, e.g. `port`.

    Returns:
        A function from the word to the number; argparse shows the message of its error.
    """

    def parse(word: str) -> Number:
        with suppress(ValueError):
            number = convert(word)
            if low <= number <= high:
                return number
        raise argparse.ArgumentTypeError(f"{word!r} is not a {noun} from {low:g} to {high:g}")

    return parse
