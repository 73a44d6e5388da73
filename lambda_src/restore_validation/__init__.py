"""Restore validation: proves that what AWS Backup restores as a test holds data, and reports the result."""
