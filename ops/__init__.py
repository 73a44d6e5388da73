"""The operators' commands, `python -m ops {local,preflight,outputs,drill}`, and what they share.

`local/` deploys into the embedded AWS on this machine, `preflight/` checks an account before a deployment, `outputs.py`
reads a deployed stack, and `drill/` breaks a part of one on purpose and measures the recovery. The other modules serve
all of them.
"""

from pathlib import Path
from typing import Final

REPOSITORY: Final = Path(__file__).resolve().parents[1]
