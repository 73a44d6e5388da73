"""The AWS CLI, started once for many commands: its start takes a second, and the runbook has sixty commands.

As a program, it is what a shell calls in place of `aws`: it hands its words and its streams to the server.
"""

import json
import os
import socket
import sys
import tempfile
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

SOCKET, BLOCK = "RUNBOOK_SOCKET", "RUNBOOK_BLOCK"
_MOST_BYTES = 1 << 16


def as_version_1(words: Sequence[str]) -> list[str]:
    """Return a command as version 1 of the AWS CLI takes it: version 2 is in no package index."""
    if list(words[:2]) == ["logs", "tail"]:
        return ["logs", "filter-log-events", "--log-group-name", words[2]]
    at = list(words).index("--cli-binary-format") if "--cli-binary-format" in words else len(words)
    return [*words[:at], *words[at + 2 :]]


def serve(path: Path, record: Path, endpoint: str) -> None:
    """Run commands until this process is ended, and record the words, the exit code and the error of each.

    Args:
        path: socket to listen on.
        record: file to which a line of JSON is added for each command.
        endpoint: URL of the embedded AWS; not every service of version 1 reads AWS_ENDPOINT_URL.
    """
    driver = import_module("awscli.clidriver").create_clidriver()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        while True:
            connection, _ = server.accept()
            # A process of its own, since a command leaves settings behind in its session.
            child = os.fork()
            if child == 0:
                os._exit(_run(driver, connection, record, endpoint))
            os.waitpid(child, 0)
            connection.close()


def _run(driver: object, connection: socket.socket, record: Path, endpoint: str) -> int:
    message, streams, _, _ = socket.recv_fds(connection, _MOST_BYTES, 3)
    call = json.loads(message)
    with tempfile.TemporaryFile() as errors:
        for number, stream in enumerate((streams[0], streams[1], errors.fileno())):
            os.dup2(stream, number)
        os.chdir(call["folder"])
        code = driver.main(["--endpoint-url", endpoint, *as_version_1(call["words"])])  # type: ignore[attr-defined]
        sys.stdout.flush()
        sys.stderr.flush()
        errors.seek(0)
        said = errors.read()
    os.write(streams[2], said)
    with record.open("a", encoding="utf-8") as file:
        file.write(json.dumps({**call, "code": code, "error": said.decode().strip()}) + "\n")
    connection.sendall(str(code).encode())
    return 0


def main(words: Sequence[str]) -> int:
    """Have the server run a command.

    Args:
        words: of the command, without `aws`.

    Returns:
        Its exit code.
    """
    call = {"block": int(os.environ.get(BLOCK, "-1")), "words": list(words), "folder": str(Path.cwd())}
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(os.environ[SOCKET])
        socket.send_fds(connection, [json.dumps(call).encode()], [0, 1, 2])
        return int(connection.recv(16) or b"255")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
