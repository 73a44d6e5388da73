"""What stands in the resources of policies: ARNs, and the policy's own bucket."""

from __future__ import annotations

from collections.abc import Iterator

from breakwater_guards.aws.access import access_of
from breakwater_guards.aws.arns import TOKEN, arn_of, may_match, names_arn, pattern, resource_named
from breakwater_guards.aws.authorization import expand, grants
from breakwater_guards.aws.policies import all_statements, statements_of
from breakwater_guards.aws.roles import ROLE, roles_of
from breakwater_guards.aws.statements import Statement
from breakwater_guards.facts import facts
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.template import Resource
from breakwater_guards.rule import Breach, Outcome, breach, readable, rule, show
from breakwater_guards.rules.iam.statements import is_identity

TASK_DEFINITION, PASS_ROLE = "AWS::ECS::TaskDefinition", "iam:PassRole"
ELEMENTS = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html"


@rule(
    "DR-IAM-09",
    title="Resources of a policy are ARNs",
    outcome=Outcome.REFUSED,
    prevents='Resource my-table must be in ARN format or "*". (MalformedPolicyDocument)',
    fix="Use Fn::GetAtt Arn (Ref of a topic, a secret or a state machine is an ARN; of others it is a name or a URL).",
    sources=(ELEMENTS,),
    data="arns",
)
def resources_are_arns(app: Assembly) -> Iterator[Breach]:
    """Find the name or URL of something where an identity policy needs an ARN."""
    for statement in all_statements(app):
        if is_identity(statement):
            for value in (*statement.resources, *statement.not_resources):
                if not names_arn(app, value):
                    yield breach(statement.resource, statement.path, f"{show(value)} is no ARN; allowed: ARNs, *.")


@rule(
    "DR-IAM-10",
    title="The policy of a bucket, topic, queue, key or secret is about it",
    outcome=Outcome.REFUSED,
    prevents="Policy has invalid resource; Action does not apply to any resource(s) in statement (S3); "
    "Policy statement action out of service scope! (SNS); a statement about something else grants nothing",
    fix="Name the bucket and bucket/* (objects), the ARN of the topic or queue, or * in the policy of a key; use "
    "actions of its service.",
    sources=(
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html",
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/security_iam_service-with-iam.html",
        "https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-language-api-permissions-reference.html",
        "https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-overview.html",
        "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-overview-of-managing-access.html",
    ),
    data="callers",
)
def resource_policies_are_about_their_owner(app: Assembly) -> Iterator[Breach]:
    """Find another bucket in a bucket's policy, an action that is on objects only, or one of another service."""
    for kind, service in (("S3::Bucket", "s3"), ("SNS::Topic", "sns")):
        for policy in app.of_type(f"AWS::{kind}Policy"):
            path = facts("callers")["policies"][policy.type]
            owners = [resource_named(app, value, policy.template) for value in policy.options(path)]
            for statement in statements_of(policy, "PolicyDocument"):
                actions = [item for item in statement.actions if isinstance(item, str) and ":" in item]
                foreign = [item for item in actions if item.partition(":")[0].lower() != service]
                if foreign:
                    yield breach(
                        policy, statement.path, f"{foreign[0]} is no action of {service}; allowed: {service}:…."
                    )
                if service == "s3":
                    yield from _beside(app, policy, statement, owners)
    for kind, path, document in OWNED:
        for policy in app.of_type(kind):
            values = policy.options(path) if path else [policy.reference]
            owners = [resource_named(app, value, policy.template) for value in values]
            for statement in statements_of(policy, document):
                yield from _elsewhere(app, statement, [arn_of(app, owner) for owner in owners if owner is not None])


@rule(
    "DR-IAM-11",
    title="A role that starts tasks may pass the tasks' roles",
    outcome=Outcome.SILENT,
    prevents="is not authorized to perform: iam:PassRole on resource: … because no identity-based policy allows it",
    fix="Allow iam:PassRole on the execution role and the task role, with iam:PassedToService ecs-tasks.amazonaws.com.",
    sources=(
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/CWE_IAM_role.html",
        "https://docs.aws.amazon.com/step-functions/latest/dg/connect-ecs.html",
    ),
)
def starters_may_pass_roles(app: Assembly) -> Iterator[Breach]:
    """Find a role that may run a task of the assembly, but not pass it the roles that it has."""
    access = access_of(app)
    for role in app.of_type(ROLE):
        for statement in roles_of(app).permissions(role).statements:
            if statement.effect == "Deny" or "ecs:RunTask" not in statement.actions:
                continue
            for task in filter(None, (app.target(value) for value in statement.resources)):
                for path in ("ExecutionRoleArn", "TaskRoleArn") if task.type == TASK_DEFINITION else ():
                    passed = roles_of(app).find(task.get(path), task.template)
                    if passed is not None and not access.role_may(
                        role, PASS_ROLE, arn_of(app, passed), passed_to="ecs-tasks.amazonaws.com"
                    ):
                        message = (
                            f"{role.logical_id} may run {task.logical_id}, but not pass its {passed.logical_id} to ECS."
                        )
                        yield breach(role, "", message)


OWNED = (
    ("AWS::KMS::Key", "", "KeyPolicy"),
    ("AWS::KMS::ReplicaKey", "", "KeyPolicy"),
    ("AWS::SNS::TopicPolicy", "Topics[]", "PolicyDocument"),
    ("AWS::SQS::QueuePolicy", "Queues[]", "PolicyDocument"),
    ("AWS::SQS::QueueInlinePolicy", "Queue", "PolicyDocument"),
    ("AWS::SecretsManager::ResourcePolicy", "SecretId", "ResourcePolicy"),
)


def _elsewhere(app: Assembly, statement: Statement, arns: list[str]) -> Iterator[Breach]:
    """Find a statement that names something else than what its policy is for, or no ARN."""
    named = [value for value in statement.resources if names_arn(app, value)]
    texts = [pattern(app, value) for value in named]
    if statement.resources and not named:
        message = (
            f"{show(statement.resources[0])} is no ARN; allowed: {', '.join(map(_readable, arns[:1])) or 'an ARN'}."
        )
        yield breach(statement.resource, statement.path, message)
    elif texts and arns and not any(may_match(text, arn) for text in texts for arn in arns):
        message = f"{_readable(texts[0])} is something else; allowed: {_readable(arns[0])}, *."
        yield breach(statement.resource, statement.path, message)


def _beside(app: Assembly, policy: Resource, statement: Statement, owners: list[Resource | None]) -> Iterator[Breach]:
    """Find what a statement of a bucket's policy cannot be about."""
    resources = [pattern(app, value) for value in statement.resources]
    arns = [arn_of(app, owner) for owner in owners if owner is not None]
    for text in resources:
        if arns and not any(may_match(text, arn) or may_match(text, f"{arn}/*") for arn in arns):
            yield breach(policy, statement.path, f"{_readable(text)} is another bucket; allowed: {_readable(arns[0])}.")
            return
    known = [action for action in statement.actions if isinstance(action, str) and expand(action)]
    for action in known if resources else ():
        if not any(grants(text, one) for one in expand(action) for text in resources):
            shown = ", ".join(map(_readable, resources[:2]))
            yield breach(policy, statement.path, f"{action} does not apply to {shown}.")


def _readable(text: str) -> str:
    return readable(TOKEN.sub("…", text))
