"""``python -m breakwater_guards``: the same as the command ``breakwater-guards``."""

from breakwater_guards.cli import run

run()
