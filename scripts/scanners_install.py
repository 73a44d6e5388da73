"""Install scanners whose pins clash with this project's into `.local/scanners-venv`, when a command needs them."""

from __future__ import annotations

import sys
from pathlib import Path

from scripts.install import create_environment, install_packages
from scripts.parts import LOCAL, ROOT, Part, fingerprint, only_one

ENVIRONMENT = LOCAL / "scanners-venv"
REQUIREMENTS = ROOT / "requirements/scanners.txt"


def part() -> Part:
    """Return the part of the installation that holds them."""

    def build() -> None:
        create_environment(ENVIRONMENT)
        install_packages(ENVIRONMENT, [REQUIREMENTS])

    proof = ENVIRONMENT / "bin" / "checkov"
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    return Part(ENVIRONMENT, "checkov, parliament, pip-audit", fingerprint([REQUIREMENTS], version), proof, build)


def scanners_environment() -> Path:
    """Make sure that the virtual environment is there, with exactly what is locked.

    Returns:
        Its folder with the programs.

    Raises:
        InstallError: A package cannot be had or a hash differs.
    """
    with only_one():
        scanners = part()
        if not scanners.is_current():
            print(f"install {scanners.title} -> {ENVIRONMENT.relative_to(ROOT)}, once", flush=True)
            scanners.run()
    return ENVIRONMENT / "bin"
