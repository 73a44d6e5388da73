"""Run scanners that know nothing of this project over its templates and packages: `make scan`."""
