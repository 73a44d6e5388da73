"""Rules for Amazon Route 53 records and health checks."""
