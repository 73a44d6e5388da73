"""What several rules know of AWS: networks, policies, keys, names, and the relations between resources."""
