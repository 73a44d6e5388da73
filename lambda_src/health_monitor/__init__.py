"""Health monitor: assesses every component of the platform once a minute, and notifies people of changes."""
