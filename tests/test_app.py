"""`python app.py` as the CDK CLI runs it: one process, its exit code, its words and its files."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from app import cli_context
from stacks.common.acknowledgements import PACKS
from stacks.profiles import NEEDED, cdk_context
from tests.assembly import NESTED, ROOT
from tests.settings.conftest import line

PUBLIC_IMAGE = "public.ecr.aws/docker/library/python:3.13-slim"
# A process of a second or two for each kind of mistake; tests/settings has every mistake.
BAD = {
    "unknown, malformed and out of range": (
        {"suffix": "EU", "database.min_acu": "0.7", "kms.pending_window_days": "31"},
        [
            line("suffix", '"EU"', "text like 'eu1' (pattern ^[a-z][a-z0-9-]{0,11}$)"),
            line("kms.pending_window_days", "31", "a whole number from 7 to 30"),
            line("database.min_acu", "0.7", "a number from 0.5 to 256 in steps of 0.5"),
        ],
    ),
    "contradictions": (
        {"environment": "prod", "compute.image": PUBLIC_IMAGE, "network.cidr": "10.0.0.0/22"},
        [
            line(
                "network.cidr",
                '"10.0.0.0/22"',
                "a network with room for 12 subnets of /22 (network.subnet_prefix), six of each kind",
            ),
            line(
                "compute.certificate_arn",
                None,
                "the ARN of an ACM certificate in us-east-1 (compute.https_required is true)",
                "environments/prod.toml or with -c compute.certificate_arn=…",
            ),
            line(
                "compute.domain_name",
                None,
                "the name that clients use and the certificate covers, e.g. pay.mycompany.com",
                "environments/prod.toml or with -c compute.domain_name=…",
            ),
            line(
                "compute.image",
                f'"{PUBLIC_IMAGE}"',
                "an image in private ECR in us-east-1: nothing else is reachable through endpoints",
            ),
        ],
    ),
    "unknown environment": (
        {"environment": "production"},
        [line("environment", '"production"', "'dev', 'prod' or 'staging'")],
    ),
}


def _run(folder: Path, *options: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the app with nothing of this process's environment but PATH; no credentials, no home, no AWS."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environ = {"PATH": path, "HOME": os.environ.get("HOME", "/"), "CDK_OUTDIR": str(folder), **variables}
    command = [sys.executable, *options, "app.py"]
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=300, check=False)


def _context(own: Mapping[str, Any]) -> str:
    return json.dumps({**cdk_context(), **own})


@pytest.mark.parametrize(("context", "lines"), BAD.values(), ids=BAD)
def test_bad_settings_end_in_one_line_each_and_nothing_else(
    tmp_path: Path, context: Mapping[str, str], lines: list[str]
) -> None:
    done = _run(tmp_path, CDK_CONTEXT_JSON=_context(context))
    assert done.returncode == 1
    assert done.stderr.splitlines() == lines
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_the_cli_account_reaches_the_stack_and_a_bad_one_is_named(tmp_path: Path) -> None:
    bad = _run(tmp_path, CDK_CONTEXT_JSON=_context({}), CDK_DEFAULT_ACCOUNT="12345")
    allowed = "text like '111111111111' (pattern ^[0-9]{12}$)"
    assert bad.stderr.splitlines() == [line("account", '"12345"', allowed, "CDK_DEFAULT_ACCOUNT")]
    assert (bad.returncode, list(tmp_path.iterdir())) == (1, [])
    good = _run(tmp_path, CDK_CONTEXT_JSON=_context({"suffix": "eu1"}), CDK_DEFAULT_ACCOUNT="111111111111")
    assert (good.returncode, good.stdout, good.stderr) == (0, "", "")
    manifest = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["artifacts"]["Breakwater-eu1"]["environment"] == "aws://111111111111/us-east-1"
    stacks = {name for name, it in manifest["artifacts"].items() if it["type"] == "aws:cloudformation:stack"}
    assert stacks == {"Breakwater-eu1"}
    assert len(list(tmp_path.glob("*.nested.template.json"))) == len(NESTED) == 8


def test_a_missing_installation_is_one_line(tmp_path: Path) -> None:
    done = _run(tmp_path, "-S")
    assert done.returncode == 1
    hint = "run `make install`, then `. .venv/bin/activate`."
    assert done.stderr.splitlines() == [f"aws_cdk is not installed for {sys.executable}: {hint}"]
    assert list(tmp_path.iterdir()) == []


def test_context_that_does_not_fit_comes_from_a_file(tmp_path: Path) -> None:
    overflow = tmp_path / "context.json"
    overflow.write_text(json.dumps({"suffix": "file", "region": "eu-central-1"}), encoding="utf-8")
    given = json.dumps({"suffix": "variable", "environment": "dev"})
    assert cli_context({}) == {}
    assert cli_context({"CDK_CONTEXT_JSON": given}) == {"suffix": "variable", "environment": "dev"}
    both = {"CDK_CONTEXT_JSON": given, "CONTEXT_OVERFLOW_LOCATION_ENV": str(overflow)}
    assert cli_context(both) == {"suffix": "file", "region": "eu-central-1", "environment": "dev"}


def test_a_start_without_the_cli_is_one_line() -> None:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environ = {"PATH": path, "HOME": os.environ.get("HOME", "/")}
    run = subprocess.run([sys.executable, "app.py"], cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert run.stdout == ""
    assert run.stderr.splitlines() == [
        "app.py is started by the CDK CLI, which hands it the feature flags of cdk.json: run `cdk synth`."
    ]


def test_only_a_deployment_that_is_given_up_as_the_runbook_says_loses_its_data(tmp_path: Path) -> None:
    (lines,) = re.findall(r'GIVE_UP="(.*?)"', (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8"), re.DOTALL)
    given_up = dict(re.findall(r"-c (\S+)=(\S+)", lines)) | {"suffix": "first"}
    protections = {each for each in given_up if each.endswith("_protection")}
    assert len(protections) == 2
    stand_ins = {"account": "111111111111", **NEEDED}
    for kept in (None, *protections):
        context = {name: value for name, value in given_up.items() if name != kept}
        _run(tmp_path / str(kept), CDK_CONTEXT_JSON=_context(context | stand_ins))
        report = json.loads((tmp_path / str(kept) / "validation-report.json").read_text(encoding="utf-8"))
        found = {each["ruleName"] for plugin in report["pluginReports"] for each in plugin["violations"]}
        assert "DR-HYGIENE-08" in found if kept else found == set()


def test_nag_joins_the_guards_only_when_asked(tmp_path: Path) -> None:
    done = _run(tmp_path, CDK_CONTEXT_JSON=_context({"nag": "true", "network.cidr": "10.99.0.0/16"}))
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "validation-report.json").read_text(encoding="utf-8"))
    assert set(PACKS) <= {plugin["pluginName"] for plugin in report["pluginReports"]}


def test_nag_is_true_or_false(tmp_path: Path) -> None:
    done = _run(tmp_path, CDK_CONTEXT_JSON=_context({"nag": "maybe"}))
    assert done.returncode == 1
    assert done.stderr == "nag = maybe cannot be used: allowed is true or false. Change it in -c nag=….\n"
    assert list(tmp_path.iterdir()) == []
