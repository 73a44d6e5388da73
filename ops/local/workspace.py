"""Where the local deployment keeps things: all below `.local`, which git ignores."""

from dataclasses import dataclass
from pathlib import Path

from embedded_aws.emulator import Emulator

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
    def emulator(self) -> Emulator:
        """The embedded AWS of this checkout."""
        return Emulator(self.emulator_python, self.state)

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

    def shown(self, path: Path) -> str:
        """A path of the workspace as its user would type it."""
        return str(path.relative_to(self.root) if path.is_relative_to(self.root) else path)
