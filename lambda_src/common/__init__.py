"""What the functions share: their environment, their clients, their metrics."""
