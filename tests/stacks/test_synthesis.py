"""``python app.py`` as the CDK CLI runs it: without credentials, reproducible, plain about bad settings."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.assembly import ROOT, cdk_context
from tests.profiles import NEEDED

PROD = {"environment": "prod", "suffix": "eu1", **NEEDED}


def _run(folder: Path, settings: dict[str, str], **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the app in a process that knows nothing but where Node is: no home, no AWS variable, no proxy."""
    return subprocess.run(
        [sys.executable, str(ROOT / "app.py")],
        cwd=ROOT,
        env={
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "CDK_OUTDIR": str(folder),
            "CDK_CONTEXT_JSON": json.dumps({**cdk_context(), **settings}),
            "PYTHONDONTWRITEBYTECODE": "1",
            **environ,
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def _files(folder: Path) -> dict[str, bytes]:
    """Everything that is deployed or decides how; the metadata hold call stacks with jsii's temporary folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.endswith(".metadata.json")
    }


def test_two_synths_without_credentials_are_byte_identical(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder, seed in ((first, "1"), (second, "2")):
        done = _run(folder, PROD, PYTHONHASHSEED=seed)
        assert done.returncode == 0, done.stderr
        assert "Warning" not in done.stderr
    files = _files(first)
    assert len([name for name in files if name.endswith(".template.json")]) == 9
    assert files == _files(second)
    manifest = json.loads(files["manifest.json"])
    assert manifest["artifacts"]["Breakwater-eu1"]["environment"] == "aws://unknown-account/us-east-1"
    # What CDK could not know without asking AWS would stand here, and the CLI would ask.
    assert "missing" not in manifest


def test_account_of_the_cli_is_taken_and_its_region_is_not(tmp_path: Path) -> None:
    account = {"CDK_DEFAULT_ACCOUNT": "222222222222", "CDK_DEFAULT_REGION": "eu-west-3"}
    done = _run(tmp_path / "out", {"region": "eu-north-1"}, **account)
    assert done.returncode == 0, done.stderr
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["artifacts"]["Breakwater-dev"]["environment"] == "aws://222222222222/eu-north-1"


def test_a_bad_setting_ends_in_plain_words_and_nothing_is_synthesized(tmp_path: Path) -> None:
    done = _run(tmp_path / "out", {"environment": "prod", "suffix": "eu1"})
    assert done.returncode == 1
    assert "compute.certificate_arn" in done.stderr
    assert "compute.image" in done.stderr
    assert "Traceback" not in done.stderr
    assert not done.stdout
    assert not (tmp_path / "out").exists()
