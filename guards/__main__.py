"""``python -m guards``: the same as the command ``breakwater-guards``."""

from guards.cli import run

run()
