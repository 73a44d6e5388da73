"""Amazon CloudWatch: alarms, what they watch and whom they notify."""
