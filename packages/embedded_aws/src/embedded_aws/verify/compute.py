"""Compute: Amazon ECS, Elastic Load Balancing and Application Auto Scaling."""

from collections.abc import Iterator, Mapping
from typing import Any

from embedded_aws.clients import Aws
from embedded_aws.deployment import DeployedResource
from embedded_aws.verify.core import Comparison, declared, named, only, same, unordered, verifies

# What a redirect keeps of a request unless it says otherwise.
# https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_RedirectActionConfig.html
_REDIRECT_DEFAULTS = {"Host": "#{host}", "Path": "/#{path}", "Port": "#{port}", "Query": "#{query}"}


@verifies("AWS::ECS::Cluster")
def ecs_cluster(aws: Aws, resource: DeployedResource) -> Iterator[Comparison]:
    """Compare status, name and settings."""
    found = only(aws("ecs").describe_clusters(clusters=[resource.physical_id], include=["SETTINGS"])["clusters"])
    yield from named(resource, "ClusterName")
    yield Comparison("status", "ACTIVE", found["status"])
    yield Comparison("settings", _lowered(declared(resource, "ClusterSettings", [])), found["settings"])


@verifies("AWS::ECS::TaskDefinition")
def task_definition(aws: Aws, resource: DeployedResource) -> Iterator[Comparison]:
    """Compare size, network mode, roles, volumes and every member of every container."""
    answer = aws("ecs").describe_task_definition(taskDefinition=resource.physical_id)
    found = answer["taskDefinition"]
    wanted = _lowered(resource.properties)
    yield Comparison("status", "ACTIVE", found["status"])
    for name in ("family", "cpu", "memory", "networkMode", "requiresCompatibilities", "executionRoleArn", "taskRoleArn",
                 "runtimePlatform"):  # fmt: skip
        if name in wanted:
            yield Comparison(name, wanted[name], found.get(name))
    yield Comparison("volumes", wanted.get("volumes", []), found["volumes"])
    stored = {container["name"]: container for container in found["containerDefinitions"]}
    for container in wanted["containerDefinitions"]:
        for name, value in container.items():
            yield Comparison(f"container {container['name']}: {name}", value, stored[container["name"]].get(name))


@verifies("AWS::ARCZonalShift::ZonalAutoshiftConfiguration")
def zonal_autoshift(aws: Aws, resource: DeployedResource) -> Iterator[Comparison]:
    """Compare load balancer, status and every member of the practice runs."""
    found = aws("arc-zonal-shift").get_managed_resource(resourceIdentifier=str(resource.physical_id))
    yield Comparison("resource", declared(resource, "ResourceIdentifier"), found["arn"])
    yield Comparison("status", declared(resource, "ZonalAutoshiftStatus", "DISABLED"), found["zonalAutoshiftStatus"])
    for name, value in _lowered(declared(resource, "PracticeRunConfiguration", {})).items():
        yield Comparison(name, value, found.get("practiceRunConfiguration", {}).get(name))


