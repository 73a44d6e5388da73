"""With `upstream_ecs` all that knows ministack's private names: each once, with the parameters it is expected to have.

ministack has no extension interface: types are added to its tables, and some of its functions are wrapped. Its version
is pinned; when the pin is raised, `incompatibilities()` says name by name what has moved.
"""

from collections.abc import Callable, Iterator
from importlib import metadata
from typing import Any

from embedded_aws.server.binding import Function, moved, table

VERSION = "1.5.33"


def incompatibilities() -> Iterator[str]:
    """Return what differs from the ministack that this extension is written for, one sentence for each difference."""
    installed = metadata.version("ministack")
    if installed != VERSION:
        yield f"ministack is {installed}, and this extension is written for {VERSION}"
    yield from moved()


# The request that is served, or the stack operation that runs.
account = Function("core.responses", "get_account_id")
region = Function("core.responses", "get_region")
request_scope = Function("core.responses", "request_scope", "account_id", "region")
scoped_table = table("core.responses", "AccountRegionScopedDict")
json_response = Function("core.responses", "json_response", "data", "status", "content_type")
error_response = Function(
    "core.responses", "error_response_json", "code", "message", "status", "extra", "message_key", "content_type"
)

# Who signed a request, and with what.
application = Function("app", "app", "scope", "receive", "send")
resolve_credential = Function(
    "core.iam_evaluator", "resolve_credential", "access_key_id", "account_id", "session_token"
)
CredentialError: type[Any] = table("core.iam_evaluator", "CredentialResolutionError")
header_signature = Function("core.sigv4", "parse_header_signature", "headers")
query_signature = Function("core.sigv4", "parse_query_signature", "query_params")
register_session = Function("services.sts", "register_session", "access_key", "session")
execution_credentials = Function("core.lambda_runtime", "execution_credentials", "config")
signature_failure = Function(
    "core.sigv4", "header_signature_failure",
    "signature", "secret", "method", "raw_path", "query_params", "headers", "body", "presigned", "explain",
)  # fmt: skip

# The services the server routes to.
service_handlers: dict[str, Any] = table("app", "SERVICE_HANDLERS")
service_patterns: dict[str, Any] = table("core.router", "SERVICE_PATTERNS")

# CloudFormation.
_PROVISIONERS = "services.cloudformation.provisioners"
_STACKS = "services.cloudformation.stacks"
handlers: dict[str, dict[str, Any]] = table(_PROVISIONERS, "_RESOURCE_HANDLERS")
replacing_properties: dict[str, tuple[str, ...]] = table(_PROVISIONERS, "_REPLACING_PROPERTIES")
stacks = table("services.cloudformation", "_stacks")
generated_name = Function(_PROVISIONERS, "_physical_name", "stack_name", "logical_id", "lowercase", "max_len", "seeded")
provision_in_root = Function(_STACKS, "_provision_resource", "resource_type", "logical_id", "props", "stack_name")
provision_in_nested = Function(
    _PROVISIONERS, "_provision_resource", "resource_type", "logical_id", "props", "stack_name"
)
runs_on_worker_thread = Function(_STACKS, "_runs_on_worker_thread", "resource_type")

