"""The checks, one file per service."""
