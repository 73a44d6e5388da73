"""Owns the VPC, every way out of it, and every security group with all rules between them.

RTO/RPO: subnets in at least two zones let Aurora and the service fail over within the Region; the egress mode decides
whether a new task can reach its image, logs and secrets at the moment it is needed most.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from aws_cdk import CfnResource, Fn, NestedStack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from stacks.common.location import Location
from stacks.common.retention import companion_removal_policy
from stacks.names import OutputKey
from stacks.network.flow_log import FlowLog
from stacks.settings import ComputeSettings, DatabaseSettings, EgressMode, NetworkSettings, RemovalSettings
from stacks.settings.rules import MOST_ZONES, PRIVATE_ECR_IMAGE

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
TASK_SUBNETS = {
    EgressMode.PUBLIC_IP: ec2.SubnetType.PUBLIC,
    EgressMode.NAT: ec2.SubnetType.PRIVATE_WITH_EGRESS,
    EgressMode.ENDPOINTS: ec2.SubnetType.PRIVATE_ISOLATED,
}


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
        location: Location,
        key: kms.IKey,
    ) -> None:
        super().__init__(scope, construct_id, description="VPC, egress, flow logs and security groups")
        self.settings, self._database, self._compute, self._location = settings, database, compute, location
        self.vpc = self._build_vpc()
        self.flow_log = FlowLog(
            self,
            "FlowLog",
            vpc=self.vpc,
            location=location,
            key=key,
            retention_days=settings.flow_log_retention_days,
            removal=removal,
        )
        self.load_balancer_security_group = self._build_security_group("LoadBalancerSecurityGroup", "Load balancer")
        self.task_security_group = self._build_security_group("TaskSecurityGroup", "Fargate tasks")
        self.database_security_group = self._build_security_group("DatabaseSecurityGroup", "Aurora")
        self._permit_connections()
        self._limit_gateways()
        self._build_endpoints()
        self._keep_home_of_data(removal)

    def outputs(self) -> Mapping[OutputKey, str]:
        """Return what the root states about the network."""
        return {
            OutputKey.VPC_ID: self.vpc.vpc_id,
            OutputKey.PUBLIC_SUBNET_IDS: self._subnet_ids(ec2.SubnetType.PUBLIC),
            OutputKey.ISOLATED_SUBNET_IDS: self._subnet_ids(ec2.SubnetType.PRIVATE_ISOLATED),
            OutputKey.LOAD_BALANCER_SECURITY_GROUP_ID: self.load_balancer_security_group.security_group_id,
            OutputKey.TASK_SECURITY_GROUP_ID: self.task_security_group.security_group_id,
            OutputKey.DATABASE_SECURITY_GROUP_ID: self.database_security_group.security_group_id,
            OutputKey.FLOW_LOG_GROUP_NAME: self.flow_log.log_group.log_group_name,
        }

    @property
    def availability_zones(self) -> list[str]:
        """Zones by setting, else the Region's first ones; overrides CDK's look-up, so that a synth needs no account."""
        if self.settings.zones:
            return list(self.settings.zones)
        zones = Fn.get_azs(self._location.region)
        return [Fn.select(index, zones) for index in range(self.settings.zone_count)]

    @property
    def task_subnets(self) -> ec2.SubnetSelection:
        """Subnets of the tasks: public, with NAT or isolated, according to the egress mode."""
        return ec2.SubnetSelection(subnet_type=TASK_SUBNETS[self.settings.egress])

    @property
    def first_task_subnet(self) -> ec2.ISubnet:
        """Subnet of the tasks in the first zone."""
        return self.vpc.select_subnets(subnet_type=TASK_SUBNETS[self.settings.egress]).subnets[0]

    @property
    def custom_resource_parts(self) -> list[CfnResource]:
        """Role and function of CDK's custom resource that empties the default security group; empty where it is off."""
        provider = self.node.try_find_child("Custom::VpcRestrictDefaultSGCustomResourceProvider")
        if provider is None:
            return []
        return [cast(CfnResource, provider.node.find_child(part)) for part in ("Role", "Handler")]

    def _subnet_ids(self, kind: ec2.SubnetType) -> str:
        return Fn.join(",", self.vpc.select_subnets(subnet_type=kind).subnet_ids)

    def _build_vpc(self) -> ec2.Vpc:
        nat = self.settings.egress is EgressMode.NAT
        zones = self.availability_zones
        kinds = [("Public", ec2.SubnetType.PUBLIC), ("Isolated", ec2.SubnetType.PRIVATE_ISOLATED)]
        if nat:
            # Last: CDK gives addresses in this order, and a subnet whose range moves is replaced, Aurora's included.
            kinds.append(("Private", ec2.SubnetType.PRIVATE_WITH_EGRESS))
        vpc = ec2.Vpc(
            self,
            "Vpc",
            ip_addresses=ec2.IpAddresses.cidr(self.settings.cidr),
            max_azs=len(zones),
            # Addresses for all zones that there could be: a third zone must not move the subnets of the first two.
            reserved_azs=MOST_ZONES - len(zones),
            nat_gateways=(1 if self.settings.nat_gateways == "one" else len(zones)) if nat else 0,
            subnet_configuration=[
                ec2.SubnetConfiguration(
                    name=name,
                    subnet_type=kind,
                    cidr_mask=self.settings.subnet_prefix,
                    # Tasks and load balancers ask for a public address themselves; nothing else should get one.
                    **({"map_public_ip_on_launch": False} if kind is ec2.SubnetType.PUBLIC else {}),
                )
                for name, kind in kinds
            ],
            restrict_default_security_group=self.settings.restrict_default_security_group,
            gateway_endpoints={
                "S3Endpoint": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.S3),
                "DynamoDbEndpoint": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.DYNAMODB),
            },
        )
        for part in self.custom_resource_parts:
            # CDK repeats as DependsOn what the function's reference to its role already says.
            part.add_deletion_override("DependsOn")
        return vpc

    def _keep_home_of_data(self, removal: RemovalSettings) -> None:
        """Keep what an Aurora cluster that stays is in: without it neither could the stack be deleted."""
        for home in (self.vpc, *self.vpc.isolated_subnets, self.database_security_group):
            resource = home.node.default_child
            assert isinstance(resource, CfnResource)  # noqa: S101 (narrows the type)
            resource.apply_removal_policy(companion_removal_policy(removal))

    def _build_security_group(self, construct_id: str, description: str) -> ec2.SecurityGroup:
        return ec2.SecurityGroup(self, construct_id, vpc=self.vpc, description=description, allow_all_outbound=False)

    def _permit_connections(self) -> None:
        """State every permitted connection; what is not here is closed."""
        balancer, tasks = self.load_balancer_security_group, self.task_security_group
        database = self.database_security_group
        task_port, database_port = ec2.Port.tcp(self._compute.port), ec2.Port.tcp(self._database.port)
        internet = ec2.Peer.any_ipv4()
        balancer.add_ingress_rule(internet, HTTP, "HTTP from the internet")
        if self._compute.certificate_arn:
            balancer.add_ingress_rule(internet, HTTPS, "HTTPS from the internet")
        balancer.add_egress_rule(tasks, task_port, "Requests and health checks to tasks")
        tasks.add_ingress_rule(balancer, task_port, "Requests and health checks from the load balancer")
        tasks.add_egress_rule(database, database_port, "PostgreSQL to Aurora")
        database.add_ingress_rule(tasks, database_port, "PostgreSQL from tasks")
        # To anywhere: gateway endpoints are reached at AWS's public addresses, whose prefix lists have other ids in
        # each Region. AWS publishes no list of them, and a look-up needs an account, which a synthesis does not. In
        # isolated subnets no route leads anywhere else, and the endpoints' policies decide what is reached there.
        tasks.add_egress_rule(internet, HTTPS, "AWS services")

    def _limit_gateways(self) -> None:
        """Let S3 and DynamoDB be reached here for data of this account, and for image layers of Amazon ECR."""
        s3, dynamodb = (self.vpc.node.find_child(name) for name in ("S3Endpoint", "DynamoDbEndpoint"))
        self._limit(cast(ec2.VpcEndpoint, s3))
        self._limit(cast(ec2.VpcEndpoint, dynamodb))
        # Layers come by signed addresses in the name of Amazon ECR, from a bucket of its own in each Region:
        # https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html#ecr-setting-up-s3-gateway
        layers = f"arn:{self._location.partition}:s3:::prod-{self._location.region}-starport-layer-bucket/*"
        cast(ec2.VpcEndpoint, s3).add_to_policy(
            iam.PolicyStatement(
                sid="ImageLayers", principals=[iam.StarPrincipal()], actions=["s3:GetObject"], resources=[layers]
            )
        )

    def _limit(self, endpoint: ec2.VpcEndpoint, *owners: str) -> None:
        """Admit principals of this account to its own resources, and to those of some other accounts.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_data-perimeters.html

        Args:
            endpoint: what they call through.
            owners: other accounts.
        """
        account = self._location.account
        accounts = {"aws:PrincipalAccount": account, "aws:ResourceAccount": [account, *owners] if owners else account}
        endpoint.add_to_policy(
            iam.PolicyStatement(
                sid="ThisAccount",
                principals=[iam.StarPrincipal()],
                actions=["*"],
                resources=["*"],
                conditions={"StringEquals": accounts},
            )
        )

    def _build_endpoints(self) -> None:
        if self.settings.egress is not EgressMode.ENDPOINTS:
            return
        group = self._build_security_group("EndpointSecurityGroup", "Interface endpoints")
        group.add_ingress_rule(self.task_security_group, HTTPS, "HTTPS from tasks")
        services = ENDPOINTS | (EXEC_ENDPOINTS if self._compute.exec_enabled else {})
        image = PRIVATE_ECR_IMAGE.match(self._compute.image or "")
        registry = [image["account"]] if image and image["account"] != self._location.account else []
        for construct_id, service in services.items():
            endpoint = self.vpc.add_interface_endpoint(
                construct_id,
                service=service,
                subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
                security_groups=[group],
                open=False,
                private_dns_enabled=True,
            )
            self._limit(endpoint, *(registry if construct_id.startswith("Ecr") else []))
