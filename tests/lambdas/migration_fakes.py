"""The RDS Data API over a database that knows roles, a lock and versions, and keeps what is committed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from tests.fake_clients import Operation, ServiceError

ARNS = {
    "resourceArn": "arn:aws:rds:us-east-1:123456789012:cluster:dr-aurora-test",
    "secretArn": "arn:aws:secretsmanager:us-east-1:123456789012:secret:owner",
}
Answer = Mapping[str, Any]


@dataclass
class Database:
    """What is committed.

    Attributes:
        roles: Database users.
        members: Members of ``rds_iam``.
        versions: Rows of ``schema_version``.
        applied: Statements of the files, in order.
    """

    roles: set[str] = field(default_factory=lambda: {"owner"})
    members: set[str] = field(default_factory=set)
    versions: list[int] = field(default_factory=list)
    applied: list[str] = field(default_factory=list)


@dataclass
class FakeDataApi:
    """The Data API, one transaction at a time.

    Attributes:
        database: What is committed.
        trouble: Called before each request with its number, from 1, and its operation; raises what goes wrong.
        lost: Numbers of requests that are carried out and not answered.
        calls: Operations in order, statements as their SQL.
        open: Transactions that were neither committed nor rolled back.
    """

    database: Database = field(default_factory=Database)
    trouble: Callable[[int, str], None] = lambda _number, _operation: None
    lost: Mapping[int, Exception] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    open: dict[str, Database] = field(default_factory=dict)

    def operations(self) -> dict[str, Operation]:
        """Return the operations of the API."""
        return {
            "BeginTransaction": self._answering("BeginTransaction", self._begin),
            "CommitTransaction": self._answering("CommitTransaction", self._commit),
            "RollbackTransaction": self._answering("RollbackTransaction", self._rollback),
            "ExecuteStatement": self._answering("ExecuteStatement", self._execute),
        }

    def _answering(self, name: str, operation: Operation) -> Operation:
        def answer(**parameters: Any) -> Answer:
            assert {key: parameters.pop(key) for key in ARNS} == ARNS
            self.calls.append(re.sub(r"\s+", " ", parameters.get("sql", name)).strip())
            number = len(self.calls)
            self.trouble(number, name)
            found = operation(**parameters)
            if number in self.lost:
                raise self.lost[number]
            return found

        return answer

    def _begin(self, database: str) -> Answer:
        assert database == "transactions"
        identifier = f"transaction-{len(self.calls)}"
        self.open[identifier] = deepcopy(self.database)
        return {"transactionId": identifier}

    def _commit(self, transactionId: str) -> Answer:  # noqa: N803 (the API's parameter)
        self.database = self._of(transactionId)
        del self.open[transactionId]
        return {"transactionStatus": "Transaction Committed"}

    def _rollback(self, transactionId: str) -> Answer:  # noqa: N803
        del self.open[transactionId]
        return {"transactionStatus": "Rollback Complete"}

    def _execute(self, sql: str, parameters: list[Any], transactionId: str) -> Answer:  # noqa: N803
        database = self._of(transactionId)
        values = {each["name"]: next(iter(each["value"].values())) for each in parameters}
        assert set(re.findall(r":(\w+)", sql)) == set(values), "the Data API refuses a placeholder without a value"
        if "pg_advisory_xact_lock" in sql or "set_config" in sql:
            return {"records": [[{"longValue": 1}]]}
        if "FROM pg_roles" in sql:
            return {"records": [[{"longValue": 1}]] if values["name"] in database.roles else []}
        if created := re.fullmatch(r'CREATE ROLE "(.+)" LOGIN', sql):
            database.roles.add(created[1])
        elif granted := re.fullmatch(r'GRANT rds_iam TO "(.+)"', sql):
            database.members.add(granted[1])
        elif "max(version)" in sql:
            return {"records": [[{"longValue": max(database.versions, default=0)}]]}
        elif sql.startswith("INSERT INTO schema_version"):
            database.versions.append(values["version"])
        elif "schema_version (" not in sql:
            database.applied.append(sql)
        return {"numberOfRecordsUpdated": 0}

    def _of(self, transaction: str) -> Database:
        if transaction not in self.open:
            raise ServiceError("TransactionNotFoundException")
        return self.open[transaction]
