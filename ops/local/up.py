"""`python -m ops local up`: start the embedded AWS, bootstrap, deploy, and verify that the declared resources exist."""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.markup import escape

from embedded_aws import changes, clients, deployment, environment, fidelity, verify
from embedded_aws.address import ACCOUNT, REGION
from embedded_aws.cdk import CdkCli, failure_reason, is_bootstrapped
from embedded_aws.choice import choose_port
from embedded_aws.emulator import EmulatorError, new_key
from embedded_aws.verified import Verified, failures, levels
from ops.console import Steps, print_table
from ops.errors import OpsError
from ops.local import preflight, prerequisites, report, smoke_test, standins
from ops.local.workspace import DEFAULT_PORT, BusyError, Workspace
from ops.settings import parse_context
from stacks.names import Names
from stacks.settings import Settings

_FIXED: Final = {"account": ACCOUNT, "region": REGION}
_DEFAULTS: Final = {"environment": "dev", "suffix": "dev"}


def up(workspace: Workspace, console: Console, *, port: int | None, context: Sequence[str]) -> None:
    """Deploy the platform into the embedded AWS, or update it there, and verify it.

    Args:
        workspace: the checkout.
        console: where to print.
        port: where the embedded AWS is to listen; None for the port of a running one, or of the last one, else the
            default.
        context: `key=value` settings, as for `cdk deploy -c`.

    Raises:
        OpsError: a setting cannot be held, another run is at work, or a step failed.
    """
    settings = local_settings(context)
    loaded = standins.check(settings)
    try:
        with workspace.only_one():
            running = workspace.emulator.running()
            key = running.key if running else new_key()
            chosen = choose_port(workspace.emulator, port, DEFAULT_PORT)
            _Run(workspace, console, settings=settings, loaded=loaded, port=chosen, key=key).all_steps()
    except (EmulatorError, BusyError) as error:
        raise OpsError(str(error)) from None
    except (BotoCoreError, ClientError) as error:
        raise OpsError(f"the embedded AWS refused a request: {error}") from None


def local_settings(context: Sequence[str]) -> dict[str, str]:
    """Return the settings given with `-c`, and those that every local deployment has.

    Raises:
        OpsError: a setting is not `key=value`, or names another account or Region than the local one.
    """
    given = parse_context(context)
    for key, value in given.items():
        if key in _FIXED and value != _FIXED[key]:
            raise OpsError(f"-c {key}={value}: the local deployment is always {key}={_FIXED[key]}")
    return {**_DEFAULTS, **_FIXED, **given}


def cdk_cli(workspace: Workspace) -> CdkCli:
    """Return the pinned CLI of a checkout, which leaves what it writes in the state folder."""
    return CdkCli(
        program=workspace.root / "node_modules" / ".bin" / "cdk",
        app=workspace.root,
        assembly=workspace.assembly,
        outputs=workspace.outputs,
        log=workspace.cdk_log,
    )


