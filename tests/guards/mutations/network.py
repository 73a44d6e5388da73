"""Seeded defects of the network, the load balancer and DNS."""

from __future__ import annotations

from itertools import product
from typing import Any

from tests.guards.mutations import MutableApp, mutation

VPC, SUBNET = "AWS::EC2::VPC", "AWS::EC2::Subnet"


@mutation("DR-NET-01")
def zone_that_cdk_made_up(app: MutableApp) -> None:
    app.properties(SUBNET, "VpcIsolatedSubnet2")["AvailabilityZone"] = "dummy1b"


@mutation("DR-NET-02")
def peer_with_the_same_range(app: MutableApp) -> None:
    vpc = next(iter(app.resources(VPC)))
    app.add(VPC, "PeerVpc", {"Type": VPC, "Properties": {"CidrBlock": "10.20.128.0/17"}})
    peers = {"VpcId": {"Ref": vpc}, "PeerVpcId": {"Ref": "PeerVpc"}}
    app.add(VPC, "Peering", {"Type": "AWS::EC2::VPCPeeringConnection", "Properties": peers})


@mutation("DR-NET-03")
def vpc_without_host_names(app: MutableApp) -> None:
    app.properties(VPC)["EnableDnsHostnames"] = False


@mutation("DR-NET-13")
def gateway_endpoint_that_no_route_leads_to(app: MutableApp) -> None:
    del app.properties("AWS::EC2::VPCEndpoint", "VpcDynamoDb")["RouteTableIds"]


@mutation("DR-NET-12")
def group_of_the_cluster_in_the_default_vpc(app: MutableApp) -> None:
    groups = app.resources("AWS::EC2::SecurityGroup")
    del groups[next(name for name in groups if "Database" in name)]["Properties"]["VpcId"]


BALANCER = "AWS::ElasticLoadBalancingV2::LoadBalancer"
TARGET_GROUP = "AWS::ElasticLoadBalancingV2::TargetGroup"


@mutation("DR-ALB-01")
def targets_are_instances(app: MutableApp) -> None:
    del app.properties(TARGET_GROUP)["TargetType"]


@mutation("DR-ALB-02")
def tasks_closed_to_the_load_balancer(app: MutableApp) -> None:
    app.remove("AWS::EC2::SecurityGroupIngress", "TaskSecurityGroupfrom")


@mutation("DR-ALB-02")
def health_checks_on_a_closed_port(app: MutableApp) -> None:
    app.properties(TARGET_GROUP)["HealthCheckPort"] = "9000"


@mutation("DR-ALB-03")
def load_balancer_in_one_zone(app: MutableApp) -> None:
    app.properties(BALANCER)["Subnets"][1:] = []


@mutation("DR-ALB-04")
def logs_to_an_encrypted_bucket(app: MutableApp) -> None:
    encryption = app.properties("AWS::S3::Bucket", "LogBucket")["BucketEncryption"]
    encryption["ServerSideEncryptionConfiguration"][0]["ServerSideEncryptionByDefault"]["SSEAlgorithm"] = "aws:kms"
    for bucket in app.resources("AWS::S3::Bucket").values():
        bucket["Properties"].pop("LoggingConfiguration", None)


@mutation("DR-ALB-05")
def logs_to_a_closed_bucket(app: MutableApp) -> None:
    statements = app.properties("AWS::S3::BucketPolicy", "LogBucket")["PolicyDocument"]["Statement"]
    statements[:] = [statement for statement in statements if statement.get("Sid") != "LoadBalancersDeliverLogs"]


@mutation("DR-ALB-05")
def logs_under_another_prefix(app: MutableApp) -> None:
    attributes = app.properties(BALANCER)["LoadBalancerAttributes"]
    next(item for item in attributes if item["Key"] == "access_logs.s3.prefix")["Value"] = "elsewhere"


@mutation("DR-ALB-06")
def service_before_its_listener(app: MutableApp) -> None:
    service = app.resource("AWS::ECS::Service")
    service["DependsOn"] = [name for name in service["DependsOn"] if "Listener" not in name]
    # The alarms that end a deployment watch the load balancer of a listener, and so wait for it.
    del service["Properties"]["DeploymentConfiguration"]["Alarms"]


