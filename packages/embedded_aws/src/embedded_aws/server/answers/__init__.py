"""Answers as AWS gives them, where ministack's differ: each is proved by a fact of `tests/facts`.

- `layer`        puts what follows around ministack's handler of each service
- `wire`         requests, answers and refusals, as each protocol writes them
- `corrections`  (TOML) codes, statuses and messages of refusals, in AWS's words
- `balancing`, `compute`, `data`, `identity`, `messaging`, `network`
                 by service: requests that AWS refuses and ministack accepts (`CHECKS`), and what AWS also says in an
                 answer (`COMPLETIONS`)
"""
