"""Rules for AWS Backup: plans, vaults, and what they cover."""
