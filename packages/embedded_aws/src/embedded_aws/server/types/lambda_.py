"""AWS Lambda: functions confined to loopback; a function's key and dead-letter target, which CloudFormation drops here.

A function is a process of this machine and of the user who deploys. The process that serves refuses every address
beyond loopback by an audit hook; a function gets the same hook before its own code. A runtime other than Python cannot
be given one, so its functions are kept and described, and not run.
"""

from collections.abc import Callable
from typing import Any

from embedded_aws.server import function_logs, registry, upstream
from embedded_aws.server.api import client
from embedded_aws.server.registry import Attributes, Properties

_PYTHON = "python"
_CONFINE = (
    "from embedded_aws.server.confinement import confine_to_loopback, end_with_parent\n"
    "confine_to_loopback()\nend_with_parent()\n"
)
_NO_TARGET = {"TargetArn": ""}
_LATEST = "$LATEST"
# Where ministack's program has the function's variables, and where it calls the function.
_BEGINNING, _BEGIN = (
    "    os.environ.update(env)\n",
    "    from embedded_aws.server import function_logs\n    function_logs.begin(env)\n",
)
_CALL, _LOGGED_CALL = "handler_fn(event, context)", "function_logs.call(handler_fn, event, context)"
_NOT_RUN = "The embedded AWS runs functions in Python only: it can confine no other runtime to this machine."


def install() -> None:
    """Register the types of this service."""
    registry.complete("AWS::Lambda::Function", _apply_key_and_dead_letter_target)
    upstream.function_program.wrap(_confined)
    upstream.execute_function.wrap(_python_only)
    upstream.event_invoke_config.wrap(_of_latest)
    upstream.function_program(f"{_PYTHON}3.13")  # to learn now whether the program is another


def _confined(program: Callable[[str], tuple[str, str]]) -> Callable[[str], tuple[str, str]]:
    """Confine functions in Python, and let them log as on AWS."""

    def confined_program(runtime: str) -> tuple[str, str]:
        binary, script = program(runtime)
        if not runtime.startswith(_PYTHON):
            return binary, script
        for part in (_BEGINNING, _CALL):
            if script.count(part) != 1:
                raise LookupError(f"ministack's program for functions in Python no longer has {part.strip()!r} once")
        logged = script.replace(_BEGINNING, _BEGINNING + _BEGIN).replace(_CALL, _LOGGED_CALL)
        return binary, _CONFINE + logged

    return confined_program


def _of_latest(find: Callable[..., Any]) -> Callable[..., Any]:
    """Find the configuration of the latest version whether or not it is named."""

    def find_of_latest(func: dict[str, Any], qualifier: str | None) -> Any:
        found = find(func, qualifier)
        return found if found or qualifier not in (None, "", _LATEST) else find(func, None if qualifier else _LATEST)

    return find_of_latest


def _python_only(execute: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def execute_python(func: dict[str, Any], event: Any) -> Any:
        config = func.get("config") or func
        if not str(config.get("Runtime", "")).startswith(_PYTHON):
            return {"body": {"errorType": "Runtime.Unsupported", "errorMessage": _NOT_RUN}, "error": True}
        configured = {**config, "Environment": _with_logging(config)}
        return execute({**func, "config": configured} if "config" in func else configured, event)

    return execute_python


def _with_logging(config: dict[str, Any]) -> dict[str, Any]:
    """Return the function's variables with those by which Lambda tells its runtime how to log."""
    logging = config.get("LoggingConfig") or {}
    environment = config.get("Environment") or {}
    format_and_level = {
        function_logs.FORMAT: logging.get("LogFormat", "Text"),
        function_logs.LEVEL: logging.get("ApplicationLogLevel", "INFO"),
    }
    return {**environment, "Variables": {**environment.get("Variables", {}), **format_and_level}}


def _apply_key_and_dead_letter_target(name: str, properties: Properties) -> Attributes:
    functions = client("lambda")
    found = functions.get_function_configuration(FunctionName=name)
    has = (found.get("KMSKeyArn", ""), found.get("DeadLetterConfig", _NO_TARGET))
    wanted = (properties.get("KmsKeyArn", ""), properties.get("DeadLetterConfig", _NO_TARGET))
    if wanted != has:
        functions.update_function_configuration(FunctionName=name, KMSKeyArn=wanted[0], DeadLetterConfig=wanted[1])
        # CloudFormation ends when the function is ready for its next change.
        waiter = functions.get_waiter("function_updated_v2")
        waiter.wait(FunctionName=name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 100})
    return {}
