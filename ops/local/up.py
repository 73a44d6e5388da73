"""`python -m ops local up`: start the embedded AWS, bootstrap, deploy, and verify that the declared resources exist."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.markup import escape

from embedded_aws import clients, deployment, fidelity, verify
from embedded_aws.address import ACCOUNT, REGION
from embedded_aws.emulator import EmulatorError, Running, new_key
from ops.console import Steps
from ops.errors import OpsError
from ops.local import cdk, changes, preflight, prerequisites, report, smoke_test
from ops.local.workspace import DEFAULT_PORT, Workspace
from ops.settings import parse_context
from stacks.names import STACK_PREFIX

_FIXED: Final = {"environment": "dev", "account": ACCOUNT, "region": REGION}
_DEFAULT_SUFFIX: Final = "dev"


def up(workspace: Workspace, console: Console, *, port: int | None, context: Sequence[str]) -> None:
    """Deploy the platform into the embedded AWS, or update it there, and verify it.

    Args:
        workspace: the checkout.
        console: where to print.
        port: where the embedded AWS is to listen; None for the port of a running one, else the default.
        context: `key=value` settings, as for `cdk deploy -c`.

    Raises:
        OpsError: a step failed.
    """
    settings = local_settings(context)
    running = workspace.emulator.running()
    key = running.key if running else new_key()
    run = _Run(workspace, console, settings, choose_port(running, port), key)
    try:
        run.all_steps()
    except EmulatorError as error:
        # The package does not know by which option its caller chooses the port.
        raise OpsError(f"{error} with --port" if str(error).endswith("another port") else str(error)) from None
    except (BotoCoreError, ClientError) as error:
        raise OpsError(f"the embedded AWS refused a request: {error}") from None


def local_settings(context: Sequence[str]) -> dict[str, str]:
    """Return the settings given with `-c`, and those that every local deployment has.

    Raises:
        OpsError: a setting is not `key=value`, or names another environment, account or Region than the local one.
    """
    given = parse_context(context)
    for key, value in given.items():
        if key in _FIXED and value != _FIXED[key]:
            raise OpsError(f"-c {key}={value}: the local deployment is always {key}={_FIXED[key]}")
    return {**_FIXED, **given}


def choose_port(running: Running | None, asked: int | None) -> int:
    """Return the port to use.

    Args:
        running: the embedded AWS that runs already.
        asked: the port that the user asks for.

    Raises:
        OpsError: the embedded AWS already runs on another port.
    """
    if running is None:
        return asked or DEFAULT_PORT
    if asked not in (None, running.port):
        raise OpsError(
            f"--port {asked}: the embedded AWS already runs on port {running.port}: "
            "leave --port out, or stop it first with `make local-down`"
        )
    return running.port


class _Run:
    """One run of `up`."""

    def __init__(
        self, workspace: Workspace, console: Console, settings: Mapping[str, str], port: int, key: str
    ) -> None:
        self._workspace = workspace
        self._console = console
        self._settings = settings
        self._port, self._key = port, key
        self._stack = f"{STACK_PREFIX}-{settings.get('suffix', _DEFAULT_SUFFIX)}"
        self._variables = workspace.variables(port, key)
        self._client = clients.clients(port, key)

    def all_steps(self) -> None:
        steps = Steps(self._console, total=7)
        with steps.step("Prerequisites") as result:
            result.append(prerequisites.check(self._workspace, self._variables))
        with steps.step("Embedded AWS") as result:
            result.append(self._ensure_running())
        with steps.step("Bootstrap") as result:
            result.append(self._ensure_bootstrapped())
        with steps.step("Preflight") as result:
            result.append(preflight.run(self._workspace, self._variables, self._settings))
        with steps.step(f"Deploy {self._stack}"):
            before = self._snapshot()
            self._deploy()
            after = self._snapshot()
        with steps.step("Verify") as result:
            verified = self._verify()
            result.append(f"{len(verified)} resources, {sum(len(each.checks) for each in verified)} checks")
        self._report(before, after, verified)
        with steps.step("Run the functions") as result:
            found = smoke_test.run(self._client, self._outputs())
            result.append("health monitor, failover, restore validation")
        for table in report.smoke_test_tables(found):
            self._console.print(table)
        self._console.print(f"{report.DISCLAIMER}\n", style="bold yellow", highlight=False)
        self._console.print(f"Done in {steps.seconds:.1f} s. `make local-down` stops the embedded AWS and removes it.")

    def _ensure_running(self) -> str:
        emulator = self._workspace.emulator
        running = emulator.running()
        if running is None:
            ended = emulator.ended_unnoticed()
            started = emulator.start(self._port, self._key)
            note = "the last one has ended and its state is gone: started anew, " if ended else ""
            return f"{note}{started.endpoint} (process {started.pid})"
        if not running.is_ready():
            raise OpsError(
                f"the embedded AWS (process {running.pid}) does not answer on port {running.port}: "
                "stop it with `make local-down`, then run `make local` again"
            )
        return f"already runs on {running.endpoint} (process {running.pid})"

    def _ensure_bootstrapped(self) -> str:
        if cdk.is_bootstrapped(self._client("cloudformation")):
            return "already there"
        cdk.bootstrap(self._workspace, self._variables)
        return "cdk bootstrap"

    def _snapshot(self) -> dict[str, changes.StackState]:
        return changes.snapshot(self._client("cloudformation"), self._stack)

    def _deploy(self) -> None:
        began = datetime.now(UTC)
        context = [f"{key}={value}" for key, value in self._settings.items()]
        code = cdk.deploy(self._workspace, self._variables, context, self._show)
        self._require_alive()
        if code:
            reason = cdk.failure_reason(self._client("cloudformation"), self._stack, began)
            log = self._workspace.shown(self._workspace.cdk_log)
            raise OpsError(f"the deployment failed: {reason or f'cdk ended with code {code}, see above'} (log: {log})")

    def _show(self, line: str) -> None:
        self._console.print(f"    {escape(line)}", highlight=False, soft_wrap=True)

    def _verify(self) -> list[report.Verified]:
        deployed = deployment.Deployment(self._client("cloudformation"), self._client("ec2"), self._workspace.assembly)
        verified = [
            report.Verified(resource, list(verify.compare(self._client, resource)))
            for resource in deployed.resources(self._stack)
        ]
        self._require_alive()
        return verified

    def _require_alive(self) -> None:
        if self._workspace.emulator.running() is None:
            raise OpsError(self._workspace.ended_message())

    def _outputs(self) -> dict[str, str]:
        outputs: dict[str, str] = json.loads(self._workspace.outputs.read_text()).get(self._stack, {})
        return outputs

    def _report(
        self,
        before: Mapping[str, changes.StackState],
        after: Mapping[str, changes.StackState],
        verified: Sequence[report.Verified],
    ) -> None:
        self._console.print("\nOutputs", style="bold")
        self._console.print(report.outputs(self._outputs()), markup=False, highlight=False, soft_wrap=True)
        self._console.print(report.types_table(verified, fidelity.load()))
        self._console.print(report.levels(verified, fidelity.load()), highlight=False)
        if before:
            self._console.print()
            self._console.print(report.changes_table(list(changes.between(before, after)), list(after)))
        failed = list(report.failures(verified))
        for line in failed:
            self._console.print(escape(line), style="red", highlight=False)
        if failed:
            raise OpsError(f"{len(failed)} of the deployed properties are not what the templates declare (see above)")
