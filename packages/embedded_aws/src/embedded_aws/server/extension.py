"""Everything this package changes in ministack, in order."""

from embedded_aws import fidelity
from embedded_aws.server import (
    access,
    admission,
    cloud_control,
    creations,
    drift,
    nested,
    registry,
    taken_names,
    upstream,
    validation,
)
from embedded_aws.server.answers import layer
from embedded_aws.server.tasks import door, events, lifecycle
from embedded_aws.server.types import (
    alarms,
    application_autoscaling,
    backup,
    backup_points,
    cloudwatch,
    default_group,
    dynamodb,
    ec2,
    ec2_egress,
    ec2_refusals,
    ecs,
    elbv2,
    fis,
    lambda_,
    rds,
    restore_jobs,
    route53,
    s3,
    sns,
    wafv2,
    zonal_shifts,
)

_SERVICES = (
    alarms,
    application_autoscaling,
    backup,
    backup_points,
    restore_jobs,
    cloudwatch,
    default_group,
    dynamodb,
    ec2,
    ec2_egress,
    ec2_refusals,
    ecs,
    elbv2,
    fis,
    lambda_,
    rds,
    route53,
    s3,
    sns,
    wafv2,
    zonal_shifts,
)


def install() -> None:
    """Add resource types to ministack, repair its nested stacks, and refuse every type that is not listed.

    Raises:
        RuntimeError: the installed ministack is not the one this extension is written for.
    """
    incompatibilities = list(upstream.incompatibilities())
    if incompatibilities:
        raise RuntimeError("; ".join(incompatibilities))
    for service in _SERVICES:
        service.install()
    for part in (door, events, lifecycle):
        part.install()
    # The added types call the emulator's own API: on the event loop the server could not answer them.
    upstream.runs_on_worker_thread.wrap(lambda _for_some: lambda _resource_type: True)
    registry.refuse_types_outside(fidelity.load())
    creations.install()
    nested.install()
    taken_names.install()
    drift.install()
    cloud_control.install()
    validation.install()
    layer.install()
    access.install()
    admission.install()
