"""Proves that what AWS Backup restores as a test holds data, and tells AWS Backup and CloudWatch."""
