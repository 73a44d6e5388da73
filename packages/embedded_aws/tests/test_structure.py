"""The package stands alone, and its two sides meet only where both virtual environments can import."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import embedded_aws

PACKAGE = Path(embedded_aws.__file__).parent
BOTH_SIDES = {
    "embedded_aws.address", "embedded_aws.deployment", "embedded_aws.docker", "embedded_aws.fidelity",
    "embedded_aws.loopback", "embedded_aws.preflight_rules", "embedded_aws.verify",
}  # fmt: skip
# The server's environment is compiled from requirements of its own; all else has boto3 and the standard library.
CLIENTS_LIBRARIES = {"boto3", "botocore"}
SERVERS_LIBRARIES = CLIENTS_LIBRARIES | {"cloudformation_validate", "cryptography", "h11", "ministack", "moto"}


def imports(file: Path) -> Iterator[str]:
    """Return the modules that a file imports, as `package.module`."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            if node.module == "embedded_aws":
                yield from (f"embedded_aws.{alias.name}" for alias in node.names)
            else:
                yield str(node.module)


def sides() -> tuple[set[str], set[str]]:
    """Return what the clients' modules import, and what the server's do."""
    clients: set[str] = set()
    server: set[str] = set()
    for file in PACKAGE.rglob("*.py"):
        on_the_server = file.is_relative_to(PACKAGE / "server") or file.name == "__main__.py"
        (server if on_the_server else clients).update(imports(file))
    return clients, server


def third_party(modules: set[str]) -> set[str]:
    """Return the libraries among the modules."""
    return {module.partition(".")[0] for module in modules} - set(sys.stdlib_module_names) - {"embedded_aws"}


def test_clients_need_boto3_and_nothing_of_the_server() -> None:
    clients, _ = sides()
    assert third_party(clients) == CLIENTS_LIBRARIES
    assert not [module for module in clients if module.startswith("embedded_aws.server")]


def test_the_server_needs_its_own_libraries_and_of_the_clients_what_both_can_import() -> None:
    _, server = sides()
    assert third_party(server) <= SERVERS_LIBRARIES
    shared = {module for module in server if module.startswith("embedded_aws.")}
    assert {module for module in shared if not module.startswith("embedded_aws.server")} == BOTH_SIDES
