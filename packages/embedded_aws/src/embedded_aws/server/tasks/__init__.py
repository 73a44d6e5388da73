"""Amazon ECS's tasks as processes of this machine: what ministack's ECS takes for Docker, and what it does not do."""
