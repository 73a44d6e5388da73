"""What publishes images in the place of Docker: copies of build contexts, their names, and how a Dockerfile starts."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from embedded_aws import docker, environment
from embedded_aws.docker import CONTEXT, DOCKERFILE, Images, main, starting_words

NAME = "000000000000.dkr.ecr.us-east-1.amazonaws.com/some/name:one"


class Ecr:
    """Keeps what is put."""

    def __init__(self) -> None:
        self.put: list[dict[str, Any]] = []

    def put_image(self, **request: Any) -> None:
        self.put.append(request)


@pytest.fixture
def context(tmp_path: Path) -> Path:
    folder = tmp_path / "context"
    (folder / "package").mkdir(parents=True)
    (folder / "Dockerfile").write_text('CMD ["python"]\n')
    (folder / "package" / "code.py").write_text("one\n")
    return folder


@pytest.fixture
def images(tmp_path: Path) -> Images:
    return Images(tmp_path / "images")


def test_an_image_is_a_copy_that_a_later_change_of_the_context_does_not_change(images: Images, context: Path) -> None:
    images.build(context, "Dockerfile", "one")
    images.build(context, "Dockerfile", "same")
    (context / "package" / "code.py").write_text("two\n")
    images.build(context, "Dockerfile", "two")
    first, same, second = (Path(images.annotations(tag)[CONTEXT]) for tag in ("one", "same", "two"))
    assert first == same != second
    assert (first / "package" / "code.py").read_text() == "one\n"
    assert (second / "package" / "code.py").read_text() == "two\n"


def test_a_push_puts_a_manifest_that_says_where_the_copy_is(images: Images, context: Path) -> None:
    images.build(context, "Dockerfile", "one")
    images.tag("one", NAME)
    ecr = Ecr()
    images.push(NAME, ecr)
    (put,) = ecr.put
    manifest = json.loads(put["imageManifest"])
    assert (put["repositoryName"], put["imageTag"]) == ("some/name", "one")
    assert put["imageManifestMediaType"] == manifest["mediaType"] == "application/vnd.oci.image.manifest.v1+json"
    assert manifest["annotations"] == images.annotations("one")
    assert manifest["annotations"][DOCKERFILE] == "Dockerfile"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["inspect", "not-there"], "error: No such object: not-there\n"),
        (["tag", "not-there", NAME], "error: No such object: not-there\n"),
        (
            ["build", "--tag", "one", "--file", "Other", "."],
            "error: Other does not exist: an image asset needs",
        ),
    ],
)
def test_what_is_not_there_is_one_line(
    tmp_path: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["--images", str(tmp_path / "images"), *words]) == 1
    found = capsys.readouterr()
    assert found.out == ""
    assert found.err.startswith(said)
    assert found.err.count("\n") == 1


def test_only_a_repository_of_ecr_is_pushed_to(images: Images, context: Path) -> None:
    images.build(context, "Dockerfile", "one")
    with pytest.raises(docker.DockerError, match=r"only ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME:TAG is allowed"):
        images.push("one", Ecr())


@pytest.mark.parametrize("words", [["run", "one"], ["build", "--tag", "one", "--squash", "."], []])
def test_what_only_docker_can_do_is_refused(tmp_path: Path, words: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--images", str(tmp_path), *words])
    assert ended.value.code == 2


def test_the_command_takes_every_option_that_the_cdk_cli_has_for_docker(tmp_path: Path, context: Path) -> None:
    command = environment.docker(tmp_path / "a folder", Path(sys.executable), tmp_path / "images")
    built = [
        "build", "--build-arg", "a=b", "--build-context", "a=b", "--secret", "id=a", "--ssh", "default", "--tag", "one",
        "--target", "last", "--file", "Dockerfile", "--network", "host", "--platform", "linux/arm64", "--output=type=x",
        "--cache-from", "type=x", "--cache-to", "type=x", "--no-cache", ".",
    ]  # fmt: skip
    login = ["login", "--username", "AWS", "--password-stdin", "registry"]
    for words in (built, ["inspect", "one"], login, ["tag", "one", NAME]):
        done = subprocess.run([command, *words], cwd=context, input="-", capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), words


@pytest.mark.parametrize(
    ("dockerfile", "expected"),
    [
        ('FROM a\nCMD ["python", "-m", "a"]', ([], ["python", "-m", "a"])),
        ('FROM a\nENTRYPOINT ["python"]\nCMD ["-m", "a"]', (["python"], ["-m", "a"])),
        ("FROM a\nCMD python -m a", ([], ["/bin/sh", "-c", "python -m a"])),
        ('FROM a\ncmd ["one"]\ncmd ["two"]', ([], ["two"])),
        ('FROM a AS one\nCMD ["one"]\nFROM b\n', ([], [])),
        ('FROM a AS one\nCMD ["one"]\nFROM b\nENTRYPOINT ["b"]\nFROM one', ([], ["one"])),
        ('FROM --platform=linux/arm64 a as one\nCMD ["one"]\nFROM one AS two', ([], ["one"])),
        ('FROM a\n# CMD ["no"]\nCMD ["a", \\\n  # with a comment\n  "b"]\n', ([], ["a", "b"])),
        ('FROM a\nRUN echo \\\n    CMD ["no"]\n', ([], [])),
        ("", ([], [])),
    ],
)  # fmt: skip
def test_the_last_stage_of_a_dockerfile_says_how_it_starts(
    tmp_path: Path, dockerfile: str, expected: tuple[list[str], list[str]]
) -> None:
    file = tmp_path / "Dockerfile"
    file.write_text(dockerfile)
    assert starting_words(file) == expected
