"""What each setting accepts on its own: every limit from both sides, every choice, every pattern."""

from __future__ import annotations

from typing import Any, get_args, get_origin

import pytest

from stacks.settings import Problem, SettingsError, load_settings
from stacks.settings.fields import FIELDS, SECTIONS, allowed
from stacks.settings.foundation import LogRetentionDays
from tests.settings.conftest import line, refused
from tests.settings.limits import CHOICES, DEFAULTS, LISTS, RETENTION, STEPPED, SWITCHES, TEXTS, WHOLE


def accepted(key: str, value: object) -> bool:
    """Whether the setting takes the value, on its own: contradictions with other settings do not count."""
    try:
        load_settings({key: value})
    except SettingsError as error:
        own = {allowed(key), allowed(key, item=True) if key in LISTS else ""}
        problems = [problem for problem in error.problems if isinstance(problem, Problem)]
        return not any(problem.key == key and problem.allowed in own for problem in problems)
    return True


def test_every_setting_is_tested_here() -> None:
    assert set(FIELDS) == {*WHOLE, *STEPPED, *CHOICES, *SWITCHES, *TEXTS, *LISTS}


def test_defaults() -> None:
    assert {key: field.default for key, field in FIELDS.items() if not field.is_required()} == DEFAULTS


@pytest.mark.parametrize(("key", "limits"), WHOLE.items())
def test_whole_numbers(key: str, limits: tuple[int, int | None]) -> None:
    low, high = limits
    assert accepted(key, low)
    assert accepted(key, str(low))
    assert not accepted(key, low - 1)
    assert accepted(key, 10**9 if high is None else high)
    assert high is None or not accepted(key, high + 1)
    assert not any(accepted(key, value) for value in (True, float(low), low + 0.5, None, [low], "many"))
    words = f"a whole number of {low} or more" if high is None else f"a whole number from {low} to {high}"
    assert allowed(key) == words


@pytest.mark.parametrize("key", STEPPED)
def test_capacity_in_steps(key: str) -> None:
    assert all(accepted(key, value) for value in (0.5, 1, 1.5, "1.0", 255.5, 256))
    assert not any(accepted(key, value) for value in (0, 0.25, 0.7, 1.25, 256.5, -1, True, None, "one", "nan", "inf"))
    assert allowed(key) == "a number from 0.5 to 256 in steps of 0.5"


@pytest.mark.parametrize(("key", "choices"), [(key, CHOICES[key]) for key in CHOICES if key != "environment"])
def test_choices(key: str, choices: tuple[object, ...]) -> None:
    assert all(accepted(key, choice) and accepted(key, str(choice)) for choice in choices)
    assert not any(accepted(key, value) for value in ("other", "", 2, 1.0, 256.0, True, False, None, [choices[0]]))
    assert allowed(key) == f"{', '.join(map(repr, choices[:-1]))} or {choices[-1]!r}"


def test_every_retention_of_cloudwatch_logs() -> None:
    assert get_args(get_args(LogRetentionDays)[0]) == RETENTION


@pytest.mark.parametrize("key", SWITCHES)
def test_switches(key: str) -> None:
    assert all(accepted(key, value) for value in (True, False, "true", "false"))
    assert not any(accepted(key, value) for value in ("True", "yes", "on", "", "1", 1, 0, None))
    assert allowed(key) == "true or false"


@pytest.mark.parametrize(("key", "good", "bad"), [(key, *texts) for key, texts in TEXTS.items()])
def test_texts(key: str, good: list[str], bad: list[str]) -> None:
    for text in good:
        assert accepted(key, text), text
    for text in bad:
        assert not accepted(key, text), text
    assert not any(accepted(key, value) for value in (1, True, ["a"]))
    assert accepted(key, None) is (
        key in ("account", "compute.image", "compute.certificate_arn", "compute.domain_name", "compute.hosted_zone_id")
        or key in ("permissions_boundary", "backup.copy_vault_arn")
        or key.startswith("operations.validation_")
    )


@pytest.mark.parametrize(("key", "good", "bad"), [(key, *items) for key, items in LISTS.items()])
def test_lists(key: str, good: list[str], bad: list[str]) -> None:
    assert accepted(key, [])
    assert accepted(key, good)
    for item in (*bad, 1, None, ["a"]):
        assert not accepted(key, [good[0], item]), item
    assert not any(accepted(key, value) for value in (1, True, {"a": 1}))
    assert allowed(key) == f"a list, each item {allowed(key, item=True)}"


def test_text_may_be_anything_where_nothing_is_said() -> None:
    assert allowed("compute.command", item=True) == "text"
    assert allowed("compute.image") == "text that is not empty"


def test_an_example_fits_the_pattern_beside_it() -> None:
    for key in TEXTS:
        if "text like" in allowed(key):
            example = allowed(key).split("'")[1]
            assert accepted(key, example), key


def test_the_limit_beside_a_pattern_is_told() -> None:
    assert allowed("database.master_username") == (
        "text like 'breakwater' (pattern ^[a-z][a-z0-9_]{0,62}$, at most 16 characters)"
    )
    assert allowed("suffix") == "text like 'eu1' (pattern ^[a-z][a-z0-9-]{0,11}$)"


def test_a_bad_item_of_a_list_is_shown_alone() -> None:
    assert refused({"database.log_exports": "postgresql,upgrade"}) == [
        line("database.log_exports", '"upgrade"', "'postgresql', 'instance' or 'iam-db-auth-error'")
    ]


def test_sections() -> None:
    assert SECTIONS == (
        "project",
        "removal",
        "kms",
        "network",
        "monitoring",
        "database",
        "storage",
        "compute",
        "backup",
        "recovery",
        "operations",
    )


def test_every_setting_says_what_it_is() -> None:
    for key, field in FIELDS.items():
        assert field.description, key
        assert field.description.endswith("."), key


def test_lists_are_tuples() -> None:
    """A list inside frozen settings could be changed behind their back."""
    kinds: dict[str, Any] = {key: get_origin(field.annotation) for key, field in FIELDS.items()}
    assert {key for key, kind in kinds.items() if kind is tuple} == set(LISTS)
    assert not any(kind in (list, dict, set) for kind in kinds.values())
