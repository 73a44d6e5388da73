"""A transfer between two accounts: what a request may say, and the transaction that carries it out once."""

import json
import re
import uuid
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import psycopg

from breakwater_service.database import Connection, Database, Known

_HIGHEST_ACCOUNT: Final = 2**63 - 1  # PostgreSQL's bigint
_FIELDS: Final = {"from": _HIGHEST_ACCOUNT, "to": _HIGHEST_ACCOUNT, "amount": 10**12}
_KEY: Final = re.compile(r"[!-~]{1,64}")
_SELECT: Final = "SELECT id::text, source, destination, amount FROM transfers"


class RefusedError(Exception):
    """A request that changed nothing: the HTTP status of the answer, and what is wrong and what is allowed."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


@dataclass(frozen=True, slots=True)
class Transfer:
    """A transfer: its UUID, the account that pays, the one that is paid, and the amount in minor units."""

    id: str
    source: int
    destination: int
    amount: int

    def body(self) -> dict[str, Any]:
        """Return the JSON of an answer, whose values are the fields in their order."""
        return {"id": self.id, "from": self.source, "to": self.destination, "amount": self.amount}


def parse_key(values: list[str]) -> str:
    """Return the idempotency key from the values of its header, or raise `RefusedError`."""
    if len(values) != 1 or not _KEY.fullmatch(values[0]):
        raise RefusedError(400, "header Idempotency-Key must be given once, with 1 to 64 visible ASCII characters")
    return values[0]


def parse_order(body: bytes) -> Transfer:
    """Return the transfer that a body asks for, with a new id.

    Raises:
        RefusedError: It asks for none; the message names field, value and what is allowed.
    """
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise RefusedError(400, "the body is not JSON") from None
    if not isinstance(found, dict) or found.keys() != _FIELDS.keys():
        raise RefusedError(400, 'the body must be an object of "from", "to" and "amount"')
    for name, highest in _FIELDS.items():
        value = found[name]
        if type(value) is not int or not 1 <= value <= highest:
            raise RefusedError(400, f'"{name}" is {json.dumps(value)}, and must be an integer from 1 to {highest}')
    if found["from"] == found["to"]:
        raise RefusedError(400, f'"to" is {found["to"]}, and must differ from "from"')
    return Transfer(str(uuid.uuid4()), found["from"], found["to"], found["amount"])


async def make(
    database: Database, order: Transfer, key: str, deadline: float, known: Known[Transfer]
) -> tuple[Transfer, bool]:
    """Carry out an order, unless its key was used before.

    Args:
        database: Where the accounts are.
        order: What to do, with an id of this request alone.
        key: Idempotency key.
        deadline: Moment of the monotonic clock, in seconds, after which nothing is tried again.
        known: Returns the transfer with this key if it is known without the database.

    Returns:
        The transfer, and whether an earlier request made it.

    Raises:
        RefusedError: An account does not exist or has not enough money, or the key belongs to another order.
        UnavailableError: The deadline passed; whether it was carried out is unknown.
    """
    try:
        transfer = await database.write(partial(_commit, key=key, order=order), deadline, known)
    except psycopg.errors.ForeignKeyViolation as error:
        unknown = order.source if "source" in (error.diag.constraint_name or "") else order.destination
        raise RefusedError(404, f"account {unknown} does not exist") from None
    except psycopg.errors.CheckViolation:
        raise RefusedError(409, f"account {order.source} has less than {order.amount}") from None
    if transfer != replace(order, id=transfer.id):
        raise RefusedError(422, "this Idempotency-Key was used with another body: a new transfer needs a new key")
    return transfer, transfer.id != order.id


# One statement is one transaction and one round trip, and a process that hangs keeps no account locked. If the key was
# used before, nothing is made, locked or changed. Accounts are locked in the order of their ids, so that two transfers
# never wait for each other; and both must exist, so that a missing one is refused before a balance is.
_MAKE: Final = """
WITH made AS (
    INSERT INTO transfers (id, idempotency_key, source, destination, amount) VALUES
    (%(id)s, %(key)s, %(source)s, %(destination)s, %(amount)s) ON CONFLICT (idempotency_key) DO NOTHING RETURNING id
), receipt AS (INSERT INTO outbox (transfer_id) SELECT id FROM made), locked AS (
    SELECT FROM accounts WHERE id IN (%(source)s, %(destination)s) AND EXISTS (SELECT FROM made)
    ORDER BY id FOR NO KEY UPDATE
) UPDATE accounts SET balance = balance + CASE WHEN id = %(source)s THEN -%(amount)s ELSE %(amount)s END
WHERE id IN (%(source)s, %(destination)s) AND (SELECT count(*) FROM locked) = 2
"""


async def _commit(connection: Connection, key: str, order: Transfer) -> Transfer:
    """Do the work of one transaction; the unique key in it is what makes a transfer happen once."""
    given = {"key": key, "id": order.id, "source": order.source, "destination": order.destination}
    if (await connection.execute(_MAKE, {**given, "amount": order.amount})).rowcount:
        return order
    cursor = await connection.execute(f"{_SELECT} WHERE idempotency_key = %s", (key,))
    [row] = await cursor.fetchall()
    return Transfer(*row)


async def find(database: Database, transfer_id: uuid.UUID) -> Transfer | None:
    """Return a transfer, or None if there is none; raise `UnavailableError` if the database does not answer."""
    row = await database.read(f"{_SELECT} WHERE id = %s", transfer_id)
    return None if row is None else Transfer(*row)


async def balance(database: Database, account: int) -> int | None:
    """Return a balance in minor units, or None without such an account; raise `UnavailableError` without an answer."""
    row = await database.read("SELECT balance FROM accounts WHERE id = %s", account)
    return None if row is None else int(row[0])