# Its engine, and the names under which others of its modules know the engine's functions.
_DEPLOYMENT = (
    "stack_name", "stack_id", "template", "param_values", "disable_rollback", "tags", "is_update", "previous_stack",
    "retain_except_on_create", "imports",
)  # fmt: skip
_EVENT = (
    "stack_id", "stack_name", "logical_id", "resource_type", "status", "reason", "physical_id", "detailed_status",
)  # fmt: skip
_ENGINE = "services.cloudformation.engine"
stack_events = table("services.cloudformation", "_stack_events")
deploy_stack = Function(_STACKS, "_deploy_stack_async", *_DEPLOYMENT)
deploy_by_request = Function("services.cloudformation.handlers", "_deploy_stack_async", *_DEPLOYMENT)
deploy_by_change_set = Function("services.cloudformation.changesets", "_deploy_stack_async", *_DEPLOYMENT)
delete_stack = Function(_STACKS, "_delete_stack_async", "stack_name", "stack_id", "retain_resources", "force")
roll_back_operation = Function(
    _STACKS, "_roll_back_operation", "stack_name", "stack_id", "stack", "operation", "reason_override"
)  # fmt: skip
continue_rollback = Function(
    _STACKS, "_continue_update_rollback_async", "stack_name", "stack_id", "resources_to_skip"
)  # fmt: skip
delete_in_engine = Function(
    _STACKS, "_delete_resource", "resource_type", "physical_id", "props", "stack_name", "logical_id"
)  # fmt: skip
delete_predecessor = Function(_PROVISIONERS, "_delete_predecessor", "delete_fn", "args", "kwargs")
add_event = Function("services.cloudformation.handlers", "_add_event", *_EVENT)
add_event_in_engine = Function(_STACKS, "_add_event", *_EVENT)
run_on_thread = Function("core.concurrency", "run_reentrant", "fn", "args", "thread_name")
resolve_template = Function("services.cloudformation.helpers", "_resolve_template", "params")
parse_template = Function(_ENGINE, "_parse_template", "template_body")
resolve_parameters = Function(_ENGINE, "_resolve_parameters", "template", "provided_params", "previous_params")
evaluate_conditions = Function(_ENGINE, "_evaluate_conditions", "template", "params")
validate_template = Function(_ENGINE, "validate_template_support", "template", "conditions", "params")

supports_drift = Function("services.cloudformation.drift", "supports_drift", "resource_type")
detect_resource_drift = Function(
    "services.cloudformation.drift", "detect_resource_drift", "stack", "logical_id", "record", "timestamp"
)  # fmt: skip

# What judges a template, and a call that brings one.
_HANDLERS, _CHANGE_SETS = "services.cloudformation.handlers", "services.cloudformation.changesets"
cloudformation_actions: dict[str, Callable[[Any], Any]] = table(_HANDLERS, "_ACTION_HANDLERS")
cloudformation_error = Function("services.cloudformation.helpers", "_error", "code", "message", "status")
stack_name_problems = Function("services.cloudformation.helpers", "stack_name_problems", "stack_name")
capabilities_enforced = Function(_HANDLERS, "_capabilities_enforced")
check_capabilities = Function(_HANDLERS, "_check_capabilities", "sent", "template", "params", "macros")
check_nested_capabilities = Function(
    _PROVISIONERS, "_check_nested_stack_capabilities", "parent_stack_name", "template"
)  # fmt: skip
parsers = (
    parse_template,
    *(Function(module, "_parse_template", "template_body") for module in (_HANDLERS, _CHANGE_SETS)),
)
parameter_resolvers = (
    resolve_parameters,
    *(
        Function(module, "_resolve_parameters", "template", "provided_params", "previous_params")
        for module in (_HANDLERS, _CHANGE_SETS)
    ),
)
update_in_engine = Function(
    _STACKS, "_update_resource",
    "resource_type", "physical_id", "old_props", "new_props", "stack_name", "logical_id", "old_attrs",
)  # fmt: skip

# AWS IAM.
iam_roles = table("services.iam", "_roles")
iam_users = table("services.iam", "_users")
validate_policy_document = Function("core.iam_evaluator", "validate_policy_document", "doc")
trust_policy_error = Function("services.iam", "_trust_policy_not_principal_error", "doc")

# Cloud Control, the store of declared metadata.
cloud_control = table("services.cloudcontrol", "_resources")
cloud_control_key = Function("services.cloudcontrol", "_resource_key", "type_name", "identifier")
cloud_control_record = Function("services.cloudcontrol", "_record_request", "event")
cloud_control_event = Function(
    "services.cloudcontrol", "_progress_event",
    "operation", "status", "type_name", "identifier", "request_token", "resource_model", "status_message", "error_code",
)  # fmt: skip

