"""Amazon ECS: services and task definitions, and the routes that a task needs."""
