"""Seeded defects of the ECS service, its tasks, and the functions."""

from __future__ import annotations

from typing import Any

from tests.guards.mutations import MutableApp, mutation

SERVICE, DEFINITION = "AWS::ECS::Service", "AWS::ECS::TaskDefinition"
ENDPOINT, GROUP = "AWS::EC2::VPCEndpoint", "AWS::EC2::SecurityGroup"
INGRESS = "AWS::EC2::SecurityGroupIngress"


def _let_tasks_start_with(app: MutableApp, action: str, arn: str) -> None:
    policy = app.properties("AWS::IAM::Policy", "TaskDefinitionExecutionRoleDefaultPolicy")["PolicyDocument"]
    policy["Statement"].append({"Effect": "Allow", "Action": action, "Resource": arn})


def _container(app: MutableApp) -> dict[str, Any]:
    container: dict[str, Any] = app.properties(DEFINITION)["ContainerDefinitions"][0]
    return container


def _placement(app: MutableApp) -> dict[str, Any]:
    placement: dict[str, Any] = app.properties(SERVICE)["NetworkConfiguration"]["AwsvpcConfiguration"]
    return placement


@mutation("DR-ECS-01")
def no_endpoint_for_registry_calls(app: MutableApp) -> None:
    app.remove(ENDPOINT, "VpcEcrApiEndpoint")


@mutation("DR-ECS-01")
def image_layers_without_a_route(app: MutableApp) -> None:
    app.properties(ENDPOINT, "VpcS3Endpoint")["RouteTableIds"][2:] = []


@mutation("DR-ECS-02")
def public_image_through_endpoints(app: MutableApp) -> None:
    _container(app)["Image"] = "public.ecr.aws/nginx/nginx:1.27"


@mutation("DR-ECS-03", profile="dev")
def public_subnets_without_public_addresses(app: MutableApp) -> None:
    _placement(app)["AssignPublicIp"] = "DISABLED"


@mutation("DR-ECS-04")
def no_endpoint_for_logs(app: MutableApp) -> None:
    app.remove(ENDPOINT, "VpcLogsEndpoint")


@mutation("DR-ECS-05")
def parameter_store_without_an_endpoint(app: MutableApp) -> None:
    _container(app)["Secrets"] = [{"Name": "API_KEY", "ValueFrom": "/payments/api-key"}]
    _let_tasks_start_with(app, "ssm:GetParameters", "arn:aws:ssm:us-east-1:111111111111:parameter/payments/api-key")


@mutation("DR-ECS-06")
def exec_without_an_endpoint(app: MutableApp) -> None:
    app.properties(SERVICE)["EnableExecuteCommand"] = True
    _container(app)["ReadonlyRootFilesystem"] = False


@mutation("DR-ECS-07")
def endpoint_without_private_dns(app: MutableApp) -> None:
    del app.properties(ENDPOINT, "VpcEcrDockerEndpoint")["PrivateDnsEnabled"]


@mutation("DR-ECS-08")
def endpoints_closed_to_tasks(app: MutableApp) -> None:
    app.properties(INGRESS, "EndpointSecurityGroupfromBreakwatereu1NetworkTask")["FromPort"] = 444
    app.properties(INGRESS, "EndpointSecurityGroupfromBreakwatereu1NetworkTask")["ToPort"] = 444


@mutation("DR-ECS-09")
def tasks_closed_to_the_outside(app: MutableApp) -> None:
    app.properties(GROUP, "TaskSecurityGroup")["SecurityGroupEgress"][0]["CidrIp"] = "192.168.0.0/16"


@mutation("DR-ECS-09", profile="prod-nat")
def tasks_closed_to_the_nat_gateway(app: MutableApp) -> None:
    app.properties(GROUP, "TaskSecurityGroup")["SecurityGroupEgress"][0]["CidrIp"] = "10.0.0.0/8"


@mutation("DR-ECS-10")
def no_circuit_breaker(app: MutableApp) -> None:
    del app.properties(SERVICE)["DeploymentConfiguration"]["DeploymentCircuitBreaker"]


@mutation("DR-ECS-11")
def no_grace_period(app: MutableApp) -> None:
    del app.properties(SERVICE)["HealthCheckGracePeriodSeconds"]


@mutation("DR-ECS-12")
def unknown_container(app: MutableApp) -> None:
    app.properties(SERVICE)["LoadBalancers"][0]["ContainerName"] = "web"


@mutation("DR-ECS-13")
def memory_that_fargate_does_not_offer(app: MutableApp) -> None:
    app.properties(DEFINITION)["Memory"] = "768"


@mutation("DR-ECS-14", profile="options")
def exec_on_a_read_only_file_system(app: MutableApp) -> None:
    del _container(app)["MountPoints"][1]


@mutation("DR-ECS-15")
def scratch_volume_that_belongs_to_root(app: MutableApp) -> None:
    app.properties(DEFINITION)["Volumes"] = [{"Name": "scratch"}]
    _container(app)["MountPoints"] = [{"ContainerPath": "/scratch", "SourceVolume": "scratch", "ReadOnly": False}]


@mutation("DR-ECS-16")
def tasks_in_one_zone(app: MutableApp) -> None:
    _placement(app)["Subnets"][1:] = []


