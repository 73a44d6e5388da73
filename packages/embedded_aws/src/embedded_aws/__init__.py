"""The embedded AWS: ministack, plus the CloudFormation resource types and properties the platform needs and it lacks.

This package runs in a virtual environment of its own (`.local/emulator-venv`, built from requirements/emulator.txt),
because ministack pins botocore. Nothing else imports it; `ops.local` starts it as `python -m embedded_aws`.

- `upstream`    the only module that knows ministack's private names, and the contract that they still exist
- `registry`    how a resource type is added, replaced, completed or kept as metadata
- `api`         a client of the emulator's own public API: added types store their state where boto3 reads it
- `nested`      repairs to nested stacks: attributes kept on update, nothing left behind by a failed creation
- `types`       one module per AWS service
"""
