"""What an account has before a deployment, and the embedded AWS has not: certificate, hosted zone, container image."""

from collections.abc import Mapping
from typing import Final

from embedded_aws import account
from embedded_aws.address import ACCOUNT, REGION
from embedded_aws.clients import Aws
from ops.errors import OpsError
from stacks.settings import Settings, SettingsError, load_settings
from stacks.settings.rules import PRIVATE_ECR_IMAGE

_CERTIFICATE: Final = "compute.certificate_arn"
_DOMAIN: Final = "compute.domain_name"
_ZONE: Final = "compute.hosted_zone_id"
_IMAGE: Final = "compute.image"
_ITEMS: Final = "operations.validation_minimum_items"
# The restore test writes as many items as must be found; more of them would only take time.
MOST_ITEMS: Final = 100
# Names that CloudFormation accepts, until the embedded AWS runs and knows its own.
_PLACEHOLDERS: Final = {
    _CERTIFICATE: f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/00000000-0000-0000-0000-000000000000",
    _DOMAIN: "breakwater.example.com",
    _IMAGE: f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/breakwater:local",
}


def check(settings: Mapping[str, str]) -> Settings:
    """Check, before anything is started, that the embedded AWS can hold a deployment.

    Args:
        settings: of the deployment, by key, as they are given with `-c`.

    Returns:
        The whole settings, with placeholders for certificate, domain name and image that are demanded and not given.

    Raises:
        OpsError: a setting is wrong, or the embedded AWS cannot hold it.
    """
    try:
        loaded = _load(settings)
    except SettingsError as error:
        raise OpsError(str(error)) from None
    if loaded.operations.validation_minimum_items > MOST_ITEMS:
        raise OpsError(
            f"{_ITEMS} = {loaded.operations.validation_minimum_items} cannot be held locally: the restore test of "
            f"`make local` writes at most {MOST_ITEMS} items; give another value with -c {_ITEMS}=1"
        )
    return loaded


def _load(settings: Mapping[str, str]) -> Settings:
    try:
        return load_settings(settings)
    except SettingsError as error:
        demanded = {getattr(problem, "key", "") for problem in error.problems}
        missing = {key: _PLACEHOLDERS[key] for key in _PLACEHOLDERS if key in demanded and key not in settings}
        if not missing:
            raise
        return load_settings({**missing, **settings})


def make(aws: Aws, settings: Settings) -> dict[str, str]:
    """Make the certificate, the hosted zone and the image that a deployment refers to.

    A certificate of another account is replaced by one of the embedded AWS, since a load balancer takes no other; a
    hosted zone by one that holds the domain name.

    Args:
        aws: clients of the embedded AWS.
        settings: of the deployment, from `check`.

    Returns:
        The settings that are given instead, or in addition; empty where all that is needed is there.
    """
    compute = settings.compute
    instead = {}
    domain = compute.domain_name or _PLACEHOLDERS[_DOMAIN]
    if compute.certificate_arn is not None and compute.certificate_arn not in account.certificates(aws):
        instead[_CERTIFICATE] = account.certificate(aws, domain)
    if compute.hosted_zone_id is not None and compute.hosted_zone_id not in account.hosted_zones(aws):
        instead[_ZONE] = account.hosted_zone(aws, domain)
    for key in (_DOMAIN, _IMAGE):
        if getattr(compute, key.partition(".")[2]) == _PLACEHOLDERS[key]:
            instead[key] = _PLACEHOLDERS[key]
    # An image that is not in private ECR is asked of nobody.
    if parts := PRIVATE_ECR_IMAGE.match(compute.image or ""):
        account.image(aws, parts["repository"], digest=parts["digest"], tag=parts["tag"])
    return instead
