"""Draws the architecture picture from the synthesized app, so that it shows what is deployed and nothing else.

The picture carries a digest of its DOT text. A test compares it with a fresh synth: whoever changes what the picture
shows is told to run `make diagram`, whatever version of the renderer drew it.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from scripts.diagram_dot import dot
from stacks.profiles import PROFILES
from stacks.settings import load_settings
from tests.assembly import synthesize

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "architecture.svg"
PROFILE = "prod"
RENDERER = Path(__file__).with_name("diagram_render.mjs")
MARK = re.compile(r"<!-- DOT sha256:([0-9a-f]{64}) -->")


def digest(source: str) -> str:
    """Returns the SHA-256 hex digest of a picture's DOT text."""
    return hashlib.sha256(source.encode()).hexdigest()


def drawn_from(svg: str) -> str | None:
    """Returns the digest of the DOT text that a picture was drawn from, or None when it carries none."""
    found = MARK.search(svg)
    return found[1] if found else None


def render(source: str) -> str:
    """Draws DOT text with Graphviz compiled to WebAssembly (npm package `@viz-js/viz`), without a network.

    Args:
        source: DOT text.

    Returns:
        SVG that carries the digest of its source.

    Raises:
        RuntimeError: Node or the package is missing, or Graphviz refused the text.
    """
    try:
        done = subprocess.run(["node", RENDERER], input=source, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise RuntimeError("node is not on PATH: run `make install`, then `make diagram`") from None
    if "ERR_MODULE_NOT_FOUND" in done.stderr:
        raise RuntimeError("@viz-js/viz is not installed: run `make install`")
    if done.returncode != 0:
        raise RuntimeError(f"Graphviz refused the picture: {done.stderr.strip()}")
    return done.stdout.replace("<svg ", f"<!-- DOT sha256:{digest(source)} -->\n<svg ", 1)


def main() -> int:
    """Synthesizes, draws and writes the picture.

    Returns:
        The exit code: 0 done, 1 not drawn.
    """
    parser = argparse.ArgumentParser(prog="make diagram", description="Draw the architecture picture")
    parser.add_argument("--profile", choices=PROFILES, default=PROFILE, help="settings profile (default: %(default)s)")
    parser.add_argument("--output", type=Path, default=PICTURE, help="file to write (default: docs/architecture.svg)")
    arguments = parser.parse_args()
    print(f"diagram: synth {arguments.profile}", flush=True)
    with tempfile.TemporaryDirectory(prefix="breakwater-diagram-") as folder:
        settings = load_settings(PROFILES[arguments.profile])
        source = dot(synthesize(settings, arguments.profile, Path(folder)))
    try:
        arguments.output.write_text(render(source), encoding="utf-8")
    except (OSError, RuntimeError) as error:
        print(f"diagram: {error}", file=sys.stderr)
        return 1
    print(f"diagram: {arguments.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
