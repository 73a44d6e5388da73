"""Applies the versioned SQL of the reference service, and gives its tasks their database user."""
