"""Installs judges whose pins clash with those of this project into `.local/scanners-venv`, for the commands that ask."""

from __future__ import annotations

import sys
from pathlib import Path

from scripts.install import create_environment, install_packages
from scripts.parts import LOCAL, ROOT, Part, fingerprint, only_one

ENVIRONMENT = LOCAL / "scanners-venv"
REQUIREMENTS = ROOT / "requirements/scanners.txt"


def part() -> Part:
    """Returns the part of the installation that holds them."""

    def build() -> None:
        create_environment(ENVIRONMENT)
        install_packages(ENVIRONMENT, [REQUIREMENTS])

    proof = ENVIRONMENT / "bin" / "checkov"
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    return Part(ENVIRONMENT, "checkov, parliament, pip-audit", fingerprint([REQUIREMENTS], version), proof, build)


def scanners_environment() -> Path:
    """Makes sure that the virtual environment is there, with exactly what is locked.

    Returns:
        Its folder with the programs.

    Raises:
        InstallError: A package cannot be had or a hash differs.
    """
    with only_one():
        judges = part()
        if not judges.is_current():
            print(f"install {judges.title} -> {ENVIRONMENT.relative_to(ROOT)}, once", flush=True)
            judges.run()
    return ENVIRONMENT / "bin"
