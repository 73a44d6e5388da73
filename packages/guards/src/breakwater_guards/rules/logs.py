"""Amazon CloudWatch Logs: the key of a log group, and what sets its retention."""

from __future__ import annotations

from collections.abc import Iterator

from breakwater_guards.aws.arns import arn_of, may_match, pattern, resource_named
from breakwater_guards.aws.globs import pattern_of
from breakwater_guards.aws.key_policies import KEY, REPLICA, keys_of, refusal
from breakwater_guards.aws.policies import statements_of
from breakwater_guards.aws.statements import Statement
from breakwater_guards.facts import facts
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.transforms import may_change
from breakwater_guards.model.values import ABSENT, Reference
from breakwater_guards.rule import Breach, Outcome, breach, rule, show

LOG_GROUP = "AWS::Logs::LogGroup"
WAF_PREFIX = "aws-waf-logs-"
WAF_DESTINATIONS = {
    LOG_GROUP: "LogGroupName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::KinesisFirehose::DeliveryStream": "DeliveryStreamName",
}
ENCRYPTION = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html"


@rule(
    "DR-LOGS-01",
    title="The key policy of a log group's key admits CloudWatch Logs of its Region",
    outcome=Outcome.REFUSED,
    prevents=(
        "The specified KMS key does not exist or is not allowed to be used with Arn "
        "'arn:aws:logs:us-east-1:123456789012:log-group:…' (AccessDeniedException; the log group fails to create)"
    ),
    fix=(
        "Let logs.<region>.amazonaws.com use kms:Encrypt*, kms:Decrypt*, kms:ReEncrypt*, kms:GenerateDataKey* and "
        "kms:Describe* in the key's policy, best where kms:EncryptionContext:aws:logs:arn is one of your log groups."
    ),
    sources=(
        ENCRYPTION,
        "https://github.com/hashicorp/terraform-provider-aws/issues/29282",
        "https://github.com/aws/aws-cdk/pull/28319",
    ),
    data="key_users",
)
def logs_can_use_the_key(app: Assembly) -> Iterator[Breach]:
    """Find a log group whose key does not admit CloudWatch Logs of its Region."""
    needs = facts("key_users")["logs"]
    for group in app.of_type(LOG_GROUP):
        region = group.template.region
        carried = {"kms:encryptioncontext:aws:logs:arn": arn_of(app, group)}
        for value in group.given("KmsKeyId"):
            for key in keys_of(app, value):
                reason = refusal(app, key, needs["service"], needs["actions"], region=region, carried=carried)
                if reason is not None:
                    yield breach(
                        group,
                        "KmsKeyId",
                        f"the policy of {key.logical_id} ({key.template.file}) does not let "
                        f"logs.{region or '<region>'}.amazonaws.com use "
                        f"{', '.join(reason.missing) or f'it: {reason.conditions[0]} is never carried'}.",
                    )


@rule(
    "DR-LOGS-02",
    title="A log group names its key by ARN",
    outcome=Outcome.REFUSED,
    prevents="Model validation failed (#/KmsKeyId: failed validation constraint for keyword [pattern]) at creation",
    fix="Use Fn::GetAtt Key.Arn: Ref of a key is its id, which CloudWatch Logs does not take.",
    sources=(
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-logs-loggroup.html",
        "https://github.com/aws-cloudformation/cloudformation-resource-schema/issues/119",
    ),
)
def key_is_an_arn(app: Assembly) -> Iterator[Breach]:
    """Find a log group that names its key by id or alias instead of by ARN."""
    for group in app.of_type(LOG_GROUP):
        for value in group.given("KmsKeyId"):
            target = app.target(value) if isinstance(value, Reference) and not value.attribute else None
            is_ref = target is not None and target.type in (KEY, REPLICA, "AWS::KMS::Alias")
            is_name = isinstance(value, str) and bool(value) and not value.startswith(("arn:", "{{resolve:"))
            if is_ref or is_name:
                yield breach(group, "KmsKeyId", f"{show(value)} is no ARN; allowed is arn:…:key/… or arn:…:alias/….")


@rule(
    "DR-LOGS-03",
    title="Retention is a property of a log group, not set by a function",
    outcome=Outcome.LATER,
    prevents="Rate exceeded (ThrottlingException), or OperationAbortedException: A conflicting operation is currently "
    "in progress against this resource: the function that sets retention races with the service that makes the group",
    fix="Declare AWS::Logs::LogGroup with RetentionInDays and hand it to the function, cluster or service "
    "(CDK: log_group instead of log_retention).",
    sources=(
        "https://github.com/aws/aws-cdk/issues/17546",
        "https://github.com/aws/aws-cdk/issues/24485",
        "https://docs.aws.amazon.com/cdk/api/v2/docs/aws-cdk-lib.aws_logs-readme.html#log-retention",
    ),
)
def retention_needs_no_function(app: Assembly) -> Iterator[Breach]:
    """Find CDK's custom resource that sets the retention of a group which some service makes."""
    for resource in app.of_type("Custom::LogRetention"):
        yield breach(resource, "", f"a function sets the retention of {show(resource.get('LogGroupName'))}.")


