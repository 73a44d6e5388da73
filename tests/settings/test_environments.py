"""The three environments and their files: what each sets, and what is said of a bad file."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from stacks.profiles import NEEDED
from stacks.settings import EgressMode, Settings, load_settings
from stacks.settings.loader import ENVIRONMENTS
from tests.settings.conftest import EnvironmentFile, line, refused


def _load(environment: str) -> Settings:
    return load_settings({"environment": environment, **({} if environment == "dev" else NEEDED)})


@pytest.mark.parametrize(
    ("environment", "data", "deletion_protection", "termination_protection", "kms_days"),
    [
        ("dev", "destroy", False, False, 7),
        ("staging", "snapshot", False, False, 30),
        ("prod", "retain", True, True, 30),
    ],
)
def test_removal(
    environment: str, data: str, *, deletion_protection: bool, termination_protection: bool, kms_days: int
) -> None:
    settings = _load(environment)
    assert settings.removal.data == data
    assert settings.removal.deletion_protection is deletion_protection
    assert settings.removal.termination_protection is termination_protection
    assert settings.kms.pending_window_days == kms_days


@pytest.mark.parametrize(
    ("environment", "egress", "empties_default_group"),
    [
        ("dev", EgressMode.PUBLIC_IP, False),
        ("staging", EgressMode.ENDPOINTS, True),
        ("prod", EgressMode.ENDPOINTS, True),
    ],
)
def test_network(environment: str, egress: EgressMode, *, empties_default_group: bool) -> None:
    network = _load(environment).network
    assert network.egress is egress
    assert network.restrict_default_security_group is empties_default_group
    assert network.zone_count >= 2


@pytest.mark.parametrize(
    ("environment", "min_acu", "max_acu", "log_exports"),
    [
        ("dev", 0.5, 2.0, ()),
        ("staging", 0.5, 8.0, ("postgresql",)),
        ("prod", 1.0, 16.0, ("postgresql",)),
    ],
)
def test_database(environment: str, min_acu: float, max_acu: float, log_exports: tuple[str, ...]) -> None:
    database = _load(environment).database
    assert (database.min_acu, database.max_acu) == (min_acu, max_acu)
    assert database.readers == 1
    assert database.log_exports == log_exports
    assert database.engine_version == "17.7"
    assert database.backup_retention_days >= 7
    assert (database.backup_window, database.maintenance_window) == ("03:00-04:00", "sun:05:00-sun:06:00")


@pytest.mark.parametrize(
    ("environment", "https_required", "waf", "lock"),
    [("dev", False, False, "off"), ("staging", True, False, "governance"), ("prod", True, True, "governance")],
)
def test_protection(environment: str, lock: str, *, https_required: bool, waf: bool) -> None:
    settings = _load(environment)
    assert settings.compute.https_required is https_required
    assert settings.compute.waf is waf
    assert settings.backup.lock == lock


def test_every_setting_without_a_default_is_in_every_file_and_no_other() -> None:
    """What differs lives in the files; a file that repeats a default would hide a change of it."""
    sections = {name: field.annotation for name, field in Settings.model_fields.items()}
    allowed_extras = {"compute.image", "compute.health_path", "network.zone_count"}
    allowed_extras |= {"backup.lock_min_retention_days", "backup.lock_max_retention_days"}
    for path in sorted(ENVIRONMENTS.glob("*.toml")):
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        for name, content in document.items():
            section = sections[name]
            assert isinstance(section, type)
            required = {key for key, field in section.model_fields.items() if field.is_required()}
            assert required <= set(content), path.name
            extra = {f"{name}.{key}" for key in set(content) - required}
            assert extra <= allowed_extras, path.name


def test_the_three_environments_are_the_known_ones() -> None:
    assert sorted(path.stem for path in ENVIRONMENTS.glob("*.toml")) == ["dev", "prod", "staging"]


@pytest.mark.parametrize("environment", ["staging", "prod"])
def test_staging_and_prod_ask_for_certificate_domain_name_and_image(environment: str) -> None:
    file = f"environments/{environment}.toml"
    assert refused({"environment": environment}) == [
        line(
            "compute.certificate_arn",
            None,
            "the ARN of an ACM certificate in us-east-1 (compute.https_required is true)",
            f"{file} or with -c compute.certificate_arn=…",
        ),
        line(
            "compute.domain_name",
            None,
            "the name that clients use and the certificate covers, e.g. pay.mycompany.com",
            f"{file} or with -c compute.domain_name=…",
        ),
        line(
            "compute.image",
            None,
            "'service' to build service/, or a container image, e.g. "
            "111111111111.dkr.ecr.us-east-1.amazonaws.com/app:1",
            f"{file} or with -c compute.image=…",
        ),
    ]


NUMBER = "a number from 0.5 to 256 in steps of 0.5"


def test_a_bad_value_in_the_file_names_the_file(environment_file: EnvironmentFile) -> None:
    folder = environment_file(("max_acu = 2.0", 'max_acu = "2"'), ("[kms]", "[kms]\nrotation = true"))
    assert refused({}, directory=folder) == [
        line(
            "kms.rotation",
            "true",
            "the name of a setting (docs/settings.md lists them)",
            "environments/dev.toml",
        ),
        line("database.max_acu", '"2"', NUMBER, "environments/dev.toml or with -c database.max_acu=…"),
    ]


def test_a_contradiction_in_the_file_names_the_file(environment_file: EnvironmentFile) -> None:
    folder = environment_file(("min_acu = 0.5", "min_acu = 2.5"))
    allowed = "at most database.max_acu (2.0)"
    where = "environments/dev.toml or with -c database.min_acu=…"
    assert refused({}, directory=folder) == [line("database.min_acu", "2.5", allowed, where)]


def test_a_forgotten_setting_and_a_forgotten_section(environment_file: EnvironmentFile) -> None:
    folder = environment_file(("max_acu = 2.0\n", ""), ("[kms]\npending_window_days = 7\n", ""))
    assert refused({}, directory=folder) == [
        line("kms", None, "a section [kms]", "environments/dev.toml"),
        line("database.max_acu", None, NUMBER, "environments/dev.toml or with -c database.max_acu=…"),
    ]
    given_instead = load_settings({"database.max_acu": "3", "kms.pending_window_days": "8"}, directory=folder)
    assert (given_instead.database.max_acu, given_instead.kms.pending_window_days) == (3, 8)


@pytest.mark.parametrize("context", [{}, {"kms.pending_window_days": "7"}])
def test_a_section_that_is_none(environment_file: EnvironmentFile, context: Mapping[str, str]) -> None:
    folder = environment_file(("[kms]\npending_window_days = 7\n", ""), ("[removal]", "kms = 7\n[removal]"))
    assert refused(context, directory=folder) == [line("kms", "7", "a section [kms]", "environments/dev.toml")]


def test_a_misspelt_section_is_named_with_its_neighbour(environment_file: EnvironmentFile) -> None:
    folder = environment_file(("[recovery]", "[recovary]"))
    assert refused({}, directory=folder) == [
        line("recovery", None, "a section [recovery]", "environments/dev.toml"),
        line(
            "recovary",
            '{"rto_seconds": 300, "rpo_seconds": 300}',
            "the name of a setting, perhaps recovery or removal",
            "environments/dev.toml",
        ),
    ]


def test_the_environment_is_not_a_setting_of_the_file(environment_file: EnvironmentFile) -> None:
    folder = environment_file(("[removal]", 'environment = "prod"\n[removal]'))
    allowed = "-c environment=… alone (the name of this file says it)"
    assert refused({}, directory=folder) == [line("environment", '"prod"', allowed, "environments/dev.toml")]


def test_a_file_of_another_name_is_no_environment(environment_file: EnvironmentFile) -> None:
    folder = environment_file()
    shutil.copy(folder / "dev.toml", folder / "qa.toml")
    where = "environments/qa.toml or with -c environment=…"
    assert refused({"environment": "qa"}, directory=folder) == [
        line("environment", '"qa"', "'dev', 'staging' or 'prod'", where)
    ]


@pytest.mark.parametrize(
    ("environment", "shown"), [("qa", '"qa"'), ("../dev", '"../dev"'), (["dev"], '["dev"]'), (None, None)]
)
def test_an_unknown_environment(environment: Any, shown: str | None) -> None:
    assert refused({"environment": environment}) == [line("environment", shown, "'dev', 'prod' or 'staging'")]


def test_no_environment_file_at_all(tmp_path: Path) -> None:
    allowed = f"the name of a .toml file in {tmp_path}, which holds none"
    assert refused({}, directory=tmp_path) == [line("environment", '"dev"', allowed)]


def _unreadable(reason: str) -> list[str]:
    return [f"environments/dev.toml cannot be read: {reason}. It must be a readable TOML file, https://toml.io."]


def test_a_file_that_is_no_toml(environment_file: EnvironmentFile) -> None:
    folder = environment_file(text="[kms]\npending_window_days 7\n")
    found = refused({}, directory=folder)
    assert found == _unreadable("Expected '=' after a key in a key/value pair (at line 2, column 21)")


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "dev.toml").write_bytes(b"\xff")
    reason = "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"
    assert refused({}, directory=tmp_path) == _unreadable(reason)


def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "dev.toml").mkdir()
    assert refused({}, directory=tmp_path) == _unreadable(f"[Errno 21] Is a directory: '{tmp_path / 'dev.toml'}'")
