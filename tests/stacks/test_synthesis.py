"""A synth needs no credentials, asks AWS nothing and can be repeated byte by byte."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from stacks.profiles import NEEDED, cdk_context
from tests.assembly import ROOT

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
        done = _run(folder, PROD, PYTHONHASHSEED=seed, CDK_DEFAULT_REGION="eu-west-3")
        assert done.returncode == 0, done.stderr
        assert "Warning" not in done.stderr
    files = _files(first)
    assert len([name for name in files if name.endswith(".template.json")]) == 9
    assert files == _files(second)
    manifest = json.loads(files["manifest.json"])
    # The region is the settings', whatever the CLI's default is.
    assert manifest["artifacts"]["Breakwater-eu1"]["environment"] == "aws://unknown-account/us-east-1"
    # What CDK could not know without asking AWS would stand here, and the CLI would ask.
    assert "missing" not in manifest
