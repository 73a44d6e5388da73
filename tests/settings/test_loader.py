"""Where a value comes from: default, environment file, context; and whose fault a bad one is."""

from __future__ import annotations

from collections.abc import Mapping

import pydantic
import pytest

from stacks.profiles import NEEDED, cdk_context
from stacks.settings import SettingsError, load_settings
from stacks.settings.loader import ENVIRONMENTS
from tests.settings.conftest import EnvironmentFile, given, line, refused


def test_context_beats_file_beats_default(environment_file: EnvironmentFile) -> None:
    assert load_settings({}).database.port == 5433
    folder = environment_file(("[database]\n", "[database]\nport = 6000\n"))
    assert load_settings({}, directory=folder).database.port == 6000
    assert load_settings({"database.port": "7000"}, directory=folder).database.port == 7000


def test_top_level_keys_take_the_same_way(environment_file: EnvironmentFile) -> None:
    assert (load_settings({}).suffix, load_settings({}).region) == ("dev", "us-east-1")
    folder = environment_file(("[removal]", 'suffix = "file"\n[removal]'))
    assert load_settings({}, directory=folder).suffix == "file"
    assert load_settings({"suffix": "ctx"}, directory=folder).suffix == "ctx"


def test_environment_chooses_the_file() -> None:
    assert load_settings({}).environment == "dev"
    chosen = load_settings({"environment": "staging", **NEEDED})
    assert chosen.environment == "staging"
    assert chosen.database.max_acu == 8


def test_a_context_key_leaves_the_rest_of_its_section_alone() -> None:
    assert load_settings({"database.readers": "2"}).database == load_settings({}).database.model_copy(
        update={"readers": 2}
    )


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("suffix", "eu1", "eu1"),
        ("account", "111111111111", "111111111111"),
        ("database.max_acu", "4", 4.0),
        ("database.max_acu", "4.5", 4.5),
        ("kms.pending_window_days", "30", 30),
        ("compute.exec_enabled", "false", False),
        ("backup.lock", "off", "off"),
        ("network.egress", "nat", "nat"),
        ("compute.image", "123", "123"),
        ("compute.cpu", "256", 256),
        ("network.zones", "us-east-1a,us-east-1b", ("us-east-1a", "us-east-1b")),
        ("network.zones", "us-east-1a, us-east-1b", ("us-east-1a", "us-east-1b")),
        ("network.zones", '["us-east-1a", "us-east-1b"]', ("us-east-1a", "us-east-1b")),
        ("network.zones", "", ()),
        ("network.zones", "[]", ()),
        ("compute.command", "1", ("1",)),
        ("compute.command", '["sh", "-c", "a, b"]', ("sh", "-c", "a, b")),
    ],
)
def test_command_line_text_becomes_what_the_setting_wants(key: str, text: str, value: object) -> None:
    read = load_settings({key: text})
    for part in key.split("."):
        read = getattr(read, part)
    assert read == value
    assert type(read) is type(value) or key == "network.egress"


def test_typed_context_from_cdk_json() -> None:
    typed = {
        "database.max_acu": 4,
        "compute.exec_enabled": True,
        "monitoring.emails": ["dr@mycompany.com"],
        "account": None,
    }
    settings = load_settings(typed)
    assert settings.database.max_acu == 4
    assert settings.compute.exec_enabled is True
    assert settings.monitoring.emails == ("dr@mycompany.com",)
    assert settings.account is None


@pytest.mark.parametrize(
    "key",
    [
        "aws:cdk:enable-path-metadata",
        "aws-cdk:enableDiffNoFail",
        "@aws-cdk/core:target-partitions",
        "@mycompany/constructs:flag",
        "availability-zones:account=111111111111:region=us-east-1",
        "acknowledged-issue-numbers",
        "cli-telemetry",
    ],
)
def test_context_of_cdk_itself_is_ignored(key: str) -> None:
    assert load_settings({key: ["anything"]}) == load_settings({})


def test_the_context_of_cdk_json_is_ignored() -> None:
    assert load_settings(cdk_context()) == load_settings({})


@pytest.mark.parametrize("key", ["database:max_acu", "database/max_acu", "cli-telemetry-off", "my:flag"])
def test_what_only_looks_like_context_of_cdk_is_not(key: str) -> None:
    assert [message.split(" = ")[0] for message in refused({key: "4"})] == [key]


@pytest.mark.parametrize(
    ("context", "in_file", "default", "account"),
    [
        ({}, None, None, None),
        ({}, None, "111111111111", "111111111111"),
        ({}, "222222222222", "111111111111", "222222222222"),
        ({"account": "333333333333"}, "222222222222", "111111111111", "333333333333"),
        ({"account": "333333333333"}, None, "111111111111", "333333333333"),
    ],
)
def test_account_comes_from_context_then_file_then_the_cli(
    environment_file: EnvironmentFile,
    context: Mapping[str, str],
    in_file: str | None,
    default: str | None,
    account: str | None,
) -> None:
    folder = environment_file(("[removal]", f'account = "{in_file}"\n[removal]')) if in_file else ENVIRONMENTS
    assert load_settings(context, default_account=default, directory=folder).account == account


def test_a_bad_account_of_the_cli_names_its_variable() -> None:
    allowed = "text like '111111111111' (pattern ^[0-9]{12}$)"
    assert refused({}, default_account="") == [line("account", '""', allowed, "CDK_DEFAULT_ACCOUNT")]
    assert refused({"account": "1"}, default_account="2") == [line("account", '"1"', allowed)]


def test_settings_are_frozen_at_every_level() -> None:
    settings = load_settings({"monitoring.emails": ["dr@mycompany.com"]})
    with pytest.raises(pydantic.ValidationError, match="frozen"):
        settings.suffix = "other"  # type: ignore[misc]
    with pytest.raises(pydantic.ValidationError, match="frozen"):
        settings.database.max_acu = 3.0  # type: ignore[misc]
    assert hash(settings) == hash(load_settings({"monitoring.emails": "dr@mycompany.com"}))


def test_all_problems_are_told_at_once() -> None:
    unknown = refused({"databse.max_acu": "4", "nonsense": 1, "suffix": "EU"})
    assert unknown == [
        line(
            "databse.max_acu",
            '"4"',
            "the name of a setting, perhaps database.max_acu or database.min_acu or database.data_api",
        ),
        line("nonsense", "1", "the name of a setting (docs/settings.md lists them)"),
    ]
    invalid = refused({"suffix": "EU", "database.readers": "0"})
    assert [message.split(" = ")[0] for message in invalid] == ["suffix", "database.readers"]
    contradictory = refused({"suffix": "eu-", "database.port": "5432", "compute.memory": "513"})
    assert [message.split(" = ")[0] for message in contradictory] == ["suffix", "database.port", "compute.memory"]


def test_the_error_carries_its_problems() -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({"kms.pending_window_days": "6"})
    (problem,) = caught.value.problems
    assert vars(problem) == {
        "key": "kms.pending_window_days",
        "value": 6,
        "allowed": "a whole number from 7 to 30",
        "where": given("kms.pending_window_days"),
    }


def test_an_endless_value_is_cut() -> None:
    (message,) = refused({"suffix": "x" * 1000})
    assert f'suffix = "{"x" * 119}… cannot be used' in message
    (message,) = refused({"suffix": "X" * 118})
    assert f'suffix = "{"X" * 118}" cannot be used' in message


def test_a_value_of_several_lines_stays_on_one() -> None:
    (message,) = refused({"suffix": "a\nb"})
    assert message.startswith(r'suffix = "a\nb" cannot be used')
