"""The list of types that the embedded AWS accepts: complete for the dev app, and in the documentation."""

from __future__ import annotations

from embedded_aws import fidelity
from embedded_testing.listed import OTHERS
from ops import REPOSITORY
from tests.assembly import Assembly


def types_of(dev: Assembly) -> set[str]:
    return {each["Type"] for template in dev.templates.values() for each in template.resources.values()}


def test_every_type_of_the_dev_app_is_listed(dev: Assembly) -> None:
    assert types_of(dev) - fidelity.load().keys() == set()


def test_every_listed_type_is_deployed_by_a_test(dev: Assembly) -> None:
    """The dev app is deployed by test_dev_app, the others by the package's own tests."""
    assert types_of(dev) | {each["Type"] for each in OTHERS.values()} == set(fidelity.load())


def test_the_documentation_has_the_whole_list() -> None:
    assert fidelity.markdown(fidelity.load()) in (REPOSITORY / "docs" / "local.md").read_text()
