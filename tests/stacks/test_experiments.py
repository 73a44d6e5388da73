"""Templates of AWS FIS: where the setting has them, what each breaks, what stops it, and what its role may do."""

from __future__ import annotations

from typing import Any

import pytest

from tests.assembly import Assembly

KIND = "AWS::FIS::ExperimentTemplate"
FAULTS = ["AuroraFailover", "TaskLoss", "ZoneLoss"]
DELIVERY = {
    "logs:CreateLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:PutResourcePolicy",
}
EXPERIMENTING = ["staging", "options", "unusual"]


@pytest.fixture(params=EXPERIMENTING)
def experimenting(request: pytest.FixtureRequest) -> Assembly:
    """Return a deployment with experiments."""
    found: Assembly = request.getfixturevalue(request.param)
    return found


def _template(deployment: Assembly, fault: str) -> dict[str, Any]:
    return _experiments(deployment)[f"${{Operations/Experiments/{fault}}}"]


def _experiments(deployment: Assembly) -> dict[str, dict[str, Any]]:
    """Properties of every experiment template by construct."""
    return {
        deployment.text("Operations", {"Ref": name}): deployment.plain("Operations", resource["Properties"])
        for name, resource in deployment.nested["Operations"].of_type(KIND).items()
    }


def _actions(deployment: Assembly, fault: str) -> dict[str, list[dict[str, Any]]]:
    """Statements of the experiment's role by action."""
    found: dict[str, list[dict[str, Any]]] = {}
    for resource in deployment.nested["Operations"].of_type("AWS::IAM::Policy").values():
        properties = deployment.plain("Operations", resource["Properties"])
        if properties["Roles"] == [f"${{Operations/Experiments/{fault}/Role}}"]:
            for statement in properties["PolicyDocument"]["Statement"]:
                actions = statement["Action"]
                for action in [actions] if isinstance(actions, str) else actions:
                    found.setdefault(action, []).append(statement)
    return found


def test_they_are_where_the_setting_has_them_and_nowhere_else(deployment: Assembly) -> None:
    faults = FAULTS if deployment.settings.operations.experiments else ()
    assert set(_experiments(deployment)) == {f"${{Operations/Experiments/{fault}}}" for fault in faults}
    assert deployment.settings.operations.experiments is (deployment.profile in EXPERIMENTING)


@pytest.mark.parametrize("fault", FAULTS)
def test_each_stops_on_our_alarms_and_writes_a_log(experimenting: Assembly, fault: str) -> None:
    template = _template(experimenting, fault)
    assert template["StopConditions"] == [
        {"Source": "aws:cloudwatch:alarm", "Value": f"${{Operations/Alarms/{alarm}.Arn}}"}
        for alarm in ("HealthMonitorSilent", "HealthOverall")
    ]
    assert template["LogConfiguration"] == {
        "LogSchemaVersion": 2,
        "CloudWatchLogsConfiguration": {"LogGroupArn": "${Operations/Experiments/LogGroup.Arn}"},
    }
    assert template["RoleArn"] == f"${{Operations/Experiments/{fault}/Role.Arn}}"
    assert template["Description"].startswith(f"{experimenting.names.stack}: ")
    assert template["Tags"]["Suffix"] == experimenting.settings.suffix


def test_aurora_fails_over_on_our_cluster_alone(experimenting: Assembly) -> None:
    template = _template(experimenting, "AuroraFailover")
    (target,) = template["Targets"].values()
    (arn,) = target["ResourceArns"]
    assert arn.endswith(":cluster:${Database/Cluster}")
    assert target["ResourceType"] == "aws:rds:cluster"
    assert template["Actions"] == {
        "AuroraFailover": {"ActionId": "aws:rds:failover-db-cluster", "Targets": {"Clusters": "Target"}}
    }
    actions = _actions(experimenting, "AuroraFailover")
    assert set(actions) == {"rds:DescribeDBClusters", "rds:FailoverDBCluster", *DELIVERY}
    assert [statement["Resource"] for statement in actions["rds:FailoverDBCluster"]] == [arn]


