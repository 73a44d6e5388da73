"""Compute: Amazon ECS, Elastic Load Balancing and Application Auto Scaling."""

from collections.abc import Iterator, Mapping
from typing import Any

from embedded_aws.clients import Aws
from embedded_aws.deployment import Resource
from embedded_aws.verify.core import Check, declared, named, only, same, unordered, verifies


@verifies("AWS::ECS::Cluster")
def ecs_cluster(aws: Aws, resource: Resource) -> Iterator[Check]:
    """Active, with the declared settings."""
    found = only(aws("ecs").describe_clusters(clusters=[resource.physical_id], include=["SETTINGS"])["clusters"])
    yield from named(resource, "ClusterName")
    yield Check("status", "ACTIVE", found["status"])
    yield Check("settings", _lowered(declared(resource, "ClusterSettings", [])), found["settings"])


@verifies("AWS::ECS::TaskDefinition")
def task_definition(aws: Aws, resource: Resource) -> Iterator[Check]:
    """Everything the declaration says of its size, network, roles, volumes and containers."""
    answer = aws("ecs").describe_task_definition(taskDefinition=resource.physical_id)
    found = answer["taskDefinition"]
    wanted = _lowered(resource.properties)
    yield Check("status", "ACTIVE", found["status"])
    for name in ("family", "cpu", "memory", "networkMode", "requiresCompatibilities", "executionRoleArn", "taskRoleArn",
                 "runtimePlatform"):  # fmt: skip
        if name in wanted:
            yield Check(name, wanted[name], found.get(name))
    yield Check("volumes", wanted.get("volumes", []), found["volumes"])
    stored = {container["name"]: container for container in found["containerDefinitions"]}
    for container in wanted["containerDefinitions"]:
        for name, value in container.items():
            yield Check(f"container {container['name']}: {name}", value, stored[container["name"]].get(name))


def _lowered(value: Any) -> Any:
    """ECS names in its API what CloudFormation names with a capital; the options of a log driver are not names."""
    if isinstance(value, list):
        return [_lowered(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    return {
        name[0].lower() + name[1:]: dict(item) if name in ("Options", "DockerLabels") else _lowered(item)
        for name, item in value.items()
    }


@verifies("AWS::ECS::Service")
def service(aws: Aws, resource: Resource) -> Iterator[Check]:
    """Active, with the declared tasks, network, load balancers and way to deploy."""
    cluster = declared(resource, "Cluster")
    found = only(aws("ecs").describe_services(cluster=cluster, services=[resource.physical_id])["services"])
    wanted = _lowered(resource.properties)
    yield Check("status", "ACTIVE", found["status"])
    for name in ("taskDefinition", "desiredCount", "launchType", "platformVersion", "networkConfiguration",
                 "loadBalancers", "healthCheckGracePeriodSeconds", "enableExecuteCommand",
                 "propagateTags", "enableECSManagedTags", "serviceName"):  # fmt: skip
        if name in wanted:
            yield Check(name, wanted[name], found.get(name))
    deployment = found["deploymentConfiguration"]
    for name, value in wanted.get("deploymentConfiguration", {}).items():
        yield Check(name, value, deployment.get(name))


@verifies("AWS::ElasticLoadBalancingV2::LoadBalancer")
def load_balancer(aws: Aws, resource: Resource) -> Iterator[Check]:
    """Faces the declared side, in the declared subnets, with the declared attributes."""
    elb, arn = aws("elbv2"), resource.physical_id
    found = only(elb.describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"])
    yield Check("name", declared(resource, "Name", found["LoadBalancerName"]), found["LoadBalancerName"])
    yield Check("scheme", declared(resource, "Scheme", "internet-facing"), found["Scheme"])
    yield Check("type", declared(resource, "Type", "application"), found["Type"])
    subnets = [zone["SubnetId"] for zone in found["AvailabilityZones"]]
    yield Check("subnets", unordered(declared(resource, "Subnets")), unordered(subnets))
    groups = found["SecurityGroups"]
    yield Check("security groups", unordered(declared(resource, "SecurityGroups", [])), unordered(groups))
    attributes = elb.describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"]
    yield from _attributes(declared(resource, "LoadBalancerAttributes", []), attributes)


@verifies("AWS::ElasticLoadBalancingV2::Listener")
def listener(aws: Aws, resource: Resource) -> Iterator[Check]:
    """Listens on the declared port and sends where declared."""
    found = only(aws("elbv2").describe_listeners(ListenerArns=[resource.physical_id])["Listeners"])
    for name in ("LoadBalancerArn", "Port", "Protocol"):
        yield Check(name, declared(resource, name), found[name])
    actions = declared(resource, "DefaultActions")
    yield Check("default actions", len(actions), len(found["DefaultActions"]))
    for action, stored in zip(actions, found["DefaultActions"], strict=False):
        for name, value in action.items():
            yield Check(f"default action: {name}", value, stored.get(name))


@verifies("AWS::ElasticLoadBalancingV2::TargetGroup")
def target_group(aws: Aws, resource: Resource) -> Iterator[Check]:
    """Reaches and probes targets as declared."""
    elb, arn = aws("elbv2"), resource.physical_id
    found = only(elb.describe_target_groups(TargetGroupArns=[arn])["TargetGroups"])
    for name, value in resource.properties.items():
        if name in found:
            yield Check(name, value, found[name])
    attributes = elb.describe_target_group_attributes(TargetGroupArn=arn)["Attributes"]
    yield from _attributes(declared(resource, "TargetGroupAttributes", []), attributes)


def _attributes(wanted: list[dict[str, str]], found: list[dict[str, str]]) -> Iterator[Check]:
    stored = {each["Key"]: each["Value"] for each in found}
    for attribute in wanted:
        yield Check(attribute["Key"], attribute["Value"], stored.get(attribute["Key"]))


@verifies("AWS::ApplicationAutoScaling::ScalableTarget")
def scalable_target(aws: Aws, resource: Resource) -> Iterator[Check]:
    """Scales the declared resource between the declared limits."""
    resource_id, dimension, namespace = str(resource.physical_id).split("|")
    found = only(
        aws("application-autoscaling").describe_scalable_targets(
            ServiceNamespace=namespace, ResourceIds=[resource_id], ScalableDimension=dimension
        )["ScalableTargets"]
    )
    yield from same(
        resource, found, "ServiceNamespace", "ResourceId", "ScalableDimension", "MinCapacity", "MaxCapacity", "RoleARN"
    )


@verifies("AWS::ApplicationAutoScaling::ScalingPolicy")
def scaling_policy(aws: Aws, resource: Resource) -> Iterator[Check]:
    """Tracks the declared metric at the declared value."""
    resource_id, dimension, namespace = str(declared(resource, "ScalingTargetId")).split("|")
    policies = aws("application-autoscaling").describe_scaling_policies(
        ServiceNamespace=namespace, ResourceId=resource_id, ScalableDimension=dimension
    )["ScalingPolicies"]
    found = only(each for each in policies if each["PolicyARN"] == resource.physical_id)
    yield from same(resource, found, "PolicyName", "PolicyType")
    configuration = found["TargetTrackingScalingPolicyConfiguration"]
    for name, value in declared(resource, "TargetTrackingScalingPolicyConfiguration", {}).items():
        yield Check(name, value, configuration.get(name))
