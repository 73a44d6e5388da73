"""Templates of the deployment, where nobody brings a cloud assembly."""

from __future__ import annotations

import json
from pathlib import Path

from stacks.platform import create_app
from stacks.settings import Settings

ROOT = Path(__file__).resolve().parents[2]


def synthesize(settings: Settings, folder: Path) -> None:
    """Synthesize into a folder, as the CLI would, without judging the templates.

    Args:
        settings: of the deployment.
        folder: for the cloud assembly.
    """
    context = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    app, _ = create_app(settings, context=context, outdir=str(folder))
    app.synth()
