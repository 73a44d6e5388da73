"""The backup vault, the plan and the restore tests."""
