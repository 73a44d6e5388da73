"""The one exception of the commands, and what errors of AWS say in one line."""

from botocore.exceptions import ClientError


class OpsError(Exception):
    """A problem that the user can solve.

    Args:
        message: what is wrong, what is allowed, and what to do; one line for each problem.
        exit_code: with which the command ends.
    """

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def one_line(error: Exception) -> str:
    """Return what an error says on one line; messages of AWS and of settings take several."""
    return " ".join(str(error).split())


def error_code(error: ClientError) -> str:
    """Return AWS's code of an error, e.g. `AccessDenied`."""
    return str(error.response["Error"].get("Code", ""))


def aws_answer(error: ClientError) -> str:
    """Return AWS's code and message of an error on one line, e.g. `AccessDenied: User … is not authorized`."""
    return f"{error_code(error)}: {' '.join(error.response['Error'].get('Message', '').split())}"
