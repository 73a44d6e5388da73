"""`python -m embedded_aws.docker`: publish image assets to the embedded AWS, in the place of Docker.

The CDK CLI runs the program that `CDK_DOCKER` names, with the words that it has for Docker. Nothing is built: an image
is a copy of its build context, which the embedded AWS runs as it is. https://docs.docker.com/reference/cli/docker/
"""

import argparse
import json
import re
import shutil
import sys
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

# Annotations of the manifest: the copy of the build context, and the Dockerfile in it.
CONTEXT: Final = "breakwater.embedded-aws.context"
DOCKERFILE: Final = "breakwater.embedded-aws.dockerfile"
_MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
_CONFIG: Final = "application/vnd.oci.image.config.v1+json"
_EMPTY: Final = {"mediaType": _CONFIG, "digest": f"sha256:{sha256(b'{}').hexdigest()}", "size": 2}
_TAG: Final = re.compile(r"\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com/(?P<repository>[^:@]+):(?P<tag>[^:@]+)")
_LINE: Final = re.compile(r"(?P<word>\w+)\s+(?P<rest>.*)", re.DOTALL)
# Names of Docker's options that this program understands; all others of `build` change how an image is made.
_IGNORED: Final = (
    "--build-arg", "--build-context", "--secret", "--ssh", "--target", "--network", "--platform", "--cache-from",
    "--cache-to",
)  # fmt: skip


class DockerError(Exception):
    """The program cannot do what it is asked; the message is one line that says why."""


def starting_words(dockerfile: Path) -> tuple[list[str], list[str]]:
    """Return ENTRYPOINT and CMD of the last stage of a Dockerfile, each in exec form; empty where it has none.

    Args:
        dockerfile: its file. The shell form becomes `/bin/sh -c …`, as Docker makes it.
    """
    text = re.sub(r"^\s*#.*\n", "", dockerfile.read_text(encoding="utf-8"), flags=re.MULTILINE)
    stages: dict[str, dict[str, list[str]]] = {}
    said: dict[str, list[str]] = {}
    for line in re.sub(r"\\\s*\n", " ", text).splitlines():
        found = _LINE.fullmatch(line.strip())
        word = found["word"].upper() if found else ""
        if found and word == "FROM":
            base, _, name = (f"{found['rest']} ".replace(" as ", " AS ")).partition(" AS ")
            said = dict(stages.get(base.split()[-1], {}))
            stages[name.strip()] = said
        elif found and word in ("ENTRYPOINT", "CMD"):
            said[word] = _exec_form(found["rest"])
    return said.get("ENTRYPOINT", []), said.get("CMD", [])


def _exec_form(text: str) -> list[str]:
    try:
        words = json.loads(text)
    except ValueError:
        words = None
    if isinstance(words, list):
        return [str(word) for word in words]
    return ["/bin/sh", "-c", text]


class Images:
    """The images of this machine: copies of build contexts, and what they are called.

    Args:
        folder: for them; made when it is needed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def build(self, context: Path, file: str, tag: str) -> None:
        """Copy a build context, unless the same files were copied before.

        Args:
            context: the folder.
            file: the Dockerfile in it.
            tag: what the image is called.

        Raises:
            DockerError: the folder has no such file.
        """
        if not (context / file).is_file():
            raise DockerError(f"{context / file} does not exist: an image asset needs a Dockerfile")
        copy = self._folder / _digest(context)
        if not copy.exists():
            half = copy.with_suffix(".half")
            shutil.rmtree(half, ignore_errors=True)
            shutil.copytree(context, half, symlinks=True)
            half.rename(copy)
        self._write(tag, {CONTEXT: str(copy.absolute()), DOCKERFILE: file})

    def tag(self, source: str, target: str) -> None:
        """Give an image a further name."""
        self._write(target, self.annotations(source))

    def annotations(self, tag: str) -> dict[str, str]:
        """Return the annotations of an image's manifest.

        Raises:
            DockerError: nothing is called so.
        """
        try:
            found: dict[str, str] = json.loads(self._file(tag).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise DockerError(f"No such object: {tag}") from None
        return found

    def push(self, tag: str, ecr: Any) -> None:
        """Put an image into the repository that its name has.

        Args:
            tag: the name: registry, repository and tag.
            ecr: a boto3 client of Amazon ECR.

        Raises:
            DockerError: the name is none of a repository in Amazon ECR.
        """
        parts = _TAG.fullmatch(tag)
        if not parts:
            raise DockerError(f"{tag} cannot be pushed: only ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME:TAG is allowed")
        manifest = {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": _EMPTY,
            "layers": [],
            "annotations": self.annotations(tag),
        }
        ecr.put_image(
            repositoryName=parts["repository"],
            imageTag=parts["tag"],
            imageManifest=json.dumps(manifest, sort_keys=True),
            imageManifestMediaType=_MANIFEST,
        )

    def _file(self, tag: str) -> Path:
        return self._folder / "names" / f"{quote(tag, safe='')}.json"

    def _write(self, tag: str, annotations: dict[str, str]) -> None:
        self._file(tag).parent.mkdir(parents=True, exist_ok=True)
        self._file(tag).write_text(json.dumps(annotations), encoding="utf-8")


def _digest(folder: Path) -> str:
    """Return a hash of all files below a folder: names, modes and contents."""
    total = sha256()
    for path in sorted(folder.rglob("*")):
        content = path.read_bytes() if path.is_file() else b""
        total.update(f"{path.relative_to(folder)}\0{path.lstat().st_mode:o}\0{len(content)}\0".encode())
        total.update(content)
    return total.hexdigest()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="docker", description=__doc__.partition("\n")[0], allow_abbrev=False)
    parser.add_argument("--images", type=Path, required=True, help="folder of the images of this machine")
    parser.add_argument("--config", help="ignored: no registry asks for credentials")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="command")
    build = verbs.add_parser("build", allow_abbrev=False)
    build.add_argument("--tag", required=True)
    build.add_argument("--file", default="Dockerfile")
    build.add_argument("--output", action="append")
    build.add_argument("--no-cache", action="store_true")
    for name in _IGNORED:
        build.add_argument(name, action="append")
    build.add_argument("context", type=Path)
    login = verbs.add_parser("login", allow_abbrev=False)
    login.add_argument("--username")
    login.add_argument("--password-stdin", action="store_true")
    login.add_argument("registry")
    verbs.add_parser("inspect").add_argument("name")
    tag = verbs.add_parser("tag")
    tag.add_argument("source")
    tag.add_argument("target")
    verbs.add_parser("push").add_argument("name")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what Docker is asked for.

    Args:
        arguments: those of the command; None for those of the process.

    Returns:
        0, or 1 after one line on stderr.
    """
    options = _parser().parse_args(arguments)
    images = Images(options.images)
    try:
        match options.verb:
            case "build":
                images.build(options.context, options.file, options.tag)
            case "inspect":
                images.annotations(options.name)
            case "tag":
                images.tag(options.source, options.target)
            case "push":
                import boto3  # noqa: PLC0415 (half a second, which the other verbs need not take)

                images.push(options.name, boto3.client("ecr"))
    except DockerError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
