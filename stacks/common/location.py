"""Partition, Region and account of a deployment, read from CDK once."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import Stack, Token


@dataclass(frozen=True, kw_only=True)
class Location:
    """Where a deployment is, as literals where they are known and as CDK's tokens otherwise.

    Attributes:
        partition: ``aws``, ``aws-cn`` or ``aws-us-gov``.
        region: AWS Region, e.g. ``us-east-1``.
        account: account id of 12 digits, or a token.
        url_suffix: domain of the partition's endpoints, or a token.
    """

    partition: str
    region: str
    account: str
    url_suffix: str

    @classmethod
    def of_stack(cls, stack: Stack) -> Location:
        """Return the location of a stack, which its nested stacks share."""
        return cls(partition=stack.partition, region=stack.region, account=stack.account, url_suffix=stack.url_suffix)

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of a resource of this account and Region, e.g. ``arn("rds", "db:writer")``."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def scanner_arn(self, arn: str) -> str:
        """Return an ARN of this location as cdk-nag writes it in the id of a finding."""
        unknown = Token.is_unresolved(self.account)
        return arn.replace(self.account, "<AWS::AccountId>") if unknown else arn

    @property
    def this_account(self) -> dict[str, dict[str, str]]:
        """Condition under which a service may act: only for a resource of this account."""
        return {"StringEquals": {"aws:SourceAccount": self.account}}
