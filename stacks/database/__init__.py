"""The Aurora cluster and what belongs to it."""
