"""pip-audit and npm audit: known vulnerabilities in what is pinned.

Both get advisories from a service. Where it cannot be reached, the result says so and nothing has passed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from scripts.install import EMULATOR, REQUIREMENTS, SERVICE
from scripts.parts import ROOT
from scripts.scan.model import Finding, ScanResult, run

PIP_AUDIT, NPM_AUDIT = "pip-audit", "npm audit"
FOUND = 1


def pip_audit(programs: Path) -> ScanResult:
    """Look up the advisories for every pinned Python package.

    Returns:
        The result; failed when an advisory is known for a pinned version.

    Raises:
        ScanError: It does not run.
    """
    command = [str(programs / "pip-audit"), "--format", "json", "--progress-spinner", "off", "--disable-pip"]
    packages: dict[tuple[str, str], dict[str, Any]] = {}
    for file in [ROOT / "requirements.txt", *sorted(REQUIREMENTS.glob("*.txt")), EMULATOR, SERVICE]:
        try:
            answer = json.loads(run([*command, "--requirement", str(file)], allowed=(0, FOUND)))
        except json.JSONDecodeError:
            return ScanResult(PIP_AUDIT, "", unit="packages", unavailable=f"no answer about {file.name}")
        packages |= {(package["name"], package.get("version", "")): package for package in answer["dependencies"]}
    skipped = [package["name"] for package in packages.values() if "skip_reason" in package]
    failed = tuple(
        Finding(f"{package['name']} {package['version']}", advisory["id"], advisory.get("description", ""))
        for package in packages.values()
        for advisory in package.get("vulns", [])
    )
    unavailable = f"no advisories for {len(skipped)} of {len(packages)} packages" if skipped else ""
    passed = len(packages) - len(skipped) - len({finding.where for finding in failed})
    return ScanResult(PIP_AUDIT, "", passed, "packages", failed, unavailable=unavailable)


def npm_audit() -> ScanResult:
    """Look up the advisories for every pinned Node package.

    Returns:
        The result; failed when an advisory is known for a pinned version.

    Raises:
        ScanError: It does not run.
    """
    answer = json.loads(run(["npm", "audit", "--json"], allowed=(0, FOUND), cwd=ROOT))
    if "vulnerabilities" not in answer:
        status = answer.get("statusCode")
        reason = f"the registry answered {status}" if status else "the registry did not answer"
        return ScanResult(NPM_AUDIT, "", unit="packages", unavailable=reason)
    failed = tuple(
        Finding(name, str(entry["severity"]), entry.get("range", ""))
        for name, entry in sorted(answer["vulnerabilities"].items())
    )
    total = answer["metadata"]["dependencies"]["total"]
    return ScanResult(NPM_AUDIT, "", total - len(failed), "packages", failed)
