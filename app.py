#!/usr/bin/env python3
"""Entry point of `cdk`: settings, then one App with one root stack. No AWS call, no git call, no clock."""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    # A synth only allocates, and then the process ends: looking for garbage meanwhile costs a seventh of its time.
    gc.disable()

try:
    import aws_cdk as cdk

    from breakwater_guards.plugin import GuardsPlugin
    from stacks.platform import create_app
    from stacks.settings import SettingsError, load_settings
except ModuleNotFoundError as error:
    sys.exit(f"{error.name} is not installed for {sys.executable}: run `make install`, then `. .venv/bin/activate`.")

NAG = "nag"


def cli_context(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return the context that the CDK CLI hands to the app, before any construct exists.

    Args:
        environ: process environment; the CLI sets ``CDK_CONTEXT_JSON``, and ``CONTEXT_OVERFLOW_LOCATION_ENV`` when the
            context does not fit.

    Returns:
        The merged context; empty when the app runs without the CLI.
    """
    context: dict[str, Any] = json.loads(environ.get("CDK_CONTEXT_JSON", "{}"))
    overflow = environ.get("CONTEXT_OVERFLOW_LOCATION_ENV")
    if overflow:
        context |= json.loads(Path(overflow).read_text(encoding="utf-8"))
    return context


def register_nag(app: cdk.App) -> None:
    """Let cdk-nag scan the whole app, nested stacks included: five packs, each with its own acknowledgements.

    Args:
        app: not yet synthesized.
    """
    # Imported here: the packs cost a synth a third more, so they run only on request (decision 013).
    import cdk_nag  # noqa: PLC0415

    cdk.Validations.of(app).add_plugins(
        cdk_nag.AwsSolutionsChecks(app),
        cdk_nag.NIST80053R5Checks(app),
        cdk_nag.PCIDSS321Checks(app),
        cdk_nag.HIPAASecurityChecks(app),
        cdk_nag.ServerlessChecks(app),
    )


def main() -> None:
    """Synthesize and check the templates, or print what is wrong, one line for each problem, and exit with 1."""
    if "CDK_OUTDIR" not in os.environ:
        sys.exit("app.py is started by the CDK CLI, which hands it the feature flags of cdk.json: run `cdk synth`.")
    context = cli_context(os.environ)
    given = context.pop(NAG, "false")
    nag = str(given).lower()
    if nag not in ("true", "false"):
        sys.exit(f"{NAG} = {given} cannot be used: allowed is true or false. Change it in -c {NAG}=….")
    try:
        settings = load_settings(context, default_account=os.environ.get("CDK_DEFAULT_ACCOUNT"))
    except SettingsError as error:
        sys.exit(str(error))
    app, _ = create_app(settings)
    cdk.Validations.of(app).add_plugins(GuardsPlugin(strict=True))
    if nag == "true":
        register_nag(app)
    app.synth()


if __name__ == "__main__":
    main()
