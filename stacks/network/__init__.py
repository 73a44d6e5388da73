"""The VPC, its security groups and its flow log."""
