"""Settings that contradict each other, and the names and images that rules rest on."""

from __future__ import annotations

from typing import Any

import pytest

from stacks.names import PhysicalName
from stacks.profiles import CERTIFICATE, IMAGE
from stacks.settings import load_settings
from stacks.settings.refused import is_reserved_database, is_reserved_user
from stacks.settings.rules import PRIVATE_ECR_IMAGE
from tests.settings.conftest import line, refused
from tests.settings.contradictions import LOCKED, PUBLIC_IMAGE, RULES, SAME_RETENTION, STAGING, Rule

# With one range of each CPU size; steps are of MiB.
FARGATE = [
    ("256", "512, 1024 or 2048 MiB", ["512", "1024", "2048"], ["513", "1536", "2049", "4096"]),
    ("512", "1024 to 4096 MiB in steps of 1024", ["1024", "3072", "4096"], ["512", "1536", "5120"]),
    ("1024", "2048 to 8192 MiB in steps of 1024", ["2048", "8192"], ["1024", "2560", "9216"]),
    ("2048", "4096 to 16384 MiB in steps of 1024", ["4096", "16384"], ["3072", "4097", "17408"]),
    ("4096", "8192 to 30720 MiB in steps of 1024", ["8192", "30720"], ["7168", "8704", "31744"]),
    ("8192", "16384 to 61440 MiB in steps of 4096", ["16384", "61440"], ["12288", "17408", "65536"]),
    ("16384", "32768 to 122880 MiB in steps of 8192", ["32768", "122880"], ["24576", "36864"]),
]


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_contradiction_and_the_nearest_value_that_is_fine(rule: Rule) -> None:
    shown = rule.shown or f'"{rule.bad}"'
    # A single problem: the base and the good value have none.
    found = refused({**rule.base, rule.key: rule.bad})
    assert found == [line(rule.key, shown, rule.allowed)]
    load_settings({**rule.base, rule.key: rule.good})


@pytest.mark.parametrize(("cpu", "allowed", "good", "bad"), FARGATE, ids=[size[0] for size in FARGATE])
def test_memory_that_fargate_sells(cpu: str, allowed: str, good: list[str], bad: list[str]) -> None:
    for memory in good:
        load_settings({"compute.cpu": cpu, "compute.memory": memory})
    for memory in bad:
        assert refused({"compute.cpu": cpu, "compute.memory": memory}) == [
            line("compute.memory", memory, f"{allowed} with compute.cpu = {cpu}")
        ]


@pytest.mark.parametrize("policy", ["boundary", "arn:aws:iam::aws:policy/PowerUserAccess"])
def test_a_permissions_boundary_without_an_account_fits_any(policy: str) -> None:
    load_settings({"account": "222222222222", "permissions_boundary": policy})
    load_settings({"permissions_boundary": "arn:aws:iam::111111111111:policy/boundary"})


def test_https_needs_a_certificate() -> None:
    without: dict[str, Any] = {**STAGING, "compute.certificate_arn": None}
    allowed = "the ARN of an ACM certificate in us-east-1 (compute.https_required is true)"
    assert refused(without) == [line("compute.certificate_arn", None, allowed)]
    load_settings({**without, "compute.https_required": "false"})


@pytest.mark.parametrize(
    "given",
    [
        {"environment": "dev", "compute.https_required": "true", "compute.certificate_arn": CERTIFICATE},
        {"environment": "dev", "compute.certificate_arn": CERTIFICATE},
        {"environment": "dev", "compute.hosted_zone_id": "Z1"},
    ],
    ids=lambda given: list(given)[-1],
)
def test_a_certificate_or_a_hosted_zone_needs_the_name_that_it_is_for(given: dict[str, Any]) -> None:
    """A certificate for the load balancer's own name cannot be had: no client could verify the answer."""
    allowed = "the name that clients use and the certificate covers, e.g. pay.mycompany.com"
    where = "environments/dev.toml or with -c compute.domain_name=…"
    assert refused(given) == [line("compute.domain_name", None, allowed, where)]
    load_settings({**given, "compute.domain_name": "pay.mycompany.com"})
    load_settings({"environment": "dev", "compute.domain_name": "pay.mycompany.com"})


def test_a_restored_table_is_looked_at_by_its_column_and_the_other_way_round() -> None:
    table, column = {"operations.validation_table": "ledger.entries"}, {"operations.validation_column": "created_at"}
    for given, missing, allowed in (
        (column, "operations.validation_table", "the table of operations.validation_column, e.g. ledger.entries"),
        (table, "operations.validation_column", "the column of operations.validation_table with the time of a row"),
    ):
        where = f"environments/dev.toml or with -c {missing}=…"
        assert refused(given) == [line(missing, None, allowed, where)]
    load_settings({**table, **column})