BESIDE = "AWS::ElasticLoadBalancingV2::LoadBalancer"


@mutation("DR-ROUTE53-01")
def zone_of_the_documentation(app: MutableApp) -> None:
    zone(app, "payments.example.com")


@mutation("DR-ROUTE53-02")
def cname_at_the_apex(app: MutableApp) -> None:
    zone(app, "mycompany.com.")
    record(app, HostedZoneId={"Ref": "Zone"}, Name="mycompany.com", ResourceRecords=["lb.mycompany.net"], Type="CNAME")


@mutation("DR-ROUTE53-03")
def health_check_of_a_url(app: MutableApp) -> None:
    health_check(app, FullyQualifiedDomainName="https://api.mycompany.com/")


@mutation("DR-ROUTE53-04")
def health_check_of_a_private_address(app: MutableApp) -> None:
    health_check(app, IPAddress="10.20.0.5")


@mutation("DR-ROUTE53-05")
def cname_to_a_function_url(app: MutableApp) -> None:
    url = {"Type": "AWS::Lambda::Url", "Properties": {"TargetFunctionArn": "failover", "AuthType": "NONE"}}
    app.add(BESIDE, "Url", url)
    host = {"Fn::Select": [2, {"Fn::Split": ["/", {"Fn::GetAtt": ["Url", "FunctionUrl"]}]}]}
    record(app, Type="CNAME", ResourceRecords=[host])


@mutation("DR-ROUTE53-06")
def failover_without_identifier(app: MutableApp) -> None:
    record(app, Failover="SECONDARY")


@mutation("DR-ROUTE53-07")
def primary_that_nothing_watches(app: MutableApp) -> None:
    record(app, Failover="PRIMARY", SetIdentifier="primary")


def zone(app: MutableApp, name: str) -> None:
    """Add a hosted zone."""
    app.add(BESIDE, "Zone", {"Type": "AWS::Route53::HostedZone", "Properties": {"Name": name}})


def record(app: MutableApp, **properties: Any) -> None:
    """Add a record that is right but for some properties."""
    right = {"HostedZoneName": "mycompany.com.", "Name": "api.mycompany.com", "Type": "A", "TTL": "60"}
    body = {**right, "ResourceRecords": ["52.94.236.248"], **properties}
    if "HostedZoneId" in body:
        del body["HostedZoneName"]
    app.add(BESIDE, "Record", {"Type": "AWS::Route53::RecordSet", "Properties": body})


def health_check(app: MutableApp, **config: Any) -> None:
    """Add a health check of an endpoint."""
    properties = {"HealthCheckConfig": {"Type": "HTTPS", **config}}
    app.add(BESIDE, "Check", {"Type": "AWS::Route53::HealthCheck", "Properties": properties})


ENDPOINT = "AWS::EC2::VPCEndpoint"


@mutation("DR-NET-06")
def layers_of_another_region(app: MutableApp) -> None:
    statements = app.properties(ENDPOINT, "VpcS3Endpoint")["PolicyDocument"]["Statement"]
    layers = next(item for item in statements if item["Sid"] == "ImageLayers")
    layers["Resource"] = "arn:aws:s3:::prod-eu-west-1-starport-layer-bucket/*"


@mutation("DR-NET-07")
def proxy_that_the_database_does_not_admit(app: MutableApp) -> None:
    cluster = next(iter(app.resources("AWS::RDS::DBCluster")))
    properties: dict[str, Any] = {"EngineFamily": "POSTGRESQL", "VpcSubnetIds": ["subnet-0a1b2c3d4e5f60718"]}
    properties |= {"DBProxyName": "app-eu1", "VpcSecurityGroupIds": [{"Ref": "ProxyGroup"}]}
    group = {"GroupDescription": "proxy", "VpcId": "vpc-0a1b2c3d4e5f60718"}
    targets = {"DBProxyName": {"Ref": "Proxy"}, "DBClusterIdentifiers": [{"Ref": cluster}]}
    for name, kind, given in (
        ("ProxyGroup", "AWS::EC2::SecurityGroup", group),
        ("Proxy", "AWS::RDS::DBProxy", properties),
        ("Targets", "AWS::RDS::DBProxyTargetGroup", targets),
    ):
        app.add("AWS::RDS::DBCluster", name, {"Type": kind, "Properties": given})
    app.resource("AWS::RDS::DBProxyTargetGroup")["DependsOn"] = list(app.resources("AWS::RDS::DBInstance"))


