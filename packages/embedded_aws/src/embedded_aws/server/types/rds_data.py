"""RDS Data API: statements run on the PostgreSQL behind the cluster's endpoint, off the server's event loop."""

import asyncio
import contextvars
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from embedded_aws.server import upstream
from embedded_aws.server.types.rds_postgres import cluster_of

# Statements that wait for a failover or for a lock must not keep others waiting, nor what else runs on threads.
_THREADS: Final = ThreadPoolExecutor(max_workers=64, thread_name_prefix="data-api")


def install() -> None:
    """Send statements to the servers."""
    upstream.data_api_is_real.wrap(lambda real: lambda instance: real(instance) or cluster_of(instance) is not None)
    upstream.data_api_is_unreachable.wrap(lambda known: lambda error: known(error) or _is_operational(error))
    upstream.data_api_connect.wrap(_to_the_endpoint)
    upstream.data_api.wrap(_off_the_event_loop)  # routed by its paths, beside the table of handlers


def _is_operational(error: Exception) -> bool:
    return type(error).__name__ == "OperationalError"  # psycopg2's, which is not installed where this is checked


def _to_the_endpoint(connect: Callable[..., Any]) -> Callable[..., Any]:
    """Connect to the cluster's endpoint, which leads to the writer of that moment."""

    def connect_to_writer(
        instance: dict[str, Any], engine: str, database: str | None, password: str, username: str
    ) -> Any:
        if cluster := cluster_of(instance):
            endpoint = cluster.writer_endpoint
            instance = {**instance, "_internal_address": endpoint.address, "_internal_port": endpoint.port}
        return connect(instance, engine, database, password, username=username)

    return connect_to_writer


def _off_the_event_loop(handle: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Run statements on a thread: on ministack's event loop a statement that waits would stop every other service."""

    async def handle_on_a_thread(*arguments: Any) -> Any:
        request = contextvars.copy_context()  # its account and Region
        work = asyncio.get_running_loop().run_in_executor(
            _THREADS, lambda: request.run(lambda: asyncio.run(_finish(handle, arguments)))
        )
        return await work

    return handle_on_a_thread


async def _finish(handle: Callable[..., Awaitable[Any]], arguments: tuple[Any, ...]) -> Any:
    return await handle(*arguments)
