"""The one exception of the commands, and what errors of AWS say in one line."""

from breakwater_drills.errors import aws_answer, error_code, one_line

__all__ = ["OpsError", "aws_answer", "error_code", "one_line"]


class OpsError(Exception):
    """A problem that the user can solve.

    Args:
        message: what is wrong, what is allowed, and what to do; one line for each problem.
        exit_code: with which the command ends.
    """

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code
