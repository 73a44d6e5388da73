"""Rules for Amazon SNS topics and those who publish to them."""
