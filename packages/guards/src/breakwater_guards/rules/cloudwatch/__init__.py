"""Rules for Amazon CloudWatch alarms."""
