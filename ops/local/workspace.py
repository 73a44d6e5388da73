"""Where the local deployment keeps things: all below `.local`, which git ignores."""

import os
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
DEFAULT_PORT = 4566


@dataclass(frozen=True)
class Workspace:
    """The files of one checkout.

    Attributes:
        root: the repository's top folder.
        state: everything a running embedded AWS needs and leaves behind; removed when it is stopped.
    """

    root: Path = REPOSITORY
    state: Path = REPOSITORY / ".local" / "embedded-aws"

    @property
    def emulator_python(self) -> Path:
        """The interpreter of the embedded AWS's own virtual environment; `make install` builds it."""
        return self.root / ".local" / "emulator-venv" / "bin" / "python"

    @property
    def lock(self) -> Path:
        """Held by the running emulator; says its pid and port."""
        return self.state / "process.json"

    @property
    def log(self) -> Path:
        """What the emulator writes."""
        return self.state / "emulator.log"

    @property
    def cdk_log(self) -> Path:
        """What the last `cdk` command wrote."""
        return self.state / "cdk.log"

    @property
    def cdk_home(self) -> Path:
        """The CDK CLI's cache, apart from the user's: it remembers which account a key belongs to."""
        return self.state / "cdk-home"

    @property
    def assembly(self) -> Path:
        """The cloud assembly that was deployed."""
        return self.state / "cdk.out"

    @property
    def outputs(self) -> Path:
        """The outputs of the root stack, as `cdk deploy --outputs-file` writes them."""
        return self.state / "outputs.json"

    @property
    def flat_outputs(self) -> Path:
        """All outputs and physical ids, as `python -m ops outputs` writes them."""
        return self.state / "flat-outputs.json"

    @property
    def scratch(self) -> Path:
        """Temporary files of the emulator."""
        return self.state / "tmp"

    @property
    def postgres(self) -> Path:
        """Data of the databases behind Aurora clusters.

        PostgreSQL refuses to be root, so root starts it as another user, who may be unable to enter this checkout.
        """
        if os.geteuid() != 0:
            return self.state / "postgres"
        return Path("/tmp") / f"breakwater-postgres-{sha256(bytes(self.state)).hexdigest()[:12]}"  # noqa: S108

    def shown(self, path: Path) -> str:
        """A path of the workspace as its user would type it."""
        return str(path.relative_to(self.root) if path.is_relative_to(self.root) else path)