# Elastic IP addresses, NAT gateways and VPC endpoints.
addresses = table("services.ec2", "_addresses")
nat_gateways = table("services.ec2", "_nat_gateways")
ec2_actions: dict[str, Callable[[dict[str, Any]], Any]] = table("services.ec2", "_ACTION_MAP")
vpc_endpoint_xml = Function("services.ec2", "_vpce_fields_xml", "ep", "tag")

# AWS Lambda.
functions = table("services.lambda_svc", "_functions")
function_program = Function("core.lambda_runtime", "_detect_runtime_binary", "runtime")
execute_function = Function("services.lambda_svc", "_execute_function", "func", "event")
event_invoke_config = Function("services.lambda_svc", "_event_invoke_config", "func", "qualifier")

# Amazon S3.
buckets = table("services.s3", "_buckets")
bucket_has_versions = Function("services.s3", "_bucket_has_versions", "name")
new_bucket_settings = Function("services.s3", "_new_bucket_public_access_block")
public_access_block: str = table("services.s3", "_NEW_BUCKET_PUBLIC_ACCESS_BLOCK")

# AWS Backup.
vaults = table("services.backup", "_vaults")
backup_jobs = table("services.backup", "_jobs")
backup_selections = table("services.backup", "_selections")
recovery_points = Function("services.backup", "_list_recovery_points_by_vault", "vault_name", "query")
recovery_point = Function("services.backup", "_describe_recovery_point", "vault_name", "recovery_point_arn")
vault_access_policy = Function("services.backup", "_get_vault_access_policy", "vault_name")
restore_testing_plans = Function("services.backup", "_list_restore_testing_plans", "query")
restore_testing_plan = Function("services.backup", "_get_restore_testing_plan", "plan_name")
restore_testing_selections = Function("services.backup", "_list_restore_testing_selections", "plan_name", "query")
restore_testing_selection = Function("services.backup", "_get_restore_testing_selection", "plan_name", "selection_name")
describe_restore_job = Function("services.backup", "_describe_restore_job", "restore_job_id")
list_restore_jobs = Function("services.backup", "_list_restore_jobs", "query")
backup_answer = Function("services.backup", "_ok", "body")
backup_not_found = Function("services.backup", "_not_found", "msg")

# Amazon EventBridge.
put_events = Function("services.eventbridge", "_put_events", "data", "allow_aws_source")

# Amazon DynamoDB.
describe_continuous_backups = Function("services.dynamodb", "_describe_continuous_backups", "data")
update_continuous_backups = Function("services.dynamodb", "_update_continuous_backups", "data")

# Amazon CloudWatch.
alarms = table("services.cloudwatch", "_alarms")
composite_alarms = table("services.cloudwatch", "_composite_alarms")
cloudwatch_xml = Function("services.cloudwatch", "_xml", "status", "root_tag", "inner")
describe_alarms = Function("services.cloudwatch", "_describe_alarms", "params", "cbor_data", "is_cbor", "is_json")
store_metric = Function(
    "services.cloudwatch", "_store_datum",
    "namespace", "name", "dims", "ts", "unit", "value", "values", "counts", "stat_values",
)  # fmt: skip
metrics = table("services.cloudwatch", "_metrics")
metric_dimensions = Function("services.cloudwatch", "_dims_key", "dims")
metric_statistics = Function("services.cloudwatch", "_calc_stats", "points")
metric_statistic = Function("services.cloudwatch", "_stat_value", "stats", "stat_name", "points")
evaluate_alarms = Function("services.cloudwatch", "_evaluate_all_alarms")
evaluate_alarm = Function("services.cloudwatch", "_evaluate_alarm", "alarm")
evaluate_parent_alarms = Function("services.cloudwatch", "_evaluate_parent_alarms", "child", "seen")
record_alarm_history = Function(
    "services.cloudwatch", "_record_history",
    "alarm_name", "old_state", "new_state", "reason", "alarm_type", "reason_data",
)  # fmt: skip
dispatch_alarm_actions = Function(
    "services.cloudwatch", "_dispatch_alarm_actions", "alarm", "old_state", "new_state", "reason"
)  # fmt: skip
put_metric_alarm = Function(_PROVISIONERS, "_cw_metric_alarm_put", "name", "props")

