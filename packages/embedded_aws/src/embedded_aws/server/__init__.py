"""The embedded AWS itself: ministack, and the CloudFormation types and properties that it lacks.

It runs in the emulator's virtual environment and in its own process; nothing outside this folder imports it. Of the
rest of the package it uses `address`, `loopback` and `fidelity`, which need only the standard library.

- `process`     `python -m embedded_aws`: checks, lock file, then ministack
- `admission`   refuses every request that is not signed with the key of this start, or comes from a web page
- `operations`  adds each operation that is called to a file, when it is asked to
- `confinement` refuses every socket address beyond loopback
- `extension`   everything that is changed in ministack, in order
- `upstream`    the only module that knows ministack's private names, and the contract that they still exist
- `registry`    how a resource type is added, replaced, completed, and how all others are refused
- `metadata`    types without a service, kept as declared
- `nested`      nested stacks, by the engine of stacks
- `validation`  refuses templates, parameters and policies as AWS does, before or while a stack is made
- `api`         a client of the emulator's own public API: added types store their state where boto3 reads it
- `answers`     what AWS answers where ministack does not
- `types`       the resource types, one module for each AWS service
- `postgres`    the PostgreSQL servers behind Aurora clusters; knows nothing of ministack
"""
