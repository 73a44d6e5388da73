"""Amazon Route 53: hosted zones, records and health checks."""
