"""Load the reference service of the embedded AWS for some seconds, and a bare web server beside it in the same run."""

from __future__ import annotations

import argparse
import itertools
import os
import socket
import subprocess
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Final
from urllib.parse import urlsplit

from rich.console import Console

from breakwater_drills import DrillError, Service, Target, invariant
from breakwater_drills.bank import Bank, find
from breakwater_drills.clock import Clock
from breakwater_drills.errors import RequestError
from breakwater_drills.http import Requests
from breakwater_drills.measure import percentile
from breakwater_drills.probes import MethodProbe, Rows
from breakwater_drills.sampler import Sampler
from ops.arguments import Commands, add_stack, number_within
from ops.console import new_table, print_table
from ops.drill import find as find_target
from ops.errors import OpsError
from ops.local.workspace import Workspace

_LOOPBACK: Final = ("127.0.0.1", "localhost")
_SETTLE_SECONDS: Final = 15.0
_START_SECONDS: Final = 20.0
# What each part of a run gets of its seconds: clients that wait for their answers, a fixed rate, the bare server.
_SHARES: Final = (0.4, 0.4, 0.2)
_ECHO: Final = """
import sys
import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

async def echo(request):
    return PlainTextResponse("echo")

uvicorn.run(Starlette(routes=[Route("/", echo)]), host="127.0.0.1", port=int(sys.argv[1]), log_level="error")
"""


@dataclass(frozen=True)
class Part:
    """What a part of the run measured.

    Attributes:
        name: what was asked, and how.
        seconds: how long.
        taken: time of each answered request, in seconds.
        failed: number of the others.
    """

    name: str
    seconds: float
    taken: list[float]
    failed: int

    @property
    def rate(self) -> float:
        """Answered requests a second."""
        return len(self.taken) / self.seconds

    def milliseconds(self, percent: int) -> float:
        """Return a percentile of the times, infinite when nothing was answered."""
        found = percentile(self.taken, percent)
        return float("inf") if found is None else found * 1000

    def row(self) -> tuple[str, ...]:
        """Return the cells of its row."""
        times = (f"{self.milliseconds(percent):.1f}" for percent in (50, 99, 100))
        return (self.name, f"{self.rate:.0f}", *times, str(self.failed))


def add_to(commands: Commands) -> None:
    """Add `load` to the commands of `python -m ops`."""
    parser = commands.add_parser("load", help="load the reference service of the embedded AWS", description=__doc__)
    add_stack(parser)
    seconds = number_within(float, 1.0, 600.0, "number of seconds")
    parser.add_argument("--seconds", type=seconds, default=20.0, metavar="N", help="in all (default: 20)")
    clients = number_within(int, 1, 64, "number of clients")
    parser.add_argument("--clients", type=clients, default=8, metavar="N", help="that wait for answers (default: 8)")
    number = number_within(float, 1.0, 10_000.0, "number")
    parser.add_argument("--rate", type=number, default=50.0, metavar="N", help="transfers a second (default: 50)")
    parser.add_argument(
        "--least", type=number, default=150.0, metavar="N", help="transfers a second with all clients (default: 150)"
    )
    for percent, default in ((50, 25.0), (99, 150.0)):
        parser.add_argument(
            f"--p{percent}",
            type=number,
            default=default,
            metavar="MS",
            help=f"at --rate, at most (default: {default:g})",
        )
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace, workspace: Workspace, console: Console) -> int:
    try:
        target = find_target(options.stack, options.region, workspace)
        return _load(options, target, workspace, console)
    except DrillError as error:
        raise OpsError(str(error)) from None


def _load(options: argparse.Namespace, target: Target, workspace: Workspace, console: Console) -> int:
    if not target.emulated or urlsplit(target.service.url).hostname not in _LOOPBACK:
        raise OpsError(f"{target.service.url} is not on this machine: load is made in the embedded AWS alone")
    service = replace(target.service, transfers=True)
    bank = find(replace(target, service=service), uuid.uuid4().hex[:8], Clock())
    assert bank  # noqa: S101 (`find` refuses another service)
    closed, opened, echo = (options.seconds * share for share in _SHARES)
    numbers = itertools.count()
    with _echo(workspace) as url:
        asks = Requests(replace(target.service, url=url))
        parts = [
            _closed(
                f"transfers, {options.clients} clients", options.clients, closed, lambda: bank.transfer(next(numbers))
            ),
            _opened(bank, options.rate, opened, numbers),
            _closed(f"bare Starlette, {options.clients} clients", options.clients, echo, partial(asks.get, "/")),
        ]
    heads = ("/s", "p50 ms", "p99 ms", "slowest ms", "failed")
    table = new_table(f"Load of {target.stack}, embedded AWS", "", *heads, right=heads)
    for part in parts:
        table.add_row(*part.row())
    print_table(console, table)
    misses = [*_misses(options, *parts[:2]), *_broken(bank, target)]
    if misses:
        raise OpsError("\n".join(misses))
    return 0


def _closed(name: str, clients: int, seconds: float, ask: Callable[[], object]) -> Part:
    """Let clients ask again as soon as they are answered."""
    taken: list[float] = []
    failed: list[str] = []
    clock = Clock()
    end = clock.now() + seconds

    def work() -> None:
        while (begun := clock.now()) < end:
            try:
                ask()
            except RequestError as error:
                failed.append(str(error))
            else:
                taken.append(clock.now() - begun)

    threads = [threading.Thread(target=work) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Part(name, seconds, taken, len(failed))


def _opened(bank: Bank, rate: float, seconds: float, numbers: Iterator[int]) -> Part:
    """Ask at a fixed rate, whether or not earlier requests have been answered; times count from when each was due."""
    clock = Clock()
    probe = MethodProbe("transfer", lambda _: bank.transfer(next(numbers)), 1 / rate)
    with Sampler([probe], clock) as sampler:
        clock.sleep(seconds)
    samples = sampler.samples()
    taken = [sample.seconds for sample in samples if sample.ok]
    return Part(f"transfers, {rate:g}/s", seconds, taken, len(samples) - len(taken))


@contextmanager
def _echo(workspace: Workspace) -> Iterator[str]:
    """Give the URL of a bare Starlette server, in the environment of the service."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = [str(workspace.service_python), "-c", _ECHO, str(port)]
    with subprocess.Popen(words, env={"PATH": os.environ.get("PATH", "")}) as process:
        try:
            asks = Requests(Service("", "", "", f"http://127.0.0.1:{port}"))

            def answers() -> bool:
                try:
                    return asks.get("/").status == 200
                except RequestError:
                    return process.poll() is not None

            Clock().wait_until(answers, timeout_seconds=_START_SECONDS, poll_seconds=0.05)
            if process.poll() is not None:
                raise OpsError("the bare web server did not start: run `make install`, which installs its packages")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def _misses(options: argparse.Namespace, closed: Part, opened: Part) -> Iterator[str]:
    if closed.rate < options.least:
        yield f"{closed.name}: {closed.rate:.0f} a second, at least {options.least:g} are demanded (--least)"
    for percent, most in ((50, options.p50), (99, options.p99)):
        if opened.milliseconds(percent) > most:
            yield f"{opened.name}: p{percent} {opened.milliseconds(percent):.1f} ms, at most {most:g} (--p{percent})"
    for part in (closed, opened):
        if part.failed:
            yield f"{part.name}: {part.failed} failed"


def _broken(bank: Bank, target: Target) -> list[str]:
    """Return which sentence of the bank invariant does not hold after the load."""
    bank.settle(_SETTLE_SECONDS)
    return invariant.broken(invariant.Ledger(Rows(target, "").query, bank).checks("the database"))
