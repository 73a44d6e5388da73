"""The container image."""

from __future__ import annotations

import json
from collections.abc import Iterator

from ops.preflight.check import Check, Outcome, fail, ok, warn
from ops.preflight.context import CheckContext, listed
from stacks.settings.rules import PRIVATE_ECR_IMAGE, SERVICE_IMAGE

# Docker's name of an architecture: https://docs.docker.com/build/building/multi-platform/
PLATFORMS = {"arm64": "arm64", "x86_64": "amd64"}
# https://docs.aws.amazon.com/cdk/v2/guide/build-containers.html
BUILDERS = "Docker, or what CDK_DOCKER names, where it runs"
INDEXES = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
]
MANIFESTS = ["application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json"]


class Image(Check):
    """Checks that the image exists and is built for the architecture of the tasks."""

    id = "PF-ECR-01"
    title = "The container image exists, and is built for the configured architecture"
    why = "Tasks stop with CannotPullContainerError, or with `exec format error`; the deployment waits and rolls back."
    fix = "Push the image, or correct `compute.image` and `compute.architecture`."
    source = "https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_BatchGetImage.html"
    calls = ("ecr:BatchGetImage",)

    def run(self, context: CheckContext) -> Iterator[Outcome]:
        """Ask private ECR for the manifest; AWS's API knows no other registry."""
        compute = context.settings.compute
        parts = PRIVATE_ECR_IMAGE.match(str(compute.image))
        if compute.image == SERVICE_IMAGE:
            yield warn(f"the CDK CLI builds it from service/ for {compute.architecture}: that needs {BUILDERS}")
            return
        if parts is None:
            yield warn(f"{compute.image} is not in private ECR: only a starting task shows whether it can be pulled")
            return
        wanted = {"imageDigest": parts["digest"]} if parts["digest"] else {"imageTag": parts["tag"]}
        # The registry answers in the image's own Region, which may be another one.
        found = context.ask.elsewhere(parts["region"]).find(
            "ecr:BatchGetImage",
            "RepositoryNotFoundException",
            registryId=parts["account"],
            repositoryName=parts["repository"],
            imageIds=[wanted],
            acceptedMediaTypes=[*INDEXES, *MANIFESTS],
        )
        if found is None:
            yield fail(f"there is no repository {parts['repository']} in {parts['account']}, {parts['region']}")
            return
        if not found.get("images"):
            yield fail(f"{compute.image} is not in its repository")
            return
        yield self._compare_platform(json.loads(found["images"][0]["imageManifest"]), compute.architecture)

    def _compare_platform(self, manifest: dict[str, object], architecture: str) -> Outcome:
        parts = manifest.get("manifests")
        if not isinstance(parts, list):
            return ok("the image exists; the manifest of a single platform does not say which one it is built for")
        built = [part.get("platform", {}).get("architecture", "unknown") for part in parts]
        fits = PLATFORMS[architecture] in built
        return (ok if fits else fail)(f"built for {listed(built)}, tasks run on {architecture}")
