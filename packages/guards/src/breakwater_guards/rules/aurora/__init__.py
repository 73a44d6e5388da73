"""Amazon Aurora: clusters, their instances and global databases."""
