"""The one exception of the ops commands: what it says is the one line its user sees."""


class OpsError(Exception):
    """Something the user can do something about; the message says what."""


def one_line(error: Exception) -> str:
    """What an error says, as part of one line: messages of AWS and of settings go over several."""
    return " ".join(str(error).split())
