"""An AWS on one machine, for `cdk deploy` without an account: ministack, and what it lacks.

Two virtual environments import this package, because ministack pins botocore. `server` runs in the emulator's, as
`python -m embedded_aws`. Everything else runs in the caller's, and needs only boto3:

- `emulator`     starts the process, finds it, and stops it
- `environment`  the environment variables of the process and of its clients
- `clients`      boto3 clients of the embedded AWS
- `address`      endpoint, account, Region and credentials
- `deployment`   what is deployed: the templates of a cloud assembly beside the stacks made of them
- `resolve`      references in a template's values, replaced by what they refer to
- `verify`       every deployed resource compared with its declaration
- `fidelity`     how far each resource type can be trusted
- `loopback`     the rule that nothing leaves this machine
"""
