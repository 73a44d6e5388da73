"""Amazon SNS: topics, their keys and policies, and who publishes to them."""
