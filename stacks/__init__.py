"""The CloudFormation stacks of the platform: a root stack and eight nested stacks."""
