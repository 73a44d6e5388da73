"""Run the service until SIGTERM: `python -m breakwater_service`."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Final

import uvicorn

from breakwater_service.app import Service
from breakwater_service.database import SCHEMA_VERSION
from breakwater_service.settings import Settings, SettingsError
from breakwater_service.telemetry import log_to_stdout

_SCHEMA_SECONDS: Final = 60.0
_log = logging.getLogger("breakwater_service")


def http_server(service: Service, settings: Settings) -> uvicorn.Server:
    """Return the server of a service, which `run` starts."""
    config = uvicorn.Config(
        service.application(),
        host=settings.host,
        port=settings.port,
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=65,  # longer than the balancer's 60 s, or it meets connections that were just closed
        timeout_graceful_shutdown=20,  # longer than a request tries, shorter than the container's stop timeout
    )
    return uvicorn.Server(config)


async def _repeat(seconds: float, work: Callable[[], Awaitable[None]], ending: asyncio.Future[None]) -> None:
    """Work at an interval until the end comes; work that has begun is finished, so that nothing of it is lost."""
    while not ending.done():
        await work()
        await asyncio.wait([ending], timeout=seconds)


async def run(service: Service, server: uvicorn.Server) -> int:
    """Serve until the server is told to end, then write the receipts at hand; return the exit code of the process."""
    async with service.database.writer, service.database.reader:
        found = await service.database.has_schema(_SCHEMA_SECONDS, lambda: server.should_exit)
        if server.should_exit:
            return 0
        if not found:
            _log.error("version %d of the schema was not found in %.0f s", SCHEMA_VERSION, _SCHEMA_SECONDS)
            return 1
        # What costs little more for many than for one is collected; the metrics come last, since they count the others.
        regular = (0.1, service.replays.write), (0.5, service.outbox.move), (10.0, service.metrics.write)
        ending = asyncio.get_running_loop().create_future()
        # A part that fails ends the process, so that ECS replaces the task.
        async with asyncio.TaskGroup() as parts:
            for seconds, work in regular:
                parts.create_task(_repeat(seconds, work, ending))
            await server.serve()
            ending.set_result(None)
        service.outbox.wake()
        for _, work in regular:
            await work()
    return 0


def main() -> int:
    """Run the service and return the exit code of the process."""
    log_to_stdout()
    try:
        settings = Settings.read(os.environ)
    except SettingsError as error:
        _log.error("%s", error)
        return 2
    service = Service(settings)
    server = http_server(service, settings)

    def end(*_: object) -> None:
        # While the schema is waited for; later uvicorn hears the signals, and repeats them here when it has ended.
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    return asyncio.run(run(service, server))


if __name__ == "__main__":
    sys.exit(main())
