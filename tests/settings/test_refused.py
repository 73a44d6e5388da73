"""Values that AWS refuses or that cannot work: one line each, and the nearest value that is fine."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest

from stacks.profiles import PROFILES
from stacks.settings import load_settings
from stacks.settings.refused import PRIVATE_NETWORKS, SYSTEM_PATHS
from stacks.settings.regions import PARTITIONS, REGIONS
from stacks.settings.times import cron_problem
from tests.settings.conftest import line, refused

ACCOUNT = "111111111111"
OWN_VAULT = f"arn:aws:backup:us-east-1:{ACCOUNT}:backup-vault:dr-vault-dev-us-east-1"
ECR = f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/app"
DIGEST = f"sha256:{'0a' * 32}"
NETWORKS = f"a range within {', '.join(map(str, PRIVATE_NETWORKS))}"
REFERENCE = f"a reference such as {ECR}:1"
PLAIN_PATHS = "absolute paths without empty parts, '.' and '..', none ending in /"
NOT_OF_THE_SYSTEM = f"paths outside of {', '.join(SYSTEM_PATHS)}"


def test_the_regions_are_those_of_aws() -> None:
    session = botocore.session.get_session()
    assert {name for each in PARTITIONS for name in session.get_available_regions("ec2", each)} == REGIONS


@pytest.mark.parametrize(
    ("region", "allowed"),
    [
        ("us-esat-1", "a Region that AWS has, perhaps us-east-1 or us-west-1 or us-west-2"),
        ("xx-nowhere-9", "a Region that AWS has"),
        ("us-iso-east-1", "a Region of the partitions aws, aws-cn, aws-us-gov: aws-iso is not supported"),
        ("us-isob-east-1", "a Region of the partitions aws, aws-cn, aws-us-gov: aws-iso-b is not supported"),
        ("eu-isoe-west-1", "a Region of the partitions aws, aws-cn, aws-us-gov: aws-iso-e is not supported"),
        ("eusc-de-east-1", "a Region of the partitions aws, aws-cn, aws-us-gov: aws-eusc is not supported"),
    ],
)
def test_a_region_that_cannot_be_deployed_in(region: str, allowed: str) -> None:
    assert refused({"region": region}) == [line("region", f'"{region}"', allowed)]


@pytest.mark.parametrize("region", ["us-east-1", "cn-north-1", "us-gov-west-1", "mx-central-1"])
def test_a_region_that_can(region: str) -> None:
    load_settings({"region": region, "suffix": "a"})


@pytest.mark.parametrize(
    ("key", "twice", "once"),
    [
        ("monitoring.emails", "a@mycompany.com,b@mycompany.com,a@mycompany.com", "a@mycompany.com,b@mycompany.com"),
        ("database.log_exports", "postgresql,postgresql", "postgresql,instance"),
    ],
)
def test_a_value_twice(key: str, twice: str, once: str) -> None:
    shown = "[" + ", ".join(f'"{each}"' for each in twice.split(",")) + "]"
    assert refused({key: twice}) == [line(key, shown, "each value once")]
    load_settings({key: once})


@pytest.mark.parametrize(
    "cidr",
    ["127.0.0.0/16", "169.254.0.0/16", "224.0.0.0/16", "0.0.0.0/16", "8.8.0.0/16", "192.169.0.0/16", "172.32.0.0/16"],
)
def test_a_range_that_is_not_private(cidr: str) -> None:
    assert refused({"network.cidr": cidr}) == [line("network.cidr", f'"{cidr}"', NETWORKS)]


@pytest.mark.parametrize("cidr", ["10.0.0.0/16", "100.127.0.0/16", "172.31.0.0/16", "192.168.0.0/16"])
def test_a_range_that_is_private(cidr: str) -> None:
    load_settings({"network.cidr": cidr})


@pytest.mark.parametrize(
    "image",
    [
        "App:1", "app:", "app:-1", "app@sha256:0a", "/app", "app/", "app//b", "https://example.com/app", "a b",
        "app:a:b",        f"app@{DIGEST}:1", "app_", "-app", f"{ECR}:{'a' * 129}", "a" * 256,
    ],
)  # fmt: skip
def test_an_image_that_is_none(image: str) -> None:
    shown = f'"{image}"' if len(image) < 100 else None
    (found,) = refused({"compute.image": image})
    assert found.endswith(f"allowed is {REFERENCE}. Change it in -c compute.image=… (or in the context of cdk.json).")
    assert shown is None or found == line("compute.image", shown, REFERENCE)


@pytest.mark.parametrize(
    "image",
    [
        "app", "app:1", "library/app", "public.ecr.aws/docker/library/python:3.13-slim", ECR, f"{ECR}@{DIGEST}",
        f"{ECR}:1@{DIGEST}", "localhost/app", "localhost:5000/app", "registry:5000/a/b", "a.b/c__d/e-f.g:V_1.0-x",
    ],
)  # fmt: skip
def test_an_image(image: str) -> None:
    load_settings({"compute.image": image})


@pytest.mark.parametrize(
    ("paths", "allowed"),
    [
        ("/data,/data", "paths of which none is the same as another one or lies in it, as /data does"),
        ("/data/a,/data", "paths of which none is the same as another one or lies in it, as /data/a does"),
        ("/data/../etc", PLAIN_PATHS),
        ("/data/./a", PLAIN_PATHS),
        ("/data//a", PLAIN_PATHS),
        ("/data/", PLAIN_PATHS),
        ("/proc", NOT_OF_THE_SYSTEM),
        ("/data,/etc/app", NOT_OF_THE_SYSTEM),
    ],
)
def test_a_path_that_cannot_be_mounted(paths: str, allowed: str) -> None:
    shown = "[" + ", ".join(f'"{each}"' for each in paths.split(",")) + "]"
    assert refused({"compute.writable_paths": paths}) == [line("compute.writable_paths", shown, allowed)]


@pytest.mark.parametrize("paths", ["/data,/var/run", "/data,/datafiles", "/app/etc", "/etcetera", ""])
def test_paths_that_can(paths: str) -> None:
    load_settings({"compute.writable_paths": paths})


@pytest.mark.parametrize(
    ("vault", "more", "fine"),
    [
        (OWN_VAULT, {}, False),
        (OWN_VAULT, {"account": ACCOUNT}, False),
        (OWN_VAULT, {"account": "222222222222"}, True),
        (OWN_VAULT.replace(":us-east-1:", ":eu-west-1:"), {}, True),
        (OWN_VAULT.replace("dr-vault-dev", "dr-vault-old"), {}, True),
    ],
)
def test_the_own_vault_is_no_place_for_copies(vault: str, more: dict[str, Any], fine: bool) -> None:
    given = {"backup.copy_vault_arn": vault, **more}
    if fine:
        load_settings(given)
        return
    allowed = "another vault than dr-vault-dev-us-east-1, which the copies are made of"
    assert refused(given) == [line("backup.copy_vault_arn", f'"{vault}"', allowed)]


@pytest.mark.parametrize(
    "fields",
    [
        "0 12 ? * SUN *", "0 12 * * ? *", "*/15 0-23 1,15 JAN-MAR ? 2030", "5/10 8 L * ? *", "0 0 LW * ? *",
        "0 0 15W * ? *", "0 0 ? * 6L *", "0 0 ? * L *", "0 0 ? * 6#3 *", "0 0 ? 1-12/2 MON-FRI 1970-2199",
        "59 23 31 dec ? *", "0 0 31W * ? *",
    ],
)  # fmt: skip
def test_a_schedule(fields: str) -> None:
    assert cron_problem(f"cron({fields})") is None
    load_settings({"backup.restore_test_schedule": f"cron({fields})"})


SIX = "six fields: minutes, hours, day of the month, month, day of the week, year"
EITHER = "? for the day of the month or for the day of the week, and a value for the other"
HOURS, MINUTES = "hours (0 to 23) in place of", "minutes (0 to 59) in place of"
DAY, WEEKDAY = (
    "a day of the month (1 to 31, L, 15W, ?) in place of",
    "a day of the week (1 to 7, SUN to SAT, 6L, 6#3, ?)",
)


@pytest.mark.parametrize(
    ("fields", "allowed"),
    [
        ("0 12 ? * SUN", SIX),
        ("0 12 ? * SUN * *", SIX),
        ("0 12 1 * SUN *", EITHER),
        ("0 12 * * * *", EITHER),
        ("0 12 ? * ? *", EITHER),
        ("60 12 ? * SUN *", f"{MINUTES} 60"),
        ("0 24 ? * SUN *", f"{HOURS} 24"),
        ("0 5-3 ? * SUN *", f"{HOURS} 5-3"),
        ("0 5- ? * SUN *", f"{HOURS} 5-"),
        ("0 5/0 ? * SUN *", f"{HOURS} 5/0"),
        ("0 5/x ? * SUN *", f"{HOURS} 5/x"),
        ("0 1,,2 ? * SUN *", f"{HOURS} 1,,2"),
        ("? 12 ? * SUN *", f"{MINUTES} ?"),
        ("0 12 0 * ? *", f"{DAY} 0"),
        ("0 12 32 * ? *", f"{DAY} 32"),
        ("0 12 32W * ? *", f"{DAY} 32W"),
        ("0 12 0W * ? *", f"{DAY} 0W"),
        ("0 12 ? 13 SUN *", "a month (1 to 12, JAN to DEC) in place of 13"),
        ("0 12 ? MAI SUN *", "a month (1 to 12, JAN to DEC) in place of MAI"),
        ("0 12 ? * 0 *", f"{WEEKDAY} in place of 0"),
        ("0 12 ? * 8 *", f"{WEEKDAY} in place of 8"),
        ("0 12 ? * SON *", f"{WEEKDAY} in place of SON"),
        ("0 12 ? * 6#6 *", f"{WEEKDAY} in place of 6#6"),
        ("0 12 ? * SUN 1969", "a year (1970 to 2199) in place of 1969"),
        ("0 12 ? * SUN 2200", "a year (1970 to 2199) in place of 2200"),
    ],
)
def test_a_schedule_that_aws_refuses(fields: str, allowed: str) -> None:
    text = f"cron({fields})"
    assert refused({"backup.restore_test_schedule": text}) == [
        line("backup.restore_test_schedule", f'"{text}"', allowed)
    ]


@pytest.mark.parametrize("profile", PROFILES)
def test_every_profile_is_fine(profile: str) -> None:
    load_settings(PROFILES[profile])
