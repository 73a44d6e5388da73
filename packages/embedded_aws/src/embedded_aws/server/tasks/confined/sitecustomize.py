"""Python imports this by itself in each task: no socket of a task leaves loopback, whatever its code attempts.

It sees what goes through Python's `socket`, which is not all: libpq and libuv open sockets of their own.
"""

import sys
from pathlib import Path

_SOURCE = str(Path(__file__).resolve().parents[4])
sys.path.append(_SOURCE)  # last, and only for this import: a task's modules are its own
from embedded_aws.server.confinement import confine_to_loopback  # noqa: E402

sys.path.remove(_SOURCE)
confine_to_loopback()
