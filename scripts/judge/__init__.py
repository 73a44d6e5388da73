"""Judges that know nothing of this project, over its templates and its packages: `make judge`."""
