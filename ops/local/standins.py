"""What an account has before a deployment, and the embedded AWS has not: certificate, hosted zone, container image."""

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

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
_INDEX: Final = "application/vnd.oci.image.index.v1+json"
_PLATFORMS: Final = ("amd64", "arm64")


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
    if compute.certificate_arn is not None and compute.certificate_arn not in _certificates(aws):
        instead[_CERTIFICATE] = _certificate(aws, domain)
    if compute.hosted_zone_id is not None and compute.hosted_zone_id not in _zones(aws):
        instead[_ZONE] = _zone(aws, domain)
    for key in (_DOMAIN, _IMAGE):
        if getattr(compute, key.partition(".")[2]) == _PLACEHOLDERS[key]:
            instead[key] = _PLACEHOLDERS[key]
    _push(aws, compute.image or "")
    return instead


def _certificates(aws: Aws) -> dict[str, str]:
    """Return the domain of each certificate, by ARN."""
    pages = aws("acm").get_paginator("list_certificates").paginate()
    return {each["CertificateArn"]: each["DomainName"] for page in pages for each in page["CertificateSummaryList"]}


def _certificate(aws: Aws, domain: str) -> str:
    # The same one in each run: another one would change the listener.
    made = next((arn for arn, covered in _certificates(aws).items() if covered == domain), None)
    return made or str(aws("acm").request_certificate(DomainName=domain, ValidationMethod="DNS")["CertificateArn"])


def _zones(aws: Aws) -> dict[str, str]:
    """Return the name of each hosted zone, by id."""
    pages = aws("route53").get_paginator("list_hosted_zones").paginate()
    return {each["Id"].rpartition("/")[2]: each["Name"].rstrip(".") for page in pages for each in page["HostedZones"]}


def _zone(aws: Aws, domain: str) -> str:
    parent = domain.partition(".")[2]
    made = next((zone for zone, name in _zones(aws).items() if name == parent), None)
    if made is None:
        reference = f"make local: {parent}"
        made = aws("route53").create_hosted_zone(Name=parent, CallerReference=reference)["HostedZone"]["Id"]
    return str(made).rpartition("/")[2]


def _push(aws: Aws, image: str) -> None:
    """Put a manifest where the image is said to be; one that is not in private ECR is asked of nobody."""
    parts = PRIVATE_ECR_IMAGE.match(image)
    if parts is None:
        return
    ecr, repository = aws("ecr"), parts["repository"]
    which = {"imageDigest": parts["digest"]} if parts["digest"] else {"imageTag": parts["tag"]}
    with suppress(ecr.exceptions.RepositoryAlreadyExistsException):
        ecr.create_repository(repositoryName=repository)
    if not ecr.batch_get_image(repositoryName=repository, imageIds=[which])["images"]:
        platforms = [{"platform": {"os": "linux", "architecture": each}} for each in _PLATFORMS]
        manifest = json.dumps({"schemaVersion": 2, "mediaType": _INDEX, "manifests": platforms})
        ecr.put_image(repositoryName=repository, imageManifest=manifest, imageManifestMediaType=_INDEX, **which)
