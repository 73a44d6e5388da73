"""Amazon VPC: Availability Zones, address ranges, names, and whether what is connected reaches the other end."""