class _Run:
    """One run of `up`."""

    def __init__(
        self,
        workspace: Workspace,
        console: Console,
        *,
        settings: dict[str, str],
        loaded: Settings,
        port: int,
        key: str,
    ) -> None:
        self._workspace = workspace
        self._console = console
        self._settings, self._loaded = settings, loaded
        self._port, self._key = port, key
        self._stack = Names(loaded.suffix, loaded.region).stack
        self._variables = workspace.variables(port, key)
        self._client = clients.clients(port, key)
        self._cdk = cdk_cli(workspace)
        self._log = workspace.shown(workspace.cdk_log)

    def all_steps(self) -> None:
        steps = Steps(self._console, total=8)
        with steps.step("Prerequisites") as result:
            result.append(prerequisites.check(self._workspace, self._variables))
        with steps.step("Embedded AWS") as result:
            result.append(self._ensure_running())
        with steps.step("Bootstrap") as result:
            result.append(self._ensure_bootstrapped())
        with steps.step("Preflight") as result:
            self._settings |= standins.make(self._client, self._loaded)
            result.append(preflight.run(self._workspace, self._variables, self._settings))
        with steps.step("Synthesize") as result:
            result.append(self._synthesize())
        with steps.step(f"Deploy {self._stack} ({self._settings['environment']})"):
            before = self._snapshot()
            self._deploy()
            after = self._snapshot()
        with steps.step("Verify") as result:
            verified = self._verify()
            result.append(f"{len(verified)} resources, {sum(len(each.checks) for each in verified)} checks")
        self._report(before, after, verified)
        with steps.step("Try the deployment") as result:
            found = smoke_test.run(self._client, self._outputs(), self._loaded, self._workspace.emulator.authority)
            refused = " refused, since the last one was recent" if found.refused else ""
            sent = "transfer, " if found.transfer else ""
            result.append(f"health monitor, {sent}failover{refused}, restore validation")
        last = self._workspace.last_failover(self._stack, None if found.refused else dict(found.failovers[0]))
        for table in report.smoke_test_tables(found, last if found.refused else None):
            print_table(self._console, table)
        if found.transfer:
            self._console.print(report.transfer(found.transfer), markup=False, highlight=False, soft_wrap=True)
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
        if is_bootstrapped(self._client("cloudformation")):
            return "already there"
        if code := self._cdk.bootstrap(self._variables):
            raise OpsError(f"cdk bootstrap failed with code {code}: see {self._log}")
        return "cdk bootstrap"

    def _snapshot(self) -> dict[str, changes.StackState]:
        return changes.snapshot(self._client("cloudformation"), self._stack)

    def _synthesize(self) -> str:
        context = [f"{key}={value}" for key, value in self._settings.items()]
        code = self._cdk.synth(self._variables, context, self._show)
        if code:
            raise OpsError(f"the app cannot be synthesized: cdk ended with code {code}, see above")
        types = deployment.declared_types(self._workspace.assembly)
        unknown = {name: paths for name, paths in types.items() if name not in fidelity.load()}
        if unknown:
            shown = "; ".join(f"{name} ({', '.join(paths)})" for name, paths in sorted(unknown.items()))
            raise OpsError(
                f"the embedded AWS cannot hold {shown}: choose settings without it (docs/local.md has a list)"
            )
        return f"{sum(map(len, types.values()))} resources of {len(types)} types"

    def _deploy(self) -> None:
        began = datetime.now(UTC)
        environment.docker(self._workspace.programs, Path(sys.executable), self._workspace.images)
        self._workspace.keep_settings(self._stack, self._settings)
        code = self._cdk.deploy(self._variables, self._show)
        self._require_alive()
        if code:
            reason = failure_reason(self._client("cloudformation"), self._stack, began)
            raise OpsError(
                f"the deployment failed: {reason or f'cdk ended with code {code}, see above'} (log: {self._log})"
            )

    def _show(self, line: str) -> None:
        self._console.print(f"    {escape(line)}", highlight=False, soft_wrap=True)

    def _verify(self) -> list[Verified]:
        deployed = deployment.Deployment(self._client("cloudformation"), self._client("ec2"), self._workspace.assembly)
        verified = [
            Verified(resource, list(verify.compare(self._client, resource)))
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
        verified: Sequence[Verified],
    ) -> None:
        self._console.print("\nOutputs", style="bold")
        self._console.print(report.outputs(self._outputs()), markup=False, highlight=False, soft_wrap=True)
        print_table(self._console, report.types_table(verified, fidelity.load()))
        self._console.print(levels(verified, fidelity.load()), highlight=False)
        if before:
            self._console.print()
            print_table(self._console, report.changes_table(list(changes.between(before, after)), list(after)))
        failed = list(failures(verified))
        for line in failed:
            self._console.print(escape(line), style="red", highlight=False)
        if failed:
            raise OpsError(f"{len(failed)} of the deployed properties are not what the templates declare (see above)")
