"""Rules for any resource: deletion, names, environments, and references between stacks."""