def _lowered(value: Any) -> Any:
    """Return the names as the API of ECS spells them; the options of a log driver and labels are not names."""
    if isinstance(value, list):
        return [_lowered(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    return {
        name[0].lower() + name[1:]: dict(item) if name in ("Options", "DockerLabels") else _lowered(item)
        for name, item in value.items()
    }


@verifies("AWS::ECS::Service")
def service(aws: Aws, resource: DeployedResource) -> Iterator[Comparison]:
    """Compare status, tasks, network, load balancers and deployment settings."""
    cluster = declared(resource, "Cluster")
    found = only(aws("ecs").describe_services(cluster=cluster, services=[resource.physical_id])["services"])
    wanted = _lowered(resource.properties)
    yield Comparison("status", "ACTIVE", found["status"])
    for name in ("taskDefinition", "desiredCount", "launchType", "platformVersion", "networkConfiguration",
                 "loadBalancers", "healthCheckGracePeriodSeconds", "enableExecuteCommand",
                 "propagateTags", "enableECSManagedTags", "serviceName"):  # fmt: skip
        if name in wanted:
            yield Comparison(name, wanted[name], found.get(name))
    deployment = found["deploymentConfiguration"]
    for name, value in wanted.get("deploymentConfiguration", {}).items():
        yield Comparison(name, value, deployment.get(name))


@verifies("AWS::ElasticLoadBalancingV2::LoadBalancer")
def load_balancer(aws: Aws, resource: DeployedResource) -> Iterator[Comparison]:
    """Compare scheme, type, subnets, security groups and attributes."""
    elb, arn = aws("elbv2"), resource.physical_id
    found = only(elb.describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"])
    yield Comparison("name", declared(resource, "Name", found["LoadBalancerName"]), found["LoadBalancerName"])
    yield Comparison("scheme", declared(resource, "Scheme", "internet-facing"), found["Scheme"])
    yield Comparison("type", declared(resource, "Type", "application"), found["Type"])
    subnets = [zone["SubnetId"] for zone in found["AvailabilityZones"]]
    yield Comparison("subnets", unordered(declared(resource, "Subnets")), unordered(subnets))
    groups = found["SecurityGroups"]
    yield Comparison("security groups", unordered(declared(resource, "SecurityGroups", [])), unordered(groups))
    attributes = elb.describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"]
    yield from _attributes(declared(resource, "LoadBalancerAttributes", []), attributes)


@verifies("AWS::ElasticLoadBalancingV2::Listener")
def listener(aws: Aws, resource: DeployedResource) -> Iterator[Comparison]:
    """Compare port, protocol and default actions."""
    found = only(aws("elbv2").describe_listeners(ListenerArns=[resource.physical_id])["Listeners"])
    for name in ("LoadBalancerArn", "Port", "Protocol"):
        yield Comparison(name, declared(resource, name), found[name])
    actions = declared(resource, "DefaultActions")
    yield Comparison("default actions", len(actions), len(found["DefaultActions"]))
    for action, stored in zip(actions, found["DefaultActions"], strict=False):
        for name, value in action.items():
            whole = {**_REDIRECT_DEFAULTS, **value} if name == "RedirectConfig" else value
            yield Comparison(f"default action: {name}", whole, stored.get(name))


@verifies("AWS::ElasticLoadBalancingV2::TargetGroup")
def target_group(aws: Aws, resource: DeployedResource) -> Iterator[Comparison]:
    """Compare port, protocol, health check and attributes."""
    elb, arn = aws("elbv2"), resource.physical_id
    found = only(elb.describe_target_groups(TargetGroupArns=[arn])["TargetGroups"])
    for name, value in resource.properties.items():
        if name in found:
            yield Comparison(name, value, found[name])
    attributes = elb.describe_target_group_attributes(TargetGroupArn=arn)["Attributes"]
    yield from _attributes(declared(resource, "TargetGroupAttributes", []), attributes)


def _attributes(wanted: list[dict[str, str]], found: list[dict[str, str]]) -> Iterator[Comparison]:
    stored = {each["Key"]: each["Value"] for each in found}
    for attribute in wanted:
        yield Comparison(attribute["Key"], attribute["Value"], stored.get(attribute["Key"]))


@verifies("AWS::ApplicationAutoScaling::ScalableTarget")
def scalable_target(aws: Aws, resource: DeployedResource) -> Iterator[Comparison]:
    """Compare the scaled resource, its limits and the role."""
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
def scaling_policy(aws: Aws, resource: DeployedResource) -> Iterator[Comparison]:
    """Compare the tracked metric and its target value."""
    resource_id, dimension, namespace = str(declared(resource, "ScalingTargetId")).split("|")
    policies = aws("application-autoscaling").describe_scaling_policies(
        ServiceNamespace=namespace, ResourceId=resource_id, ScalableDimension=dimension
    )["ScalingPolicies"]
    found = only(each for each in policies if each["PolicyARN"] == resource.physical_id)
    yield from same(resource, found, "PolicyName", "PolicyType")
    configuration = found["TargetTrackingScalingPolicyConfiguration"]
    for name, value in declared(resource, "TargetTrackingScalingPolicyConfiguration", {}).items():
        yield Comparison(name, value, configuration.get(name))
