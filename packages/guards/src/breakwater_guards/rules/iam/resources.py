"""What stands in the resources and conditions of policies: ARNs, the policy's own bucket, Regions that are met."""

from __future__ import annotations

from collections.abc import Iterator

from breakwater_guards.aws.access import access_of
from breakwater_guards.aws.arns import TOKEN, arn_of, may_match, names_arn, pattern, resource_named
from breakwater_guards.aws.authorization import expand, grants
from breakwater_guards.aws.key_policies import keys_of
from breakwater_guards.aws.policies import all_statements, statements_of
from breakwater_guards.aws.roles import ROLE, roles_of
from breakwater_guards.aws.statements import Condition, Statement
from breakwater_guards.facts import facts
from breakwater_guards.model.answer import Answer
from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.template import Resource
from breakwater_guards.rule import Breach, Outcome, breach, readable, rule, show
from breakwater_guards.rules.iam.statements import is_identity

TASK_DEFINITION, PASS_ROLE = "AWS::ECS::TaskDefinition", "iam:PassRole"
ELEMENTS = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html"
KEY_CONDITIONS = "https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html"


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
    title="The policy of a bucket or topic is about it",
    outcome=Outcome.REFUSED,
    prevents="Policy has invalid resource; Action does not apply to any resource(s) in statement (S3); "
    "Policy statement action out of service scope! (SNS)",
    fix="Name the bucket and bucket/* (objects), or the topic itself, with actions of its service.",
    sources=(
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html",
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/security_iam_service-with-iam.html",
        "https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-language-api-permissions-reference.html",
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
                            f"may run {task.logical_id}, but not pass {passed.logical_id} to ecs-tasks.amazonaws.com."
                        )
                        yield breach(role, "", message)


@rule(
    "DR-IAM-12",
    title="A condition can be met by the calls of its statement",
    outcome=Outcome.SILENT,
    prevents="AccessDeniedException at each call: kms:ViaService names the service in another Region than the key's, "
    "or the calls never carry the condition's key (kms:GrantIsForAWSResource on kms:Decrypt, s3:prefix on objects)",
    fix="Use <service>.<Region of the key>.amazonaws.com, best with Fn::Sub and AWS::Region; put a condition into a "
    "statement of its own, with the actions whose calls carry its key.",
    sources=(KEY_CONDITIONS, "https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html"),
    data="iam_involved",
)
def conditions_can_be_met(app: Assembly) -> Iterator[Breach]:
    """Find `kms:ViaService` with a Region that is not the key's, and a key that no action of the statement carries."""
    carried = {key.lower(): actions for key, actions in facts("iam_involved")["carried"].items()}
    for statement in all_statements(app):
        for condition in statement.conditions if statement.effect != "Deny" else ():
            carriers = carried.get(condition.key.lower(), ())
            if carriers and _asks(condition) and not any(_may_be_carried(statement, one) for one in carriers):
                message = f"{condition.key} is carried by {', '.join(carriers)} only; nothing here is granted."
                yield breach(statement.resource, statement.path, message)
            if condition.key.lower() == "kms:viaservice" and "Not" not in condition.operator:
                regions = {key.template.region for key in _keys(app, statement)} or {statement.resource.template.region}
                named = [str(value).split(".") for value in condition.values if isinstance(value, str)]
                if None in regions or len(named) < len(condition.values) or not named:
                    continue
                if not any(may_match(parts[1], str(region)) for parts in named if len(parts) > 1 for region in regions):
                    where = ", ".join(sorted(map(str, regions)))
                    message = f"kms:ViaService {show(condition.values[0])} is never met; the key is in {where}."
                    yield breach(statement.resource, statement.path, message)


def _asks(condition: Condition) -> bool:
    """Tell whether a condition is only met by a call that carries its key."""
    operator = condition.operator.removeprefix("ForAnyValue:")
    return operator.startswith(("String", "Arn", "Bool")) and "Not" not in operator and "IfExists" not in operator


def _may_be_carried(statement: Statement, action: str) -> bool:
    return bool(statement.not_actions) or statement.acts_on(action) is not Answer.NO


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


def _keys(app: Assembly, statement: Statement) -> Iterator[Resource]:
    own = statement.resource
    if own.type.startswith("AWS::KMS::"):
        yield own
    for value in statement.resources:
        yield from keys_of(app, value)


def _readable(text: str) -> str:
    return readable(TOKEN.sub("…", text))
