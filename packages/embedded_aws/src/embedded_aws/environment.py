"""Environment variables of what talks to the embedded AWS, and of the embedded AWS itself.

An allowlist, because the list of what must not come in has no end: profiles, keys, endpoints, proxies, switches of the
CDK CLI and of ministack.
"""

import os
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from embedded_aws.address import ACCOUNT, HOST, REGION, endpoint
from embedded_aws.loopback import require_loopback

_PASSED_ON: Final = (
    "HOME", "USER", "LANG", "LC_ALL", "LC_CTYPE", "TERM", "COLUMNS", "NO_COLOR", "TMPDIR", "XDG_CACHE_HOME",
)  # fmt: skip
# Names a file that the server adds each operation to that is called; see `server.operations`.
_CALLS: Final = "EMBEDDED_AWS_CALLS"
_OPERATIONS: Final = "EMBEDDED_AWS_OPERATIONS"


def for_clients(port: int, key: str, outside: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment of a process for which the embedded AWS is all the AWS there is.

    Args:
        port: where the embedded AWS listens, on loopback.
        key: its secret key.
        outside: the environment of the caller.

    Returns:
        The whole environment: of `outside` only PATH and the allowed variables, and the credentials of this start.
    """
    require_loopback(endpoint(port), "the endpoint")
    return {
        **{name: outside[name] for name in _PASSED_ON if name in outside},
        "PATH": outside.get("PATH", os.defpath),
        "AWS_ENDPOINT_URL": endpoint(port),
        "AWS_ENDPOINT_URL_S3": endpoint(port),
        "AWS_ACCESS_KEY_ID": ACCOUNT,  # ministack takes a twelve-digit access key id as the account
        "AWS_SECRET_ACCESS_KEY": key,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }


def for_server(
    port: int,
    key: str,
    *,
    python: Path,
    scratch: Path,
    postgres: Path,
    tasks: Path,
    tasks_python: Path,
    calls: Path,
    authority: Path,
    outside: Mapping[str, str] = os.environ,
) -> dict[str, str]:
    """Return the environment of the embedded AWS itself.

    Args:
        port: where it is to listen, on loopback.
        key: the secret key that it asks of its callers.
        python: its interpreter; deployed functions run with it too.
        scratch: folder for its temporary files.
        postgres: folder for the data of its databases.
        tasks: folder for the files of tasks.
        tasks_python: the interpreter that tasks run with.
        calls: file for the calls of functions; see `server.access`.
        authority: file for the certificate that signs those of HTTPS listeners.
        outside: the environment of the caller.

    Returns:
        The whole environment.
    """
    made = for_clients(port, key, outside)
    return {
        **made,
        **{name: outside[name] for name in (_OPERATIONS,) if name in outside},
        "PATH": os.pathsep.join([str(python.parent), made["PATH"]]),
        "GATEWAY_PORT": str(port),
        "BIND_HOST": HOST,
        "MINISTACK_HOST": HOST,
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "LAMBDA_EXECUTOR": "local",
        "IOT_MTLS_ENABLED": "0",  # its MQTT broker listens on every interface
        "SFTP_ENABLED": "0",
        "TMPDIR": str(scratch),
        "EMBEDDED_AWS_POSTGRES": str(postgres),
        "EMBEDDED_AWS_TASKS": str(tasks),
        "EMBEDDED_AWS_TASKS_PYTHON": str(tasks_python),
        _CALLS: str(calls),
        "EMBEDDED_AWS_AUTHORITY": str(authority),
    }


def aws_cli(folder: Path, url: str, search_path: str) -> list[str]:
    """Make an `aws` command that cannot leave loopback, and return its folder in a list to put before a PATH.

    The AWS CLI of version 1 has addresses of its own for Amazon RDS, Amazon SQS and a few more services, which beat
    `AWS_ENDPOINT_URL`, and which only its option `--endpoint-url` beats
    (`awscli/customizations/overridesslcommonname.py`).

    Args:
        folder: where the command is written.
        url: the endpoint of the embedded AWS.
        search_path: the PATH on which the AWS CLI is looked for.

    Returns:
        No folder if there is no AWS CLI.
    """
    others = [each for each in search_path.split(os.pathsep) if each != str(folder)]
    cli = shutil.which("aws", path=os.pathsep.join(others))
    if cli is None:
        return []
    _starter(folder / "aws", cli, "--endpoint-url", url)
    return [str(folder)]


def docker(folder: Path, python: Path, images: Path) -> Path:
    """Make a `docker` command that publishes image assets to the embedded AWS, for `CDK_DOCKER`.

    Args:
        folder: where the command is written.
        python: an interpreter that has this package and boto3.
        images: folder for copies of build contexts, see `embedded_aws.docker`.

    Returns:
        The command.
    """
    return _starter(folder / "docker", str(python), "-m", "embedded_aws.docker", "--images", str(images))


def _starter(file: Path, *words: str) -> Path:
    """Make a command that is another one with its first words."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
    file.chmod(0o700)
    return file
