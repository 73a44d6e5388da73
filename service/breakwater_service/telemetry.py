"""Log lines in JSON, and metrics in CloudWatch's embedded metric format (EMF), which is a log line, too.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import json
import logging
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final, Literal, get_args

Count = Literal["Transfers", "Replays", "Refusals", "Unavailable", "Retries", "Receipts"]
_MOST_VALUES: Final = 100  # of one metric in one line
_STANDARD: Final = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "color_message"}


class JsonFormatter(logging.Formatter):
    """One JSON object a line; what `extra` adds to a record becomes a field."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        now = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {"time": now, "level": record.levelname, "logger": record.name, "message": record.getMessage()}
        line |= {key: value for key, value in vars(record).items() if key not in _STANDARD}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def log_to_stdout() -> None:
    """Make every logger of the process write JSON lines to standard output."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for name in ("botocore", "psycopg.pool"):  # the pool says on INFO when a connection is lent
        logging.getLogger(name).setLevel(logging.WARNING)


class Metrics:
    """Counts and latencies since the last line, for a namespace and the value of its only dimension."""

    def __init__(self, namespace: str, suffix: str) -> None:
        self._namespace, self._suffix = namespace, suffix
        self._counts, self._latencies = Counter[Count](), list[float]()

    def count(self, name: Count, number: int = 1) -> None:
        """Add to a count."""
        self._counts[name] += number

    def took(self, milliseconds: float) -> None:
        """Add the latency of one transfer."""
        self._latencies.append(round(milliseconds, 1))

    async def write(self) -> None:
        """Write the lines to standard output."""
        sys.stdout.write("".join(f"{line}\n" for line in self.lines()))
        sys.stdout.flush()

    def lines(self) -> Iterator[str]:
        """Yield the lines of what was collected, and begin anew."""
        counts, latencies = self._counts, self._latencies
        self._counts, self._latencies = Counter(), []
        yield self._line({name: counts[name] for name in get_args(Count)}, "Count")
        for start in range(0, len(latencies), _MOST_VALUES):
            yield self._line({"TransferLatency": latencies[start : start + _MOST_VALUES]}, "Milliseconds")

    def _line(self, values: dict[str, Any], unit: str) -> str:
        metrics = [{"Name": name, "Unit": unit} for name in values]
        directive = {"Namespace": self._namespace, "Dimensions": [["Suffix"]], "Metrics": metrics}
        head = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}
        return json.dumps({"_aws": head, "Suffix": self._suffix, **values})