# Amazon RDS.
db_clusters = table("services.rds", "_clusters")
db_instances = table("services.rds", "_instances")
db_subnet_groups = table("services.rds", "_subnet_groups")
db_cluster_attributes = Function(_PROVISIONERS, "_rds_db_cluster_attrs", "cluster")
db_instance_attributes = Function(_PROVISIONERS, "_rds_db_instance_attrs", "instance")
db_cluster_xml = Function("services.rds", "_cluster_xml", "c")
rds_actions: dict[str, Callable[[dict[str, Any]], Any]] = table("services.rds", "_ACTION_MAP")
db_instance_xml = Function("services.rds", "_instance_xml", "i")
sync_db_cluster_endpoints = Function("services.rds", "_sync_cluster_endpoints", "cluster")
rds_xml = Function("services.rds", "_xml", "status", "root_tag", "inner")
rds_error = Function("services.rds", "_error", "code", "message", "status")
data_api = Function("services.rds_data", "handle_request", "method", "path", "headers", "body", "query_params")
data_api_connect = Function(
    "services.rds_data", "_connect", "instance", "engine", "database", "password", "username"
)  # fmt: skip
data_api_is_real = Function("services.rds_data", "_has_real_endpoint", "instance")
data_api_is_unreachable = Function("services.rds_data", "_is_connection_error", "exc")

# Amazon ECS, and the targets that it registers; `upstream_ecs` has the rest of it.
ecs_clusters = table("services.ecs", "_clusters")
ecs_services = table("services.ecs", "_services")
ecs_tasks = table("services.ecs", "_tasks")
targets = table("services.alb", "_targets")
register_targets_of_service = Function("services.alb", "set_targets_for_group", "tg_arn", "targets", "previous_ids")

# Amazon EC2 and Elastic Load Balancing.
ec2_error = Function("services.ec2", "_error", "code", "message", "status")
vpcs = table("services.ec2", "_vpcs")
subnets = table("services.ec2", "_subnets")
security_groups = table("services.ec2", "_security_groups")
internet_gateways = table("services.ec2", "_internet_gateways")
route_tables = table("services.ec2", "_route_tables")
vpc_endpoints = table("services.ec2", "_vpc_endpoints")
elb_actions: dict[str, Callable[[dict[str, Any]], Any]] = table("services.alb", "_ACTION_MAP")
elb_error = Function("services.alb", "_error", "code", "message", "status")
load_balancers = table("services.alb", "_lbs")
load_balancer_attributes = table("services.alb", "_lb_attrs")
listeners = table("services.alb", "_listeners")
listener_rules = table("services.alb", "_rules")
listener_rule_order = Function("services.alb", "_rule_sort_key", "rule")
listener_rule_applies = Function(
    "services.alb", "_match_condition", "cond", "method", "path", "headers", "query_params"
)  # fmt: skip
target_groups = table("services.alb", "_tgs")
target_group_attributes = table("services.alb", "_tg_attrs")
elb_xml = Function("services.alb", "_xml", "status", "action", "inner")
certificates = table("services.acm", "_certificates")
hosted_zones = table("services.route53", "_zones")
dns_records = table("services.route53", "_records")

# Tables that tell what is there, for refusals of what is not.
kms_key = Function("services.kms", "_resolve_key", "key_id_or_arn")
tables = table("services.dynamodb", "_tables")
recovery_settings = table("services.dynamodb", "_pitr_settings")
topics = table("services.sns", "_topics")
secrets = table("services.secretsmanager", "_secrets")
roles = table("services.iam", "_roles")
event_targets = table("services.eventbridge", "_targets")
event_rules = table("services.eventbridge", "_rules")


def owns_its_objects_by_request(bucket: str) -> bool:
    """Return whether a bucket's ownership controls were set, and are not those of every new bucket."""
    return "_ownership_controls" in buckets[bucket]