def test_the_share_of_tasks_that_is_set_stops(experimenting: Assembly) -> None:
    template = _template(experimenting, "TaskLoss")
    (target,) = template["Targets"].values()
    assert target["ResourceType"] == "aws:ecs:task"
    assert target["SelectionMode"] == f"PERCENT({experimenting.settings.operations.experiment_task_percent})"
    assert target["Parameters"] == {"cluster": "${Compute/Cluster}", "service": "${Compute/Service/Service.Name}"}
    (action,) = template["Actions"].values()
    assert action == {"ActionId": "aws:ecs:stop-task", "Targets": {"Tasks": "Target"}}
    actions = _actions(experimenting, "TaskLoss")
    assert set(actions) == {"ecs:DescribeTasks", "ecs:ListTasks", "ecs:StopTask", *DELIVERY}
    (stop,) = actions["ecs:StopTask"]
    settings = experimenting.settings
    assert stop["Resource"].endswith(f":task/dr-ecs-{settings.suffix}-{settings.region}/*")


def test_one_subnet_of_the_tasks_is_cut_off(experimenting: Assembly) -> None:
    template = _template(experimenting, "ZoneLoss")
    (target,) = template["Targets"].values()
    (arn,) = target["ResourceArns"]
    service = experimenting.nested["Compute"].one("AWS::ECS::Service")
    subnets = service["NetworkConfiguration"]["AwsvpcConfiguration"]["Subnets"]
    assert arn.split(":subnet/")[1] == experimenting.text("Compute", subnets[0])
    (action,) = template["Actions"].values()
    assert action == {
        "ActionId": "aws:network:disrupt-connectivity",
        "Parameters": {"duration": "PT5M", "scope": "all"},
        "Targets": {"Subnets": "Target"},
    }


def test_its_role_changes_only_acls_of_its_own(experimenting: Assembly) -> None:
    actions = _actions(experimenting, "ZoneLoss")
    assert {action for action in actions if not action.startswith("logs:")} == {
        "ec2:CreateNetworkAcl",
        "ec2:CreateNetworkAclEntry",
        "ec2:CreateTags",
        "ec2:DeleteNetworkAcl",
        "ec2:DescribeManagedPrefixLists",
        "ec2:DescribeNetworkAcls",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcs",
        "ec2:ReplaceNetworkAclAssociation",
    }
    for action in ("ec2:CreateNetworkAclEntry", "ec2:DeleteNetworkAcl"):
        (statement,) = actions[action]
        assert statement["Condition"] == {"StringEquals": {"ec2:ResourceTag/managedByFIS": "true"}}
    (tags,) = actions["ec2:CreateTags"]
    assert tags["Condition"]["StringEquals"]["ec2:CreateAction"] == "CreateNetworkAcl"
    (replaced,) = actions["ec2:ReplaceNetworkAclAssociation"]
    assert not [resource for resource in replaced["Resource"] if resource.endswith(":subnet/*")]


@pytest.mark.parametrize("fault", FAULTS)
def test_only_experiments_of_this_account_take_on_its_role(experimenting: Assembly, fault: str) -> None:
    roles = experimenting.nested["Operations"].of_type("AWS::IAM::Role")
    (role,) = (
        experimenting.plain("Operations", resource["Properties"])
        for name, resource in roles.items()
        if experimenting.text("Operations", {"Ref": name}) == f"${{Operations/Experiments/{fault}/Role}}"
    )
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    account = experimenting.settings.account or "${AWS::AccountId}"
    assert statement["Principal"] == {"Service": "fis.amazonaws.com"}
    assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": account}
    assert statement["Condition"]["ArnLike"]["aws:SourceArn"].endswith(f":{account}:experiment/*")
    assert "ManagedPolicyArns" not in role
