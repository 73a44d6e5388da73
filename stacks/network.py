"""Owns the VPC, every way out of it, and every security group with all rules between them.

RTO/RPO: subnets in at least two zones let Aurora and the service fail over within the region; the egress mode decides
whether a new task can reach its image, logs and secrets at the moment it is needed most.
"""

from __future__ import annotations

from typing import cast

from aws_cdk import CfnResource, Fn, NestedStack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

from stacks.acknowledgements import (
    AWS_SOLUTIONS,
    HIPAA,
    NIST,
    PCI,
    acknowledge,
    acknowledge_inline_policy,
    skip_checkov,
)
from stacks.imports import view_of_key
from stacks.policies import removal_policy, retention
from stacks.settings import ComputeSettings, DatabaseSettings, EgressMode, NetworkSettings, RemovalSettings

HTTP, HTTPS = ec2.Port.tcp(80), ec2.Port.tcp(443)
# What an isolated Fargate task needs to start and to read its secret:
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/vpc-endpoints.html
ENDPOINTS = {
    "EcrApiEndpoint": ec2.InterfaceVpcEndpointAwsService.ECR,
    "EcrDockerEndpoint": ec2.InterfaceVpcEndpointAwsService.ECR_DOCKER,
    "LogsEndpoint": ec2.InterfaceVpcEndpointAwsService.CLOUDWATCH_LOGS,
    "SecretsManagerEndpoint": ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER,
    "KmsEndpoint": ec2.InterfaceVpcEndpointAwsService.KMS,
}
EXEC_ENDPOINTS = {"SsmMessagesEndpoint": ec2.InterfaceVpcEndpointAwsService.SSM_MESSAGES}
ENTRANCE = "The entrance of a public service: only the load balancer is in this group, open on its listeners' ports."
PUBLIC_ROUTE = "A load balancer that faces the internet needs this route; nothing here gets a public address unasked."
DEFAULT_GROUP = "Every network interface names a group of this stack; network.restrict_default_security_group is off."
CUSTOM_RESOURCE = dict.fromkeys(
    ("CKV_AWS_115", "CKV_AWS_116", "CKV_AWS_117"),
    "CDK's own function, which CloudFormation calls once in a deployment and which hears of its failure itself.",
)


