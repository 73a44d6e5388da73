"""`python -m ops local status`: the stacks of the embedded AWS."""

from collections.abc import Iterable
from typing import Any

from rich import box
from rich.table import Table


def stacks_table(stacks: Iterable[dict[str, Any]]) -> Table:
    """Root and nested stacks with their status.

    Args:
        stacks: as `describe_stacks` gives them.
    """
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("Stack", overflow="fold")
    table.add_column("Status")
    table.add_column("Last changed (UTC)")
    for stack in stacks:
        changed = stack.get("LastUpdatedTime", stack["CreationTime"])
        table.add_row(_short(stack["StackName"]), stack["StackStatus"], f"{changed:%H:%M:%S}")
    return table


def _short(stack_name: str) -> str:
    """A nested stack's generated name, cut to the part that says which: `Breakwater-dev / Database`."""
    root, nested, _ = stack_name.partition("NestedStack")
    return " / ".join(root.rsplit("-", 1)) if nested else stack_name
