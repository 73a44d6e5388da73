"""The image, what goes into it, and how small the service stays."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.assembly import ROOT

SERVICE = ROOT / "service"
DOCKERFILE = (SERVICE / "Dockerfile").read_text()
INSTRUCTIONS = [line for line in DOCKERFILE.splitlines() if re.match("[A-Z]+ ", line)]


def _lines_of_code(source: str) -> int:
    """Return the lines that are neither empty nor a comment nor part of a docstring."""
    documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    text = set[int]()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, documented) and ast.get_docstring(node):
            text |= set(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    lines = enumerate(source.splitlines(), start=1)
    return sum(number not in text and bool(line.strip()) and line.lstrip()[0] != "#" for number, line in lines)


def test_lines_of_code_are_counted() -> None:
    source = '"""Text.\n\nMore.\n"""\n\n# why\nx = """\ntext\n"""\n\ndef f():\n    """Do."""\n    return 1  # what\n'
    assert _lines_of_code(source) == 5


def test_it_does_not_become_a_second_product() -> None:
    files = [file.read_text() for file in SERVICE.rglob("*.py")]
    assert sum(map(_lines_of_code, files)) <= 600
    assert sum(len(text.splitlines()) for text in files) <= 850


def test_both_stages_are_one_base_by_digest() -> None:
    bases = [line for line in INSTRUCTIONS if line.startswith("FROM")]
    digests = {re.search(r"python:3\.13-slim@sha256:[0-9a-f]{64}", line) for line in bases}
    assert len(bases) == 2
    assert None not in digests
    assert len({match[0] for match in digests if match}) == 1


def test_nothing_comes_into_the_image_without_a_checksum() -> None:
    downloads = [line for line in INSTRUCTIONS if line.startswith("ADD")]
    assert len(downloads) == 1
    assert re.search(r"--checksum=sha256:[0-9a-f]{64} ", downloads[0])
    assert "--require-hashes" in DOCKERFILE
    assert "--only-binary=:all:" in DOCKERFILE
    assert not re.search(r"\b(curl|wget|apt-get)\b", DOCKERFILE)


def test_it_runs_as_nobody_and_checks_the_name_of_the_database() -> None:
    assert INSTRUCTIONS[-3:] == ["USER 65534:65534", "EXPOSE 8080", 'CMD ["python", "-m", "breakwater_service"]']
    assert "PGSSLMODE=verify-full" in DOCKERFILE
    bundle = re.search(r"PGSSLROOTCERT=(\S+)", DOCKERFILE)
    assert bundle is not None
    assert f"global-bundle.pem {bundle[1]}" in DOCKERFILE


def test_the_context_holds_only_what_the_image_is_made_of() -> None:
    rules = [line for line in (SERVICE / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    kept = [rule[1:] for rule in rules if rule.startswith("!")]
    assert rules[0] == "*"
    assert kept == re.findall(r"^COPY (\w\S*) ", DOCKERFILE, re.MULTILINE)
    assert "**/__pycache__" in rules


def test_the_image_is_linted() -> None:
    assert "\n\t@hadolint service/Dockerfile\n" in (ROOT / "Makefile").read_text()
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([hadolint, SERVICE / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    bad = subprocess.run([hadolint, "-"], input="FROM python\n", capture_output=True, text=True, check=False)
    assert "DL3006" in bad.stdout


def test_what_can_be_pushed_was_built_and_scanned_by_a_job_without_a_token() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "image.yml").read_text())
    build, push = workflow["jobs"]["build"], workflow["jobs"]["push"]
    assert "permissions" not in build
    assert "--platform linux/amd64,linux/arm64" in build["steps"][1]["run"]
    assert "--provenance mode=max" in build["steps"][1]["run"]
    assert "type=sbom" in build["steps"][1]["run"]
    assert all(re.search(r"@sha256:[0-9a-f]{64}$", image) for image in build["env"].values())
    scans = [step["with"] for step in build["steps"] if step.get("uses", "").startswith("aquasecurity/trivy-action@")]
    assert [(scan["input"], scan["exit-code"]) for scan in scans] == [("amd64.tar", "1"), ("arm64.tar", "1")]
    assert "uses" in build["steps"][-1]
    assert (push["needs"], push["environment"]) == ("build", "image")
    assert push["if"] == "github.event_name != 'pull_request' && github.ref == 'refs/heads/main'"
    (commands,) = [step["run"] for step in push["steps"] if "run" in step]
    assert "!= IMMUTABLE" in commands
    assert "skopeo copy --all --preserve-digests" in commands
    assert not re.search(r"\b(npm|pip|uv|apt-get|curl|wget|docker (build|pull|run))\b", commands)


def _pins(file: str) -> dict[str, str]:
    return dict(re.findall(r"^(\S+)==(\S+)", (ROOT / file).read_text(), re.MULTILINE))


@pytest.mark.parametrize(
    "other", ["requirements.txt", "requirements/dev.txt", "packages/embedded_aws/requirements/emulator.txt"]
)
def test_versions_are_those_of_the_other_environments(other: str) -> None:
    """Their files are then on the disk once, and what is tested is what runs."""
    own, others = _pins("service/requirements.txt"), _pins(other)
    if other == "requirements/dev.txt":
        others = _pins("requirements.txt") | others
        assert own.keys() <= others.keys()
    assert {name: version for name, version in own.items() if others.get(name, version) != version} == {}
    assert "botocore" in own.keys() & others.keys()
