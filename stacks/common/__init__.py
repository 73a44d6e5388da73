"""What the stacks share: alarms, functions, log groups, permissions, views of other stacks' resources."""
