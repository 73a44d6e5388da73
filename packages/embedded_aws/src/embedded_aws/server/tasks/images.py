"""Container images: those whose build context was published to this embedded AWS can run, all others cannot.

`embedded_aws.docker` publishes a build context as an image; nothing is built. What runs is a copy of the files, started
by the words of the Dockerfile's ENTRYPOINT and CMD in exec form.

https://docs.docker.com/reference/dockerfile/#understand-how-cmd-and-entrypoint-interact
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from embedded_aws.docker import CONTEXT, DOCKERFILE, starting_words
from embedded_aws.server import upstream, upstream_ecs

_REFERENCE: Final = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com/(?P<repository>[^:@]+)"
    r"(?::(?P<tag>[^@]+))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)


class PullError(Exception):
    """An image of this account's registry is not there."""


@dataclass(frozen=True)
class Image:
    """An image as ministack asks for it.

    Attributes:
        id: its digest.
        folder: the copy of its build context.
        file: the Dockerfile in it.
    """

    id: str
    folder: Path
    file: str

    def words(self, container: Mapping[str, Any]) -> list[str]:
        """Return the command line of a container.

        Args:
            container: its definition; what it says goes before what the Dockerfile says.

        Raises:
            ValueError: neither says how to start it.
        """
        entrypoint, command = starting_words(self.folder / self.file)
        if container.get("entryPoint"):
            entrypoint, command = list(container["entryPoint"]), []
        words = [*entrypoint, *(container.get("command") or command)]
        if not words:
            raise ValueError(f"no command specified: neither the container nor {self.file} of its image has one")
        return words

    def tag(self, *_name: str, **_options: str) -> bool:
        """Accept a name for the image: it has those of its repository."""
        return True


def find(reference: str) -> Image | None:
    """Return the image that a container definition names; None when it is no image that can run here.

    Raises:
        PullError: it is one of this account's registry, and is not there.
    """
    parts = _REFERENCE.fullmatch(reference)
    if parts is None or (parts["account"], parts["region"]) != (upstream.account(), upstream.region()):
        return None
    for image in upstream_ecs.ecr_images.get(parts["repository"], []):
        if image["imageDigest"] == parts["digest"] or (not parts["digest"] and _tag(parts) in image["imageTags"]):
            return _of(image)
    raise PullError(
        f"pull image manifest has been retried 1 time(s): failed to resolve ref {reference}: {reference}: not found"
    )


def _tag(parts: re.Match[str]) -> str:
    return parts["tag"] or "latest"


def _of(image: Mapping[str, Any]) -> Image | None:
    try:
        said = json.loads(image["imageManifest"]).get("annotations", {})
        return Image(image["imageDigest"], Path(said[CONTEXT]), said[DOCKERFILE])
    except (ValueError, AttributeError, LookupError):  # an image that something else has pushed
        return None
