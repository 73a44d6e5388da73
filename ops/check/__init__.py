"""One report before a deployment: settings, synthesis, rules, the account, and what would be replaced or lost."""