@mutation("DR-ECS-17")
def database_closed_to_tasks(app: MutableApp) -> None:
    app.remove(INGRESS, "DatabaseSecurityGroupfrom")


@mutation("DR-ECS-17")
def tasks_closed_to_the_database(app: MutableApp) -> None:
    app.remove("AWS::EC2::SecurityGroupEgress", "TaskSecurityGroupto")


@mutation("DR-ECS-18", profile="options")
def password_in_the_environment(app: MutableApp) -> None:
    container = app.properties("AWS::ECS::TaskDefinition")["ContainerDefinitions"][0]
    arn = next(one["Value"] for one in container["Environment"] if one["Name"] == "DATABASE_SECRET_ARN")
    container["Secrets"] = [{"Name": "PASSWORD", "ValueFrom": {"Fn::Join": ["", [arn, ":password::"]]}}]


@mutation("DR-ECS-21")
def key_of_a_secret_without_its_colons(app: MutableApp) -> None:
    arn = "arn:aws:secretsmanager:us-east-1:111111111111:secret:orders-AbCdEf"
    _let_tasks_start_with(app, "secretsmanager:GetSecretValue", arn)
    _container(app)["Secrets"] = [{"Name": "TOKEN", "ValueFrom": f"{arn}:token"}]


@mutation("DR-LOGS-03")
def retention_by_a_function(app: MutableApp) -> None:
    properties = {"ServiceToken": "arn:aws:lambda:us-east-1:111111111111:function:retention", "LogGroupName": "/orders"}
    app.add("AWS::Logs::LogGroup", "Retention", {"Type": "Custom::LogRetention", "Properties": properties})


BESIDE = "AWS::ECS::Service"
SUBNET = "AWS::EC2::Subnet"


@mutation("DR-LAMBDA-01")
def reserved_variable(app: MutableApp) -> None:
    function(app, Environment={"Variables": {"TABLE": {"Ref": "AWS::StackName"}, "AWS_REGION": "us-east-1"}})


@mutation("DR-LAMBDA-02")
def whole_quota_reserved(app: MutableApp) -> None:
    function(app, ReservedConcurrentExecutions=950)


@mutation("DR-LAMBDA-03")
def small_reservation(app: MutableApp) -> None:
    function(app, ReservedConcurrentExecutions="5")


@mutation("DR-LAMBDA-04")
def function_cut_off(app: MutableApp) -> None:
    """Call Step Functions, which is not among the services for which the VPC has endpoints."""
    actions = [
        "states:StartExecution",
        *(f"ec2:{verb}NetworkInterface" for verb in ("Create", "Delete")),
        "ec2:Describe*",
    ]
    allow = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
    role = {
        "AssumeRolePolicyDocument": {"Statement": [trust]},
        "Policies": [{"PolicyName": "start", "PolicyDocument": {"Statement": [allow]}}],
    }
    app.add(SUBNET, "FailoverRole", {"Type": "AWS::IAM::Role", "Properties": role})
    in_subnet(app, "Isolated", Role={"Fn::GetAtt": ["FailoverRole", "Arn"]})


@mutation("DR-LAMBDA-05")
def function_in_public_subnet(app: MutableApp) -> None:
    in_subnet(app, "Public")


@mutation("DR-LAMBDA-06")
def no_code(app: MutableApp) -> None:
    function(app, Code={})


@mutation("DR-LAMBDA-07")
def handler_of_another_file(app: MutableApp) -> None:
    function(app, Handler="failover.handler")


@mutation("DR-LAMBDA-11")
def variable_of_another_name(app: MutableApp) -> None:
    code = "import os\n\ndef handler(event, context):\n    return os.environ['TABLE_NAME']\n"
    function(app, Code={"ZipFile": code}, Handler="index.handler", Environment={"Variables": {"TABLE": "t"}})


@mutation("DR-CLOUDWATCH-11")
def health_without_its_suffix(app: MutableApp) -> None:
    function(app, Code={"ZipFile": "def handler(event, context):\n    return {'MetricName': 'ComponentHealth'}\n"})
    alarm = app.properties("AWS::CloudWatch::Alarm", "AlarmsHealthTable")
    alarm["Dimensions"] = [one for one in alarm["Dimensions"] if one["Name"] == "Component"]


@mutation("DR-LAMBDA-08")
def retired_runtime(app: MutableApp) -> None:
    function(app, Runtime="python3.7")


@mutation("DR-LAMBDA-09")
def runtime_without_support(app: MutableApp) -> None:
    function(app, Runtime="python3.9")


def function(app: MutableApp, beside: str = BESIDE, **properties: Any) -> None:
    """Add a function that is right but for some properties."""
    right = {
        "Role": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/failover"},
        "Handler": "index.handler",
        "Runtime": "python3.13",
        "Code": {"ZipFile": "def handler(event, context):\n    return event\n"},
    }
    app.add(beside, "FailoverFunction", {"Type": "AWS::Lambda::Function", "Properties": {**right, **properties}})


def in_subnet(app: MutableApp, name: str, **properties: Any) -> None:
    """Add a function to a subnet whose logical id contains a name."""
    subnet = next(logical_id for logical_id in app.resources(SUBNET) if name in logical_id)
    network = {"SubnetIds": [{"Ref": subnet}], "SecurityGroupIds": ["sg-12345678"]}
    function(app, SUBNET, VpcConfig=network, **properties)