@rule(
    "DR-LOGS-04",
    title="Logs of AWS WAF go to a name that begins with aws-waf-logs-",
    outcome=Outcome.REFUSED,
    prevents="The ARN isn't valid. A valid ARN begins with arn: … field: LOG_DESTINATION "
    "(WAFInvalidParameterException)",
    fix="Name the log group, bucket or delivery stream aws-waf-logs-…; a generated name never begins like this.",
    sources=("https://docs.aws.amazon.com/waf/latest/developerguide/logging-destinations.html",),
)
def waf_logs_have_their_name(app: Assembly) -> Iterator[Breach]:
    """Find a destination of web ACL logs with another name, or one that CloudFormation makes."""
    for logging in app.of_type("AWS::WAFv2::LoggingConfiguration"):
        for value in logging.given("LogDestinationConfigs[]"):
            target = resource_named(app, value, logging.template, *WAF_DESTINATIONS)
            for name in target.options(WAF_DESTINATIONS[target.type]) if target is not None else ():
                known, star, _ = pattern_of(name).partition("*")
                given = name is not ABSENT
                if not known.startswith(WAF_PREFIX) and not (given and star and WAF_PREFIX.startswith(known)):
                    shown = show(name) if given else "a generated name"
                    yield breach(logging, "LogDestinationConfigs", f"{shown} is not allowed; allowed: aws-waf-logs-….")


@rule(
    "DR-LOGS-05",
    title="EventBridge, Route 53 and OpenSearch may write to the log group that they are given",
    outcome=Outcome.LATER,
    prevents="No error is reported: EventBridge counts failed invocations, and the log group stays empty; it takes the "
    "group's ARN without :* at its end, and needs a resource policy of the account and Region; Route 53 and OpenSearch "
    "refuse the group: Resource Access Policy … does not grant sufficient permissions",
    fix="Add an AWS::Logs::ResourcePolicy for the service (events.amazonaws.com and delivery.logs.amazonaws.com of a "
    "rule), and target the ARN arn:…:log-group:NAME.",
    sources=(
        "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html",
        "https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/351",
        "https://github.com/aws-samples/serverless-patterns/commit/f5b5ca829",
        "https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/query-logs.html",
        "https://docs.aws.amazon.com/opensearch-service/latest/developerguide/createdomain-configure-slow-logs.html",
    ),
)
def events_may_be_logged(app: Assembly) -> Iterator[Breach]:
    """Find a log group behind an event rule that no resource policy opens, or that is named with the ending."""
    policies = list(app.of_type("AWS::Logs::ResourcePolicy"))
    custom = any(
        item.type.startswith("Custom::") and "resourcepolicy" in f"{item.type}{item.text}".lower()
        for one in app.templates.values()
        for item in one.resources.values()
    )
    statements = [item for policy in policies for item in statements_of(policy)]
    for kind, (service, paths) in WRITERS.items():
        for source in app.of_type(kind):
            for path in paths:
                for value in source.given(path):
                    group = resource_named(app, value, source.template, LOG_GROUP)
                    if group is None:
                        continue
                    place = path.replace("[]", "")
                    if service == "events" and pattern(app, value).endswith(":*"):
                        yield breach(source, place, f"the ARN of {group.logical_id} ends with :*; allowed: without.")
                    arn, known = arn_of(app, group), len(statements) >= len(policies) and not custom
                    open_to = any(_lets_in(app, item, service, arn) for item in statements)
                    if known and not may_change(group.template) and not open_to:
                        named = f"lets {service}.amazonaws.com write to {group.logical_id}"
                        yield breach(source, place, f"no AWS::Logs::ResourcePolicy {named}.")


_SEARCH = tuple(
    f"LogPublishingOptions.{name}.CloudWatchLogsLogGroupArn"
    for name in ("AUDIT_LOGS", "ES_APPLICATION_LOGS", "INDEX_SLOW_LOGS", "SEARCH_SLOW_LOGS")
)
WRITERS = {
    "AWS::Events::Rule": ("events", ("Targets[].Arn",)),
    "AWS::Route53::HostedZone": ("route53", ("QueryLoggingConfig.CloudWatchLogsLogGroupArn",)),
    "AWS::OpenSearchService::Domain": ("es", _SEARCH),
    "AWS::Elasticsearch::Domain": ("es", _SEARCH),
}


def _lets_in(app: Assembly, statement: Statement, service: str, arn: str) -> bool:
    return bool(
        statement.effect != "Deny"
        and statement.names_service(service)
        and statement.acts_on("logs:PutLogEvents")
        and any(
            may_match(text, arn) or may_match(text, f"{arn}:*")
            for text in (pattern(app, value) for value in statement.resources)
        )
    )
