"""Access: Whether what calls something, or uses a role, is allowed to; both ends are in the templates."""
