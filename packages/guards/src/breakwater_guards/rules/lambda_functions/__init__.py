"""Rules for AWS Lambda functions: their code, configuration and network."""
