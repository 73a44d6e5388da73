"""Rules for AWS IAM policies and roles."""
