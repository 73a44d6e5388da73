#!/bin/sh
# Prints the path of a Python that can build Breakwater's environments, or one line that says why there is none.
#
#   scripts/find-python.sh            the project's own .venv if it works, else python3.14 ... python3.11, python3
#   PYTHON=python3.12 scripts/find-python.sh that one and no other
#
# A candidate is run, not just looked up: pyenv's shims and macOS's stub exist on PATH without being a Python.
set -eu

probe='
import sys
if sys.version_info < (3, 11):
    sys.exit("is Python %d.%d; 3.11 or newer is needed" % sys.version_info[:2])
try:
    import ensurepip, venv
except ImportError:
    sys.exit("cannot create virtual environments; on Debian and Ubuntu: apt-get install python%d.%d-venv" % sys.version_info[:2])
'
root=$(CDPATH='' cd -- "${0%/*}/.." && pwd)
newline='
'

# Sets $reason on failure.
usable() {
    command -v "$1" >/dev/null 2>&1 || { reason="was not found"; return 1; }
    reason=$("$1" -c "$probe" 2>&1 >/dev/null) && return 0
    reason=${reason%%"$newline"*}
    return 1
}

if [ -n "${PYTHON:-}" ]; then
    usable "$PYTHON" && { command -v "$PYTHON"; exit 0; }
    echo "PYTHON=$PYTHON $reason. Name another one: make install PYTHON=/path/to/python3.12" >&2
    exit 1
fi

near_miss=''
for candidate in "$root/.venv/bin/python" python3.14 python3.13 python3.12 python3.11 python3; do
    usable "$candidate" && { command -v "$candidate"; exit 0; }
    case $reason in *"is needed" | *"virtual environments"*) near_miss=" ($candidate $reason)" ;; esac
done
echo "No Python 3.11 or newer found$near_miss. Install one (https://www.python.org/downloads/) or name it:" \
    "make install PYTHON=/path/to/python3.12" >&2
exit 1
