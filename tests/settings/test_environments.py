"""The shipped environments: they load, and they are what docs/architecture.md promises."""

from __future__ import annotations

import tomllib

import pytest

from stacks.profiles import NEEDED
from stacks.settings import EgressMode, Settings, load_settings
from stacks.settings.loader import ENVIRONMENTS
from tests.settings.lines import line, refused


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
    allowed_extras = {"compute.image", "compute.command", "network.zone_count"}
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
def test_staging_and_prod_ask_for_certificate_and_image(environment: str) -> None:
    file = f"environments/{environment}.toml"
    assert refused({"environment": environment}) == [
        line(
            "compute.certificate_arn",
            None,
            "the ARN of an ACM certificate in us-east-1 (compute.https_required is true)",
            f"{file} or with -c compute.certificate_arn=…",
        ),
        line(
            "compute.image",
            None,
            "a container image, e.g. 111111111111.dkr.ecr.us-east-1.amazonaws.com/app:1",
            f"{file} or with -c compute.image=…",
        ),
    ]
