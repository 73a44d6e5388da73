"""AWS KMS: rotation, and key policies that KMS refuses."""

from __future__ import annotations

from collections.abc import Iterator

from breakwater_guards.aws.key_policies import KEY, REPLICA, is_closed
from breakwater_guards.aws.policies import statements_of
from breakwater_guards.model.answer import Answer
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.scalars import as_bool
from breakwater_guards.model.template import Resource
from breakwater_guards.model.values import ABSENT
from breakwater_guards.rule import Breach, Outcome, breach, rule, show

ROTATION = "https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html"


@rule(
    "DR-KMS-01",
    title="Symmetric keys have rotation enabled",
    outcome=Outcome.POLICY,
    prevents="The key material never changes: one leak opens every backup (Security Hub KMS.4)",
    fix="Set EnableKeyRotation to true: data encrypted before stays readable.",
    sources=(ROTATION, "https://docs.aws.amazon.com/securityhub/latest/userguide/kms-controls.html"),
)
def symmetric_keys_rotate(app: Assembly) -> Iterator[Breach]:
    """Find a symmetric key with material of KMS and no rotation."""
    for key in app.of_type(KEY):
        if not _can_rotate(key):
            continue
        for value in key.options("EnableKeyRotation"):
            if value is ABSENT or as_bool(value) is False:
                yield breach(
                    key, "EnableKeyRotation", f"EnableKeyRotation is {show(value)}; a symmetric key should have true."
                )


@rule(
    "DR-KMS-02",
    title="Rotation is enabled only on keys that can rotate",
    outcome=Outcome.REFUSED,
    prevents="You cannot set the EnableKeyRotation property to true on asymmetric or external keys. (fails to create)",
    fix="Leave EnableKeyRotation out for asymmetric and HMAC keys and for imported key material.",
    sources=(ROTATION, "https://github.com/aws-cloudformation/aws-cloudformation-resource-providers-kms/pull/57"),
)
def rotation_is_possible(app: Assembly) -> Iterator[Breach]:
    """Find an asymmetric or HMAC key, or one with imported material, with rotation on."""
    for key in app.of_type(KEY):
        if not any(as_bool(value) for value in key.given("EnableKeyRotation")):
            continue
        for path, allowed in (("KeySpec", "SYMMETRIC_DEFAULT"), ("Origin", "AWS_KMS")):
            for value in key.given(path):
                if isinstance(value, str) and value != allowed:
                    yield breach(key, path, f"a key of {path} {show(value)} cannot rotate; only {allowed} keys can.")


@rule(
    "DR-KMS-03",
    title="A key policy lets an administrator change it",
    outcome=Outcome.REFUSED,
    prevents="The new key policy will not allow you to update the key policy in the future. (MalformedPolicyDocument)",
    fix="Let arn:aws:iam::<account>:root, or the role that deploys, use kms:* or kms:PutKeyPolicy.",
    sources=("https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html",),
)
def policy_can_be_changed(app: Assembly) -> Iterator[Breach]:
    """Find a key policy in which nobody may call `kms:PutKeyPolicy`."""
    for key in app.of_type(KEY, REPLICA):
        if any(as_bool(value) is not False for value in key.given("BypassPolicyLockoutSafetyCheck")):
            continue
        if not key.given("KeyPolicy") or not is_closed(key, "KeyPolicy"):
            continue
        if not any(_lets_somebody_change(key)):
            yield breach(key, "KeyPolicy", "no AWS principal has kms:PutKeyPolicy.")


def _lets_somebody_change(key: Resource) -> Iterator[bool]:
    for statement in statements_of(key, "KeyPolicy"):
        people = statement.not_principals or any(principal.kind in ("AWS", "") for principal in statement.principals)
        yield bool(people) and statement.effect != "Deny" and statement.acts_on("kms:PutKeyPolicy") is not Answer.NO


def _can_rotate(key: Resource) -> bool:
    specs, origins = key.options("KeySpec"), key.options("Origin")
    usages = key.options("KeyUsage")
    return (
        all(value in (ABSENT, "SYMMETRIC_DEFAULT") for value in specs)
        and all(value in (ABSENT, "AWS_KMS") for value in origins)
        and all(value in (ABSENT, "ENCRYPT_DECRYPT") for value in usages)
    )
