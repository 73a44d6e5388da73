"""Judges the health of each part of the platform once a minute, publishes it, and tells people when it changes."""