def test_an_image_is_needed() -> None:
    allowed = (
        "'service' to build service/, or a container image, e.g. 111111111111.dkr.ecr.us-east-1.amazonaws.com/app:1"
    )
    assert refused({"compute.image": None}) == [line("compute.image", None, allowed)]


@pytest.mark.parametrize("egress", ["nat", "public-ip"])
def test_a_public_image_needs_a_way_out(egress: str) -> None:
    load_settings({**STAGING, "compute.image": PUBLIC_IMAGE, "network.egress": egress})


@pytest.mark.parametrize("rule", ["daily", "weekly", "monthly", "continuous"])
def test_retention_that_the_vault_lock_admits(rule: str) -> None:
    key = f"backup.{rule}_retention_days"
    allowed = "9 to 20, the retention that the vault lock admits"
    narrow = {**LOCKED, **SAME_RETENTION, "backup.lock_min_retention_days": "9", "backup.lock_max_retention_days": "20"}

    def keep(days: int) -> dict[str, str]:
        return {**narrow, key: str(days)} | (
            {"database.backup_retention_days": str(days)} if rule == "continuous" else {}
        )

    for days in (8, 21):
        assert refused(keep(days)) == [line(key, str(days), allowed)]
        load_settings({**keep(days), "backup.lock": "off"})
    for days in (9, 20):
        load_settings(keep(days))
        load_settings({**keep(days), "backup.lock": "compliance"})


def test_the_longest_suffix_fits_the_shortest_regions() -> None:
    """Twelve characters are what the pattern admits; the load balancer's 32 decide in longer regions."""
    for region, longest in (("us-east-1", 12), ("eu-central-1", 12), ("us-gov-east-1", 11), ("ap-southeast-2", 10)):
        context = {"region": region, "network.egress": "public-ip"}
        load_settings({**context, "suffix": "a" * longest})
        if longest < 12:
            (found,) = refused({**context, "suffix": "a" * 12})
            assert f"allowed is at most {longest} characters in {region} " in found
    assert min(PhysicalName, key=lambda name: name.limit) is PhysicalName.LOAD_BALANCER


@pytest.mark.parametrize(
    ("name", "user", "database"),
    [
        ("admin", True, False),
        ("postgres", True, True),
        ("public", True, False),
        ("root", True, False),
        ("rdsadmin", True, True),
        ("rds_superuser", True, False),
        ("rdsrepladmin", True, False),
        ("pg_monitor", True, False),
        ("pgbouncer", False, False),
        ("template0", False, True),
        ("template1", False, True),
        ("select", True, True),
        ("authorization", True, True),
        ("breakwater_owner", False, False),
        ("transactions", False, False),
        ("name", False, False),
    ],
)
def test_reserved_names(name: str, *, user: bool, database: bool) -> None:
    assert is_reserved_user(name) is user
    assert is_reserved_database(name) is database


@pytest.mark.parametrize(
    ("image", "parts"),
    [
        (IMAGE, ("111111111111", "us-east-1", "app", "1", None)),
        (
            "111111111111.dkr.ecr.cn-north-1.amazonaws.com.cn/team/app:v1.2_x",
            ("111111111111", "cn-north-1", "team/app", "v1.2_x", None),
        ),
        (
            f"111111111111.dkr.ecr.us-east-1.amazonaws.com/app@sha256:{'0a' * 32}",
            ("111111111111", "us-east-1", "app", None, f"sha256:{'0a' * 32}"),
        ),
        ("111111111111.dkr.ecr.us-east-1.amazonaws.com/app", None),
        ("11111111111.dkr.ecr.us-east-1.amazonaws.com/app:1", None),
        ("111111111111.dkr.ecr.us-east-1.amazonaws.com.evil.com/app:1", None),
        ("111111111111.dkr.ecr.us-east-1.amazonaws.com/app:1\n", None),
        ("x111111111111.dkr.ecr.us-east-1.amazonaws.com/app:1", None),
        (f"111111111111.dkr.ecr.us-east-1.amazonaws.com/app@sha256:{'0' * 63}", None),
        (PUBLIC_IMAGE, None),
    ],
)
def test_images_in_private_ecr(image: str, parts: tuple[str | None, ...] | None) -> None:
    match = PRIVATE_ECR_IMAGE.match(image)
    found = match and tuple(match[part] for part in ("account", "region", "repository", "tag", "digest"))
    assert found == parts
