"""The environment variables of everything `ops local` starts: a short list from outside, the rest ours.

An allowlist, because what must not come in has no end: profiles, keys, endpoints, proxies, CDK and ministack switches.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from embedded_aws.clients import FAKE_KEY, HOST, endpoint
from embedded_aws.loopback import require_loopback
from embedded_aws.resolve import ACCOUNT, REGION
from ops.local.workspace import Workspace

_PASSED_ON = ("HOME", "USER", "LANG", "LC_ALL", "LC_CTYPE", "TERM", "COLUMNS", "NO_COLOR", "TMPDIR", "XDG_CACHE_HOME")


def for_clients(workspace: Workspace, port: int, outside: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment of the CDK CLI and the app: the embedded AWS is all the AWS there is.

    Args:
        workspace: the checkout; its tools come first on PATH.
        port: where the embedded AWS listens.
        outside: the environment `ops` was started in.

    Returns:
        The whole environment; nothing of `outside` is in it but the listed variables and PATH.
    """
    require_loopback(endpoint(port), "the endpoint")
    tools = (Path(sys.executable).parent, workspace.root / "node_modules" / ".bin")
    path = os.pathsep.join([*map(str, tools), outside.get("PATH", os.defpath)])
    return {
        **{name: outside[name] for name in _PASSED_ON if name in outside},
        "PATH": path,
        "AWS_ENDPOINT_URL": endpoint(port),
        "AWS_ENDPOINT_URL_S3": endpoint(port),
        "AWS_ACCESS_KEY_ID": FAKE_KEY,
        "AWS_SECRET_ACCESS_KEY": FAKE_KEY,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "CDK_HOME": str(workspace.cdk_home),
        "CDK_DISABLE_CLI_TELEMETRY": "true",
    }


def for_emulator(workspace: Workspace, port: int, outside: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment of the emulator itself; arguments and result as for `for_clients`."""
    return {
        **for_clients(workspace, port, outside),
        "GATEWAY_PORT": str(port),
        "BIND_HOST": HOST,
        "MINISTACK_HOST": HOST,
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "LAMBDA_EXECUTOR": "local",
        "IOT_MTLS_ENABLED": "0",  # its MQTT broker listens on every interface
        "SFTP_ENABLED": "0",
        "TMPDIR": str(workspace.scratch),
        "BREAKWATER_POSTGRES": str(workspace.postgres),
    }
