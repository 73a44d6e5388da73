"""Moves the writer of the Aurora cluster to a reader, once, and only when a reader can take over."""
