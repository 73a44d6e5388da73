"""One module per service; every rule is a declaration over a function. Modules are found by name, none is listed."""
