"""AWS Backup: plans and vaults, and which resources they cover."""
