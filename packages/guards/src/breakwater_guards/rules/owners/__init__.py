"""Owners: Settings that two resources claim, so that one undoes the other, or AWS refuses the second."""
