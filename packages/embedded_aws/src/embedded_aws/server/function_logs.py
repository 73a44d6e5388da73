"""A function's log records, as the Python runtime of AWS Lambda writes them; this runs in the function's process.

Without a handler on the root logger `logging` drops every record below WARNING. Lambda's runtime puts one there before
it imports the function. https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html
https://github.com/aws/aws-lambda-python-runtime-interface-client (`bootstrap.py`, `lambda_runtime_log_utils.py`)
"""

import json
import logging
import os
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any, Final

FORMAT, LEVEL = "AWS_LAMBDA_LOG_FORMAT", "AWS_LAMBDA_LOG_LEVEL"
_TEXT: Final = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s"
_SECONDS: Final = "%Y-%m-%dT%H:%M:%S"
_UTC_SECONDS: Final = f"{_SECONDS}Z"
_LEVELS: Final = {"TRACE": "DEBUG", "FATAL": "CRITICAL"}
# What every record has; what else is on a record is its `extra`.
_OWN: Final = frozenset(logging.makeLogRecord({}).__dict__) | {"aws_request_id", "asctime", "message", "taskName"}


def begin(environment: dict[str, str]) -> None:
    """Put the handler on the root logger.

    Args:
        environment: the function's variables, with the format and level that its logging configuration asks for.
    """
    handler = logging.StreamHandler(sys.stderr)
    if environment.get(FORMAT) == "JSON":
        handler.setFormatter(_JsonFormatter())
        level = environment.get(LEVEL, "INFO")
        logging.getLogger().setLevel(_LEVELS.get(level, level))
    else:
        text = logging.Formatter(_TEXT, _SECONDS)
        text.converter = time.gmtime
        handler.setFormatter(text)
    handler.addFilter(_with_request_id)
    logging.getLogger().addHandler(handler)


_request_id = ""


def call(function: Callable[[Any, Any], Any], event: Any, context: Any) -> Any:
    """Call the function; an exception is logged, as on AWS, and raised again."""
    global _request_id  # noqa: PLW0603 (one invocation at a time)
    _request_id = context.aws_request_id
    try:
        return function(event, context)
    except Exception as error:
        sys.stderr.write(_unhandled(error))
        raise


def _with_request_id(record: logging.LogRecord) -> bool:
    record.aws_request_id = _request_id
    return True


class _JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "timestamp": time.strftime(_UTC_SECONDS, time.gmtime(record.created)),
            "level": record.levelname,
            "message": record.getMessage(),
            "logger": record.name,
            "requestId": _request_id,
        }
        if record.exc_info and record.exc_info[0]:
            kind, error, trace = record.exc_info
            line |= {
                "stackTrace": [each.rstrip("\n") for each in traceback.format_tb(trace)],
                "errorType": kind.__name__,
                "errorMessage": str(error),
                "location": f"{record.pathname}:{record.funcName}:{record.lineno}",
            }
        line |= {name: value for name, value in vars(record).items() if name not in _OWN and name not in line}
        return json.dumps(line, ensure_ascii=False, default=str)


def _unhandled(error: Exception) -> str:
    stack = [each.rstrip("\n") for each in traceback.format_tb(error.__traceback__)[1:]]
    if os.environ.get(FORMAT) != "JSON":
        lines = "\n".join(("Traceback (most recent call last):", *stack))
        return f"[ERROR] {type(error).__name__}: {error}\n{lines}\n"
    line = {
        "timestamp": time.strftime(_UTC_SECONDS, time.gmtime()),
        "log_level": "ERROR",
        "errorMessage": str(error),
        "errorType": type(error).__name__,
        "requestId": _request_id,
        "stackTrace": stack,
    }
    return f"{json.dumps(line, ensure_ascii=False)}\n"
