"""Scripts for developers: install, template lint, bench, mutants, diagram."""