class NetworkStack(NestedStack):
    """VPC, subnets, egress, flow logs and security groups."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: NetworkSettings,
        database: DatabaseSettings,
        compute: ComputeSettings,
        removal: RemovalSettings,
        key: kms.IKey,
    ) -> None:
        super().__init__(scope, construct_id, description="VPC, egress, flow logs and security groups")
        self._settings, self._database, self._compute = settings, database, compute
        self.vpc = self._build_vpc()
        self.flow_log_group = self._build_flow_logs(key, removal)
        self.load_balancer_security_group = self._build_security_group("LoadBalancerSecurityGroup", "Load balancer")
        self.task_security_group = self._build_security_group("TaskSecurityGroup", "Fargate tasks")
        self.database_security_group = self._build_security_group("DatabaseSecurityGroup", "Aurora")
        self.function_security_group = self._build_security_group("FunctionSecurityGroup", "Functions in the VPC")
        self._build_rules()
        self._build_endpoints()

    @property
    def availability_zones(self) -> list[str]:
        """Zones by setting, else the region's first ones: never a look-up, so a synth needs no credentials."""
        return list(self._settings.zones) or [
            Fn.select(index, Fn.get_azs(self.region)) for index in range(self._settings.zone_count)
        ]

    @property
    def task_subnets(self) -> ec2.SubnetSelection:
        """Subnets of the tasks: public, with NAT or isolated, as the egress mode has it."""
        return ec2.SubnetSelection(
            subnet_type={
                EgressMode.PUBLIC_IP: ec2.SubnetType.PUBLIC,
                EgressMode.NAT: ec2.SubnetType.PRIVATE_WITH_EGRESS,
                EgressMode.ENDPOINTS: ec2.SubnetType.PRIVATE_ISOLATED,
            }[self._settings.egress]
        )

    @property
    def first_task_subnet(self) -> ec2.ISubnet:
        """Subnet of the tasks in the first zone."""
        return self.vpc.select_subnets(subnet_type=self.task_subnets.subnet_type).subnets[0]

    @property
    def custom_resource_parts(self) -> list[CfnResource]:
        """Role and function of CDK's custom resource that empties the default security group; empty where it is off."""
        provider = self.node.try_find_child("Custom::VpcRestrictDefaultSGCustomResourceProvider")
        if provider is None:
            return []
        return [cast(CfnResource, provider.node.find_child(part)) for part in ("Role", "Handler")]

    def _build_vpc(self) -> ec2.Vpc:
        nat = self._settings.egress is EgressMode.NAT
        zones = self.availability_zones
        kinds = [("Public", ec2.SubnetType.PUBLIC), ("Isolated", ec2.SubnetType.PRIVATE_ISOLATED)]
        if nat:
            # Last: CDK allots addresses in this order, and a subnet whose range moves is replaced, Aurora's included.
            kinds.append(("Private", ec2.SubnetType.PRIVATE_WITH_EGRESS))
        vpc = ec2.Vpc(
            self,
            "Vpc",
            ip_addresses=ec2.IpAddresses.cidr(self._settings.cidr),
            max_azs=len(zones),
            nat_gateways=(1 if self._settings.nat_gateways == "one" else len(zones)) if nat else 0,
            subnet_configuration=[
                ec2.SubnetConfiguration(
                    name=name,
                    subnet_type=kind,
                    cidr_mask=self._settings.subnet_prefix,
                    # Tasks and load balancers ask for a public address themselves; nothing else should get one.
                    **({"map_public_ip_on_launch": False} if kind is ec2.SubnetType.PUBLIC else {}),
                )
                for name, kind in kinds
            ],
            restrict_default_security_group=self._settings.restrict_default_security_group,
            gateway_endpoints={
                "S3Endpoint": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.S3),
                "DynamoDbEndpoint": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.DYNAMODB),
            },
        )
        self._acknowledge_vpc(vpc)
        for part in self.custom_resource_parts:
            # CDK repeats as DependsOn what the function's reference to its role already says.
            part.add_deletion_override("DependsOn")
        return vpc

    def _acknowledge_vpc(self, vpc: ec2.Vpc) -> None:
        for subnet in vpc.public_subnets:
            route = subnet.node.find_child("DefaultRoute")
            acknowledge(route, HIPAA, NIST, PCI, rule="VPCNoUnrestrictedRouteToIGW", reason=PUBLIC_ROUTE)
        if not self._settings.restrict_default_security_group:
            acknowledge(vpc, HIPAA, NIST, PCI, rule="VPCDefaultSecurityGroupClosed", reason=DEFAULT_GROUP)
        for part in self.custom_resource_parts:
            if part.cfn_resource_type == "AWS::Lambda::Function":
                skip_checkov(part, CUSTOM_RESOURCE)

    def _build_flow_logs(self, key: kms.IKey, removal: RemovalSettings) -> logs.LogGroup:
        group = logs.LogGroup(
            self,
            "FlowLogGroup",
            encryption_key=view_of_key(self, "FlowLogKey", key),
            retention=retention(self._settings.flow_log_retention_days),
            removal_policy=removal_policy(removal),
        )
        # CDK's own role lets the service act for any account's flow log; AWS recommends to name ours:
        # https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
        role = iam.Role(
            self,
            "FlowLogRole",
            description="VPC flow logs: write to one log group",
            assumed_by=iam.ServicePrincipal(
                "vpc-flow-logs.amazonaws.com",
                conditions={
                    "StringEquals": {"aws:SourceAccount": self.account},
                    "ArnLike": {
                        "aws:SourceArn": f"arn:{self.partition}:ec2:{self.region}:{self.account}:vpc-flow-log/*"
                    },
                },
            ),
        )
        self.vpc.add_flow_log("FlowLog", destination=ec2.FlowLogDestination.to_cloud_watch_logs(group, role))
        acknowledge_inline_policy(role)
        return group

    def _build_security_group(self, construct_id: str, description: str) -> ec2.SecurityGroup:
        return ec2.SecurityGroup(self, construct_id, vpc=self.vpc, description=description, allow_all_outbound=False)

    def _build_rules(self) -> None:
        """State every permitted connection; what is not here is closed."""
        balancer, tasks = self.load_balancer_security_group, self.task_security_group
        database, functions = self.database_security_group, self.function_security_group
        task_port, database_port = ec2.Port.tcp(self._compute.port), ec2.Port.tcp(self._database.port)
        internet = ec2.Peer.any_ipv4()
        balancer.add_ingress_rule(internet, HTTP, "HTTP from the internet")
        acknowledge(balancer, AWS_SOLUTIONS, rule="EC23", reason=ENTRANCE)
        skip_checkov(balancer, {"CKV_AWS_260": ENTRANCE})
        if self._compute.certificate_arn:
            balancer.add_ingress_rule(internet, HTTPS, "HTTPS from the internet")
        balancer.add_egress_rule(tasks, task_port, "Requests and health checks to tasks")
        tasks.add_ingress_rule(balancer, task_port, "Requests and health checks from the load balancer")
        tasks.add_egress_rule(database, database_port, "PostgreSQL to Aurora")
        database.add_ingress_rule(tasks, database_port, "PostgreSQL from tasks")
        # Gateway endpoints are reached at AWS's public addresses, whose prefix list has another id in each region;
        # in isolated subnets no route leads anywhere else.
        tasks.add_egress_rule(internet, HTTPS, "AWS services")
        functions.add_egress_rule(internet, HTTPS, "AWS services")

    def _build_endpoints(self) -> None:
        if self._settings.egress is not EgressMode.ENDPOINTS:
            return
        group = self._build_security_group("EndpointSecurityGroup", "Interface endpoints")
        for client, name in ((self.task_security_group, "tasks"), (self.function_security_group, "functions")):
            group.add_ingress_rule(client, HTTPS, f"HTTPS from {name}")
        services = ENDPOINTS | (EXEC_ENDPOINTS if self._compute.exec_enabled else {})
        for construct_id, service in services.items():
            self.vpc.add_interface_endpoint(
                construct_id,
                service=service,
                subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
                security_groups=[group],
                open=False,
                private_dns_enabled=True,
            )
