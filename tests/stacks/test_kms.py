"""The three keys: rotation, aliases, pending windows and whole key policies."""

from __future__ import annotations

from typing import Any

import pytest

from stacks.names import PhysicalName
from tests.assembly import Assembly, removal_policies

ALIASES = {
    "DataKey": PhysicalName.DATA_KEY_ALIAS,
    "MessagingKey": PhysicalName.MESSAGING_KEY_ALIAS,
    "BackupKey": PhysicalName.BACKUP_KEY_ALIAS,
}


def _key(deployment: Assembly, prefix: str) -> dict[str, Any]:
    found = [
        resource
        for name, resource in deployment.nested["Kms"].of_type("AWS::KMS::Key").items()
        if name.startswith(prefix)
    ]
    assert len(found) == 1
    return found[0]


def _statements(deployment: Assembly, prefix: str) -> dict[str, dict[str, Any]]:
    """Statements of a key by the service that they are for, and that of the account; copies are tested below."""
    statements = _key(deployment, prefix)["Properties"]["KeyPolicy"]["Statement"]
    own = (each for each in statements if each.get("Sid") not in ("AllowCopies", "AllowGrantsForCopies"))
    return {str(statement["Principal"].get("Service", "account")): statement for statement in own}


def test_three_keys_rotate_and_wait_before_they_go(deployment: Assembly) -> None:
    keys = deployment.nested["Kms"].of_type("AWS::KMS::Key")
    assert len(keys) == 3
    for name, key in keys.items():
        properties = key["Properties"]
        assert properties["EnableKeyRotation"] is True, name
        assert properties["PendingWindowInDays"] == deployment.settings.kms.pending_window_days, name
        assert deployment.names.stack in properties["Description"], name
        kept = removal_policies(deployment)
        assert (key["DeletionPolicy"], key["UpdateReplacePolicy"]) == kept, name


@pytest.mark.parametrize(("environment", "days"), [("dev", 7), ("staging", 30), ("prod", 30)])
def test_pending_window_by_environment(request: pytest.FixtureRequest, environment: str, days: int) -> None:
    deployment: Assembly = request.getfixturevalue(environment)
    assert {key["Properties"]["PendingWindowInDays"] for _, key in deployment.all_of_type("AWS::KMS::Key")} == {days}


@pytest.mark.parametrize("prefix", ALIASES)
def test_alias_carries_the_suffix(deployment: Assembly, prefix: str) -> None:
    alias = deployment.nested["Kms"].one("AWS::KMS::Alias", AliasName=deployment.names.physical_name(ALIASES[prefix]))
    assert alias["TargetKeyId"]["Fn::GetAtt"][0].startswith(prefix)
    assert deployment.settings.suffix in alias["AliasName"]


@pytest.mark.parametrize("prefix", ALIASES)
def test_no_wildcard_principal_and_the_account_keeps_control(deployment: Assembly, prefix: str) -> None:
    for statement in _key(deployment, prefix)["Properties"]["KeyPolicy"]["Statement"]:
        assert statement["Effect"] == "Allow"
        assert statement["Principal"] != "*"
        assert statement["Principal"].get("AWS") != "*"
    account = _statements(deployment, prefix)["account"]
    assert account["Action"] == "kms:*"
    assert ":root" in str(account["Principal"]["AWS"])


def test_only_these_services_use_each_key(deployment: Assembly) -> None:
    region = deployment.settings.region
    assert set(_statements(deployment, "DataKey")) == {"account"}
    assert set(_statements(deployment, "BackupKey")) == {"account", "backup.amazonaws.com"}
    assert set(_statements(deployment, "MessagingKey")) == {
        "account",
        f"logs.{region}.amazonaws.com",
        "cloudwatch.amazonaws.com",
        "sns.amazonaws.com",
        "events.amazonaws.com",
    }


def test_log_groups_of_this_account_and_region_use_the_messaging_key(deployment: Assembly) -> None:
    region = deployment.settings.region
    statement = _statements(deployment, "MessagingKey")[f"logs.{region}.amazonaws.com"]
    assert set(statement["Action"]) == {
        "kms:Encrypt*",
        "kms:Decrypt*",
        "kms:ReEncrypt*",
        "kms:GenerateDataKey*",
        "kms:Describe*",
    }
    assert list(statement["Condition"]) == ["ArnLike"]
    account = deployment.settings.account or "${AWS::AccountId}"
    pattern = statement["Condition"]["ArnLike"]["kms:EncryptionContext:aws:logs:arn"]
    assert deployment.text("Kms", pattern) == f"arn:aws:logs:{region}:{account}:log-group:*"


@pytest.mark.parametrize(
    ("prefix", "service", "actions"),
    [
        ("MessagingKey", "cloudwatch.amazonaws.com", {"kms:Decrypt", "kms:GenerateDataKey*"}),
        ("MessagingKey", "sns.amazonaws.com", {"kms:Decrypt", "kms:GenerateDataKey*"}),
        (
            "BackupKey",
            "backup.amazonaws.com",
            {"kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"},
        ),
    ],
)
def test_services_act_for_this_account_only(deployment: Assembly, prefix: str, service: str, actions: set[str]) -> None:
    statement = _statements(deployment, prefix)[service]
    assert set(statement["Action"]) == actions
    account = deployment.settings.account or {"Ref": "AWS::AccountId"}
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": account}}


def test_eventbridge_uses_the_messaging_key_without_any_condition(deployment: Assembly) -> None:
    statement = _statements(deployment, "MessagingKey")["events.amazonaws.com"]
    assert set(statement["Action"]) == {"kms:Decrypt", "kms:GenerateDataKey*"}
    assert "Condition" not in statement


@pytest.mark.parametrize("environment", ["dev", "staging", "prod", "options"])
def test_the_account_of_the_vault_for_copies_may_read_what_it_copies_and_no_other(
    request: pytest.FixtureRequest, environment: str
) -> None:
    """Aurora's recovery points keep the data key, those of the table have the vault's."""
    deployment: Assembly = request.getfixturevalue(environment)
    copying = {}
    for name, key in deployment.nested["Kms"].of_type("AWS::KMS::Key").items():
        statements = deployment.plain("Kms", key["Properties"]["KeyPolicy"]["Statement"])
        found = [each for each in statements if "222222222222" in str(each["Principal"])]
        if found:
            copying[deployment.text("Kms", {"Ref": name})] = found
    assert set(copying) == ({"${Kms/DataKey}", "${Kms/BackupKey}"} if environment == "options" else set())
    for use, grants in copying.values():
        assert "kms:Decrypt" in use["Action"]
        assert "Condition" not in use
        assert grants["Action"] == ["kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant"]
        assert grants["Condition"] == {"Bool": {"kms:GrantIsForAWSResource": "true"}}
