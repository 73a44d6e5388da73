"""AWS IAM: policies, trust, and the roles that restore a backup."""
