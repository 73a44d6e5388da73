"""Template values with their references resolved, as far as a deployed stack's parameters and physical ids allow.

CloudFormation does not report the attributes of a resource, so `Fn::GetAtt` is resolved only where the attribute
follows from the physical id. Whatever remains is `UNRESOLVED`: a comparison with it expects only that there is a value.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from embedded_aws.address import ACCOUNT, REGION


class Unresolved(Enum):
    """The value of a reference that only CloudFormation knows."""

    UNRESOLVED = "unresolved"


UNRESOLVED: Final = Unresolved.UNRESOLVED
_ABSENT: Final = object()

_PSEUDO_PARAMETERS = {
    "AWS::AccountId": ACCOUNT,
    "AWS::NoValue": _ABSENT,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::URLSuffix": "amazonaws.com",
}

_PLACEHOLDER: Final = re.compile(r"\$\{([^!}][^}]*)\}")  # ${!Literal} is an escape

_ELB: Final = "AWS::ElasticLoadBalancingV2"
# (type, attribute) -> the attribute, from the physical id
_ATTRIBUTES: Mapping[tuple[str, str], Callable[[str], str]] = {
    ("AWS::Backup::BackupPlan", "BackupPlanId"): str,
    ("AWS::Backup::BackupVault", "BackupVaultArn"): f"arn:aws:backup:{REGION}:{ACCOUNT}:backup-vault:{{}}".format,
    ("AWS::Backup::BackupVault", "BackupVaultName"): str,
    ("AWS::CloudWatch::Alarm", "Arn"): f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{{}}".format,
    ("AWS::DynamoDB::GlobalTable", "Arn"): f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{{}}".format,
    ("AWS::EC2::SecurityGroup", "GroupId"): str,
    ("AWS::ECS::Service", "Name"): lambda arn: arn.rpartition("/")[2],
    (f"{_ELB}::LoadBalancer", "LoadBalancerFullName"): lambda arn: arn.partition("loadbalancer/")[2],
    (f"{_ELB}::TargetGroup", "TargetGroupFullName"): lambda arn: arn.rpartition(":")[2],
    ("AWS::Events::Rule", "Arn"): f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{{}}".format,
    ("AWS::IAM::Role", "Arn"): f"arn:aws:iam::{ACCOUNT}:role/{{}}".format,
    ("AWS::KMS::Key", "Arn"): f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{{}}".format,
    ("AWS::Lambda::Function", "Arn"): f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{{}}".format,
    ("AWS::Logs::LogGroup", "Arn"): f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{{}}:*".format,
    ("AWS::S3::Bucket", "Arn"): "arn:aws:s3:::{}".format,
    ("AWS::SQS::Queue", "Arn"): lambda url: f"arn:aws:sqs:{REGION}:{ACCOUNT}:{url.rpartition('/')[2]}",
    ("AWS::SQS::Queue", "QueueName"): lambda url: url.rpartition("/")[2],
}


@dataclass(frozen=True)
class Scope:
    """What the references of one deployed stack can refer to.

    Attributes:
        template: its template.
        parameters: its parameters, resolved, by name.
        physical_ids: its resources' physical ids, by logical id.
        outputs: the outputs of its nested stacks, by logical id and output key.
        zones: the Region's Availability Zones, in order.
    """

    template: Mapping[str, Any]
    parameters: Mapping[str, str]
    physical_ids: Mapping[str, str]
    outputs: Mapping[str, Mapping[str, str]]
    zones: Sequence[str]

    def resolve(self, value: Any) -> Any:
        """Return `value` with every reference replaced; by `UNRESOLVED` where the scope does not know it."""
        if isinstance(value, list):
            return [item for item in map(self.resolve, value) if item is not _ABSENT]
        if not isinstance(value, Mapping):
            return value
        if len(value) == 1:
            name, argument = next(iter(value.items()))
            function = _FUNCTIONS.get(name)
            if function:
                return function(self, argument)
            if name.startswith("Fn::"):
                return UNRESOLVED
        resolved = {key: self.resolve(item) for key, item in value.items()}
        return {key: item for key, item in resolved.items() if item is not _ABSENT}

    def reference(self, name: str) -> Any:
        """Resolve `Ref`."""
        for known in (_PSEUDO_PARAMETERS, self.parameters, self.physical_ids):
            if name in known:
                return known[name]
        return UNRESOLVED

    def attribute(self, argument: Sequence[str]) -> Any:
        """Resolve `Fn::GetAtt`."""
        name, attribute = argument
        if name in self.outputs:
            return self.outputs[name].get(attribute.removeprefix("Outputs."), UNRESOLVED)
        resource = self.template["Resources"].get(name, {})
        derive = _ATTRIBUTES.get((resource.get("Type"), attribute))
        return derive(self.physical_ids[name]) if derive and name in self.physical_ids else UNRESOLVED

    def join(self, argument: Sequence[Any]) -> Any:
        """Resolve `Fn::Join`."""
        separator, parts = argument[0], self.resolve(argument[1])
        if isinstance(parts, list) and all(isinstance(part, str) for part in parts):
            return separator.join(parts)
        return UNRESOLVED

    def split(self, argument: Sequence[Any]) -> Any:
        """Resolve `Fn::Split`."""
        text = self.resolve(argument[1])
        return text.split(argument[0]) if isinstance(text, str) else UNRESOLVED

    def select(self, argument: Sequence[Any]) -> Any:
        """Resolve `Fn::Select`."""
        index, items = int(argument[0]), self.resolve(argument[1])
        return items[index] if isinstance(items, list) and index < len(items) else UNRESOLVED

    def substitute(self, text: Any) -> Any:
        """Resolve `Fn::Sub` in its short form, a string; the form with a map of values is left unresolved."""
        if not isinstance(text, str):
            return UNRESOLVED
        values = {name: self.reference(name) for name in _PLACEHOLDER.findall(text)}
        if not all(isinstance(value, str) for value in values.values()):
            return UNRESOLVED
        return _PLACEHOLDER.sub(lambda found: str(values[found[1]]), text)

    def zone_names(self, _region: Any) -> Any:
        """Resolve `Fn::GetAZs`."""
        return list(self.zones)


_FUNCTIONS: Mapping[str, Callable[[Scope, Any], Any]] = {
    "Ref": Scope.reference,
    "Fn::GetAtt": Scope.attribute,
    "Fn::GetAZs": Scope.zone_names,
    "Fn::Join": Scope.join,
    "Fn::Select": Scope.select,
    "Fn::Split": Scope.split,
    "Fn::Sub": Scope.substitute,
}
