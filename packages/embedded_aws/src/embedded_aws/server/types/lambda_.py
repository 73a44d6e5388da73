"""AWS Lambda: functions confined to loopback; a function's key and dead-letter target, which CloudFormation drops here.

A function is a process of this machine and of the user who deploys. The process that serves refuses every address
beyond loopback by an audit hook; a function gets the same hook before its own code. A runtime other than Python cannot
be given one, so its functions are kept and described, and not run.
"""

from collections.abc import Callable
from typing import Any

from embedded_aws.server import registry, upstream
from embedded_aws.server.api import client
from embedded_aws.server.registry import Attributes, Properties

_PYTHON = "python"
_CONFINE = "from embedded_aws.server.confinement import confine_to_loopback\nconfine_to_loopback()\n"
_NO_TARGET = {"TargetArn": ""}
_LATEST = "$LATEST"
_NOT_RUN = "The embedded AWS runs functions in Python only: it can confine no other runtime to this machine."


def install() -> None:
    """Register the types of this service."""
    registry.complete("AWS::Lambda::Function", _apply_key_and_dead_letter_target)
    upstream.function_program.wrap(_confined)
    upstream.execute_function.wrap(_python_only)
    upstream.event_invoke_config.wrap(_of_latest)


def _confined(program: Callable[[str], tuple[str, str]]) -> Callable[[str], tuple[str, str]]:
    def confined_program(runtime: str) -> tuple[str, str]:
        binary, script = program(runtime)
        return binary, _CONFINE + script if runtime.startswith(_PYTHON) else script

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
        return execute(func, event)

    return execute_python


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
