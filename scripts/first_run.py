"""Write docs/first-run.md, what somebody sees who clones the repository and runs `make local`, and the README's part.

It clones the last commit into an empty folder and follows the README there. Tests compare what it saw with the app.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from ops import REPOSITORY

PAGE: Final = REPOSITORY / "docs" / "first-run.md"
README: Final = REPOSITORY / "README.md"
BLOCK: Final = re.compile(r"(?<=```text\n).*?(?=```)", re.DOTALL)
_OURS: Final = ("AWS_", "BREAKWATER_", "MAKE", "MFLAGS", "VIRTUAL_ENV")
_STAMP: Final = re.compile(r"^ *[\d.]+ \| ?", re.MULTILINE)
_STEP: Final = re.compile(r"^\d/\d ")
_RESULT: Final = re.compile(r"^    ([\d.]+ s)  (.+)$")
INTRODUCTION: Final = """# A first run

<!-- Written by `make first-run`, which does what is shown here: do not edit. -->

A clone of this repository, and the first command of the README in it, on {date}: Python {python}, {cores} processors,
packages from {cache}. Each line begins with the seconds since `make local` was typed. It took {seconds:.0f} s and put
{size:.2f} GB into the folder.

```text
"""


def run(folder: Path) -> Iterator[tuple[float, str]]:
    """Clone the last commit into a folder and run `make local` there.

    Args:
        folder: is empty.

    Yields:
        Each line, and the seconds after which it came.

    Raises:
        SystemExit: a command failed.
    """
    subprocess.run(["git", "clone", "--quiet", str(REPOSITORY), str(folder)], check=True)
    # What belongs to this checkout, or to the command that runs this, is not there on somebody else's machine.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    paths = [path for path in environment["PATH"].split(os.pathsep) if not Path(path).is_relative_to(REPOSITORY)]
    environment |= {"PATH": os.pathsep.join(paths), "COLUMNS": "120"}
    began = time.monotonic()
    with subprocess.Popen(
        ["make", "local"], cwd=folder, env=environment, text=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as running:  # fmt: skip
        for line in running.stdout or ():
            print(line, end="", flush=True)
            yield time.monotonic() - began, line.rstrip().replace(str(folder), "breakwater")
    if running.returncode:
        raise SystemExit(f"make local ended with {running.returncode} in {folder}")


def excerpt(transcript: str) -> list[str]:
    """Return the lines for the README: each step with its result, and the last line.

    Args:
        transcript: what `make local` printed, with or without seconds at the beginning of the lines.
    """
    found, title = list[str](), ""
    for line in _STAMP.sub("", transcript).splitlines():
        if _STEP.match(line):
            title = line
        elif title and (result := _RESULT.match(line)):
            found.append(f"{title}: {result[2]} ({result[1]})")
            title = ""
        elif title and re.fullmatch(r"    [\d.]+ s", line):
            found.append(f"{title} ({line.strip()})")
            title = ""
        elif line.startswith(("Done in", "  curl", "    -H")):
            found.append(line)
    return found


def main() -> int:
    """Record the run, write both files, and stop what was started."""
    cached = (Path.home() / ".cache" / "uv").exists()
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent, "breakwater")
        try:
            lines = list(run(folder))
            text = INTRODUCTION.format(
                date=f"{datetime.now(UTC):%-d %B %Y}",
                python=sys.version.split()[0],
                cores=os.cpu_count(),
                cache="a cache on the machine" if cached else "their registries",
                seconds=lines[-1][0],
                size=_size(folder) / 1e9,
            )
        finally:
            subprocess.run(["make", "--silent", "local-down"], cwd=folder, check=False)
    transcript = [f"{seconds:6.1f} | {line}".rstrip() for seconds, line in lines]
    PAGE.write_text(text + "\n".join(transcript) + "\n```\n", encoding="utf-8")
    shown = "\n".join(excerpt("\n".join(transcript))) + "\n"
    README.write_text(BLOCK.sub(lambda _: shown, README.read_text(encoding="utf-8"), count=1), encoding="utf-8")
    return 0


def _size(folder: Path) -> int:
    """Return the bytes that a folder takes on the disk, each file once however many names it has."""
    found = [path.lstat() for path in folder.rglob("*")]
    return sum({each.st_ino: each.st_blocks * 512 for each in found}.values())


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("interrupted: nothing was written")
