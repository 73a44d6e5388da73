"""Synthesizes the environments once for all judges, with cdk-nag's packs registered as `cdk synth -c nag=true` does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from aws_cdk import NestedStack

from app import build_app, register_nag
from stacks.settings import load_settings
from tests.assembly import cdk_context
from tests.profiles import PROFILES
from tools.judge.model import Subject
from tools.template_tools import Template

ENVIRONMENTS = ("dev", "staging", "prod")


def synthesize(environments: Sequence[str], folder: Path, tell: Callable[[str], None]) -> list[Subject]:
    """Synthesizes environments.

    Args:
        environments: Their names.
        folder: An empty folder.
        tell: Shows progress.

    Returns:
        One subject an environment.
    """
    subjects = []
    for environment in environments:
        tell(f"synth {environment}")
        settings = load_settings(PROFILES[environment])
        # The findings are read from the report: they must not stop the synthesis.
        context = {**cdk_context(), "@aws-cdk/core:failSynthOnValidationErrors": False}
        out = folder / environment
        app, root = build_app(settings, context=context, outdir=str(out))
        register_nag(app)
        app.synth()
        nested = {child.node.id: child for child in root.node.children if isinstance(child, NestedStack)}
        templates = tuple(
            Template(environment, name, settings.region, out / stack.template_file)
            for name, stack in {"Root": root, **nested}.items()
        )
        subjects.append(Subject(environment, out, templates))
    return subjects
