"""What an account has before a deployment, and the embedded AWS has not: each is made once, and found from then on."""

import json
from contextlib import suppress
from typing import Final

from embedded_aws.clients import Aws

_INDEX: Final = "application/vnd.oci.image.index.v1+json"
_PLATFORMS: Final = ("amd64", "arm64")


def certificates(aws: Aws) -> dict[str, str]:
    """Return the domain name of each certificate, by ARN."""
    pages = aws("acm").get_paginator("list_certificates").paginate()
    return {each["CertificateArn"]: each["DomainName"] for page in pages for each in page["CertificateSummaryList"]}


def certificate(aws: Aws, domain: str) -> str:
    """Return the ARN of the certificate for a domain name: the same one each time, since another changes a listener."""
    made = next((arn for arn, covered in certificates(aws).items() if covered == domain), None)
    return made or str(aws("acm").request_certificate(DomainName=domain, ValidationMethod="DNS")["CertificateArn"])


def hosted_zones(aws: Aws) -> dict[str, str]:
    """Return the name of each hosted zone, by id."""
    pages = aws("route53").get_paginator("list_hosted_zones").paginate()
    return {each["Id"].rpartition("/")[2]: each["Name"].rstrip(".") for page in pages for each in page["HostedZones"]}


def hosted_zone(aws: Aws, domain: str) -> str:
    """Return the id of the hosted zone that holds a domain name: the same one each time."""
    parent = domain.partition(".")[2]
    made = next((zone for zone, name in hosted_zones(aws).items() if name == parent), None)
    if made is None:
        reference = f"embedded AWS: {parent}"
        made = aws("route53").create_hosted_zone(Name=parent, CallerReference=reference)["HostedZone"]["Id"]
    return str(made).rpartition("/")[2]


def image(aws: Aws, repository: str, *, digest: str | None, tag: str | None) -> None:
    """Put the manifest of an image for both architectures into private ECR, unless it is there.

    Args:
        aws: clients of the embedded AWS.
        repository: name of the repository.
        digest: of the image; None where a tag names it.
        tag: of the image.
    """
    ecr, which = aws("ecr"), {"imageDigest": digest} if digest else {"imageTag": tag}
    with suppress(ecr.exceptions.RepositoryAlreadyExistsException):
        ecr.create_repository(repositoryName=repository)
    if not ecr.batch_get_image(repositoryName=repository, imageIds=[which])["images"]:
        platforms = [{"platform": {"os": "linux", "architecture": each}} for each in _PLATFORMS]
        manifest = json.dumps({"schemaVersion": 2, "mediaType": _INDEX, "manifests": platforms})
        ecr.put_image(repositoryName=repository, imageManifest=manifest, imageManifestMediaType=_INDEX, **which)
