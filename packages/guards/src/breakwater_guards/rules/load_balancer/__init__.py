"""Application Load Balancer: listeners, targets, zones and access logs."""
