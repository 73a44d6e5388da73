"""Failover: moves the writer of the Aurora cluster to a reader that can take over, at most once per cool-down."""
