"""Synthesize the environments once for all scanners, with cdk-nag's packs registered as by `cdk synth -c nag=true`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from scripts import lint_templates
from scripts.scan.model import Subject
from stacks.profiles import PROFILES

ENVIRONMENTS = ("dev", "staging", "prod")


def synthesize(environments: Sequence[str], folder: Path, tell: Callable[[str], None]) -> list[Subject]:
    """Synthesize environments.

    Args:
        environments: Their names.
        folder: An empty folder.
        tell: Shows progress.

    Returns:
        One subject for each environment.
    """
    subjects = []
    for environment in environments:
        tell(f"synth {environment}")
        out = folder / environment
        templates = lint_templates.synthesize(environment, PROFILES[environment], out, nag=True)
        subjects.append(Subject(environment, out, tuple(templates)))
    return subjects
