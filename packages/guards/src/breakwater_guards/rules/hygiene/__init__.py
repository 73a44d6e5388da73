"""Any resource: deletion, names, environments, and references between stacks."""
