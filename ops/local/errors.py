"""The one exception of `ops local`: what it says is the one line its user sees."""


class LocalError(Exception):
    """Something the user can do something about; the message says what."""
