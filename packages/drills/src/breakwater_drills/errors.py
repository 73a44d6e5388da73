"""The error that ends a drill, and what errors of AWS say on one line."""

from botocore.exceptions import ClientError


class DrillError(Exception):
    """A problem that the user can solve; its message says what is wrong, what is allowed, and what to do."""


class RequestError(OSError):
    """A request of the service that failed; its message says how in a word or two, e.g. `503`."""


def one_line(error: Exception) -> str:
    """Return what an error says on one line; messages of AWS and of settings take several."""
    return " ".join(str(error).split())


def error_code(error: ClientError) -> str:
    """Return AWS's code of an error, e.g. `AccessDenied`."""
    return str(error.response["Error"].get("Code", ""))


def aws_answer(error: ClientError) -> str:
    """Return AWS's code and message of an error on one line, e.g. `AccessDenied: User … is not authorized`."""
    message = " ".join(error.response["Error"].get("Message", "").split())
    return f"{error_code(error)}: {message or 'AWS gives no reason'}"
