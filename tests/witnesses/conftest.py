"""What is deployed in the embedded AWS of this checkout, seen by clients that nobody here wrote.

`make witnesses` runs these files after `make local`. They are called `check_*.py`, so `make test` leaves them alone.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from embedded_aws.loopback import require_loopback
from ops import outputs as found
from scripts.install import install_witnesses


@pytest.fixture(scope="session")
def programs() -> Path:
    """Return the folder of the AWS CLI and prowler."""
    return install_witnesses()


@pytest.fixture(scope="session")
def endpoint() -> str:
    """Return the embedded AWS's URL, which every client here is given: none of them may reach another machine."""
    given = os.environ.get("AWS_ENDPOINT_URL", "")
    require_loopback(given, "AWS_ENDPOINT_URL")
    return given


@pytest.fixture(scope="session")
def outputs() -> Mapping[str, str]:
    """Return the outputs and physical ids of the deployed stack."""
    return found.find()