@mutation("DR-NET-08")
def endpoint_closed_to_a_function(app: MutableApp) -> None:
    subnets = [{"Ref": name} for name in app.resources(SUBNET, "VpcIsolatedSubnet")]
    vpc = next(iter(app.resources(VPC)))
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    call = {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": "*"}
    interfaces = "arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole"
    role = {
        "AssumeRolePolicyDocument": {"Statement": [trust]},
        "ManagedPolicyArns": [interfaces],
        "Policies": [{"PolicyName": "call", "PolicyDocument": {"Statement": [call]}}],
    }
    function = {
        "Runtime": "python3.13",
        "Handler": "index.handler",
        "Code": {"ZipFile": "def handler(event, context): return None"},
        "Role": {"Fn::GetAtt": ["FunctionRole", "Arn"]},
        "VpcConfig": {"SubnetIds": subnets, "SecurityGroupIds": [{"Ref": "FunctionGroup"}]},
    }
    group = {"GroupDescription": "function", "VpcId": {"Ref": vpc}}
    app.add(VPC, "FunctionRole", {"Type": "AWS::IAM::Role", "Properties": role})
    app.add(VPC, "FunctionGroup", {"Type": "AWS::EC2::SecurityGroup", "Properties": group})
    app.add(VPC, "Function", {"Type": "AWS::Lambda::Function", "Properties": function})


@mutation("DR-NET-09")
def gateway_of_another_vpc(app: MutableApp) -> None:
    app.add(VPC, "OtherVpc", {"Type": VPC, "Properties": {"CidrBlock": "10.99.0.0/16"}})
    app.properties("AWS::EC2::VPCGatewayAttachment")["VpcId"] = {"Ref": "OtherVpc"}


@mutation("DR-NET-10")
def clients_on_another_port(app: MutableApp) -> None:
    for kind in ("AWS::EC2::SecurityGroup", "AWS::EC2::SecurityGroupIngress"):
        for resource in app.resources(kind).values():
            for entry in [resource["Properties"], *resource["Properties"].get("SecurityGroupIngress", [])]:
                if entry.get("FromPort") == 443 and entry.get("CidrIp") == "0.0.0.0/0":
                    entry["FromPort"] = entry["ToPort"] = 8443


@mutation("DR-ALB-07")
def redirect_to_itself(app: MutableApp) -> None:
    listener = app.properties("AWS::ElasticLoadBalancingV2::Listener", "LoadBalancerHttpListener")
    listener["DefaultActions"][0]["RedirectConfig"].update(Port="80", Protocol="HTTP")


@mutation("DR-NET-11")
def acl_without_the_answers(app: MutableApp) -> None:
    subnets = app.resources(SUBNET, "VpcIsolatedSubnet")
    app.add(
        VPC, "Acl", {"Type": "AWS::EC2::NetworkAcl", "Properties": {"VpcId": {"Ref": next(iter(app.resources(VPC)))}}}
    )
    for number, name in enumerate(subnets):
        properties = {"NetworkAclId": {"Ref": "Acl"}, "SubnetId": {"Ref": name}}
        app.add(VPC, f"Acl{number}", {"Type": "AWS::EC2::SubnetNetworkAclAssociation", "Properties": properties})
    for number, (outbound, port) in enumerate(product((False, True), (443, 5433, 8080)), start=100):
        entry = {"RuleNumber": number, "RuleAction": "allow", "Protocol": 6, "CidrBlock": "10.20.0.0/16"}
        ports = {"NetworkAclId": {"Ref": "Acl"}, "Egress": outbound, "PortRange": {"From": port, "To": port}}
        app.add(VPC, f"Entry{number}", {"Type": "AWS::EC2::NetworkAclEntry", "Properties": {**entry, **ports}})


@mutation("DR-ECS-01")
def subnet_of_the_main_table(app: MutableApp) -> None:
    app.remove("AWS::EC2::SubnetRouteTableAssociation", "VpcIsolatedSubnet2")
