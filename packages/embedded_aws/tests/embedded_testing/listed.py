"""Resource types that are on the fidelity list, and how its tests reach each of them."""

from __future__ import annotations

from typing import Any

# Types of the bootstrap stack only: the CDK makes them, and nothing here verifies them.
BOOTSTRAP_ONLY = {"AWS::ECR::Repository", "AWS::SSM::Parameter"}
ALARM = {
    "AlarmName": "listed",
    "Namespace": "Test",
    "MetricName": "Errors",
    "ComparisonOperator": "GreaterThanThreshold",
    "EvaluationPeriods": 1,
    "Threshold": 0,
}
DOCUMENT = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}],
}
# Deployed by the package's own test; whoever relies on another type deploys it in a test of their own.
OTHERS: dict[str, Any] = {
    "Alarm": {"Type": "AWS::CloudWatch::Alarm", "Properties": ALARM},
    "Any": {
        "Type": "AWS::CloudWatch::CompositeAlarm",
        "Properties": {"AlarmName": "any", "AlarmRule": "ALARM(listed)", "AlarmActions": [{"Ref": "Topic"}]},
        "DependsOn": "Alarm",
    },
    "Experiment": {
        "Type": "AWS::FIS::ExperimentTemplate",
        "Properties": {
            "Description": "listed",
            "RoleArn": "arn:aws:iam::000000000000:role/fis",
            "StopConditions": [{"Source": "none"}],
            "Targets": {},
            "Tags": {},
        },
    },
    "Metadata": {"Type": "AWS::CDK::Metadata", "Properties": {"Analytics": "v2"}},
    "Policy": {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": DOCUMENT}},
    "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.3.0.0/16"}},
    "Restrict": {
        "Type": "Custom::VpcRestrictDefaultSG",
        "Properties": {
            "ServiceToken": "arn:aws:lambda:us-east-1:000000000000:function:not-run",
            "DefaultSecurityGroupId": {"Fn::GetAtt": ["Vpc", "DefaultSecurityGroup"]},
            "Account": "000000000000",
        },
    },
    "Subnet": {"Type": "AWS::EC2::Subnet", "Properties": {"VpcId": {"Ref": "Vpc"}, "CidrBlock": "10.3.0.0/24"}},
    "Address": {"Type": "AWS::EC2::EIP", "Properties": {"Domain": "vpc"}},
    "Gateway": {
        "Type": "AWS::EC2::NatGateway",
        "Properties": {"SubnetId": {"Ref": "Subnet"}, "AllocationId": {"Fn::GetAtt": ["Address", "AllocationId"]}},
    },
    "WebAcl": {
        "Type": "AWS::WAFv2::WebACL",
        "Properties": {
            "Name": "listed",
            "Scope": "REGIONAL",
            "DefaultAction": {"Allow": {}},
            "VisibilityConfig": {
                "CloudWatchMetricsEnabled": True,
                "MetricName": "listed",
                "SampledRequestsEnabled": True,
            },
        },
    },
    "Association": {
        "Type": "AWS::WAFv2::WebACLAssociation",
        "Properties": {
            "ResourceArn": "arn:aws:elasticloadbalancing:us-east-1:000000000000:loadbalancer/app/one/0123456789abcdef",
            "WebACLArn": {"Fn::GetAtt": ["WebAcl", "Arn"]},
        },
    },
    "Logging": {
        "Type": "AWS::WAFv2::LoggingConfiguration",
        "Properties": {
            "ResourceArn": {"Fn::GetAtt": ["WebAcl", "Arn"]},
            "LogDestinationConfigs": ["arn:aws:logs:us-east-1:000000000000:log-group:aws-waf-logs-listed:*"],
        },
    },
    "Repository": {"Type": "AWS::ECR::Repository"},
    "Parameter": {"Type": "AWS::SSM::Parameter", "Properties": {"Name": "/listed", "Type": "String", "Value": "1"}},
    "Topic": {"Type": "AWS::SNS::Topic"},
    "Subscription": {
        "Type": "AWS::SNS::Subscription",
        "Properties": {"TopicArn": {"Ref": "Topic"}, "Protocol": "email", "Endpoint": "oncall@mycompany.com"},
    },
}
