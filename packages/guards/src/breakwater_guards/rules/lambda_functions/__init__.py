"""AWS Lambda: the code of a function, its configuration and its network."""
