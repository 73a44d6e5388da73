"""Judges templates with cdk-nag: prints a line of JSON for each, `[[rule, logical id], …]` or `null`.

A template comes into a CDK app through `CfnInclude`; where CDK refuses it, for instance because it has a circular
dependency or a type of value that no construct takes, the answer is `null`.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aws_cdk as cdk
from aws_cdk.cloudformation_include import CfnInclude
from cdk_nag import AwsSolutionsChecks
from jsii.errors import JSIIError

from breakwater_guards.model.assembly import Assembly
from breakwater_guards.model.template import Template

# What cdk-nag reports of a rule of its own that failed.
NO_VERDICT = "CdkNagValidationFailure"


def complaints(path: Path) -> list[tuple[str, str]] | None:
    """Judges one fixture.

    Args:
        path: A template, or a folder with templates that may nest each other.

    Returns:
        Rule and logical id of each finding, or None when CDK cannot include the template.
    """
    assembly = Assembly.load(path)
    with tempfile.TemporaryDirectory(prefix="breakwater-nag-") as folder:
        # The findings are read from the report: they must not stop the synthesis.
        app = cdk.App(outdir=folder, context={"@aws-cdk/core:failSynthOnValidationErrors": False})
        cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
        try:
            for number, template in enumerate(assembly.roots):
                CfnInclude(cdk.Stack(app, f"Stack{number}"), "Template", **include(assembly, template, path))
            app.synth()
        except (JSIIError, RuntimeError):
            return None
        return sorted(set(reported(json.loads(Path(folder, "validation-report.json").read_text(encoding="utf-8")))))


def include(assembly: Assembly, template: Template, path: Path) -> dict[str, Any]:
    """Returns the arguments of `CfnInclude` for a template with all that it nests."""
    nested = {
        logical_id: include(assembly, child, path)
        for (parent, logical_id), child in assembly.children.items()
        if parent == template.key
    }
    folder = path if path.is_dir() else path.parent
    return {"template_file": str(folder / template.file), "load_nested_stacks": nested}


def reported(report: dict[str, Any]) -> list[tuple[str, str]]:
    """Reads rule and logical id of every violation; an included resource's construct is called as its logical id."""
    return [
        (violation["ruleName"], construct["constructPath"].rpartition("/")[2])
        for plugin in report["pluginReports"]
        for violation in plugin.get("violations", [])
        for construct in violation["violatingConstructs"]
        if not violation["ruleName"].startswith(NO_VERDICT)
    ]


def main(paths: Sequence[str]) -> int:
    """Judges and prints.

    Args:
        paths: Templates and folders.

    Returns:
        The exit code, always 0.
    """
    for path in paths:
        print(json.dumps(complaints(Path(path))), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
