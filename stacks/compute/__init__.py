"""The Fargate service, its tasks, and the load balancer in front of it."""
