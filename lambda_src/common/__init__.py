"""Code that all functions share: environment variables, AWS clients, metrics, and reading what AWS returns."""
