"""Tests of settings: every line that a user may see, every limit from both sides."""
