"""Rules for Amazon ECS services and task definitions."""
