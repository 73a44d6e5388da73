"""The bank invariant: money is conserved, and each acknowledged transfer is there, once, as it was acknowledged."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from breakwater_drills.bank import Bank, Transfer

# Asks the database of a store, or of a copy; returns the records of the RDS Data API.
Query = Callable[..., list[list[dict[str, Any]]]]
_EXAMPLES: Final = 3
# An answer of the Data API has at most 1 MiB; a row takes less than 300 bytes of it.
_ROWS_A_PAGE: Final = 2_000

_SUMS: Final = "SELECT count(*), CAST(sum(balance) AS bigint), CAST(sum(opening) AS bigint) FROM accounts"
_UNEXPLAINED: Final = """
SELECT id, balance, explained FROM (
  SELECT a.id, a.balance, CAST(a.opening + coalesce(i.amount, 0) - coalesce(o.amount, 0) AS bigint) AS explained
  FROM accounts a
  LEFT JOIN (SELECT destination AS id, sum(amount) AS amount FROM transfers GROUP BY destination) i ON i.id = a.id
  LEFT JOIN (SELECT source AS id, sum(amount) AS amount FROM transfers GROUP BY source) o ON o.id = a.id
) each_account WHERE balance <> explained ORDER BY id
"""
_DOUBLES: Final = """
SELECT idempotency_key, count(*) FROM transfers GROUP BY idempotency_key HAVING count(*) > 1 ORDER BY idempotency_key
"""
_OF_RUN: Final = f"""
SELECT idempotency_key, CAST(id AS text), source, destination, amount FROM transfers
WHERE idempotency_key LIKE :prefix AND idempotency_key > :after ORDER BY idempotency_key LIMIT {_ROWS_A_PAGE}
"""  # noqa: S608 (a number of this module)

MONEY: Final = "the sum of all balances is that of the opening balances"
EXPLAINED: Final = "each balance is explained by its transfers"
THERE: Final = "each acknowledged transfer is there, as it was acknowledged"
ONCE: Final = "no key is there twice, and repeated answers are equal"
SENTENCES: Final = (MONEY, EXPLAINED, THERE, ONCE)


@dataclass(frozen=True)
class Check:
    """One sentence of the invariant, in one place.

    Attributes:
        where: which database, in words.
        sentence: what must hold.
        broken: why it does not hold, with a number and examples; empty when it holds.
    """

    where: str
    sentence: str
    broken: str = ""


class Ledger:
    """The transfers and accounts in a database.

    Args:
        query: asks it.
        bank: the client whose acknowledgments are compared.
    """

    def __init__(self, query: Query, bank: Bank) -> None:
        self._query, self._bank = query, bank
        self._rows: list[tuple[str, Transfer]] = list(self._read())

    @property
    def found(self) -> set[int]:
        """Numbers of the transfers of this run that are there."""
        prefix = self._bank.prefix
        return {int(key.removeprefix(prefix)) for key, _ in self._rows}

    def checks(self, where: str, *, lost: tuple[float, float] | None = None) -> list[Check]:
        """Return each sentence of the invariant, and whether it holds.

        Args:
            where: which database this is, in words.
            lost: transfers that were acknowledged between these times, in seconds since 1970, need not be there; None
                when all must.
        """
        broken = (self._money(), self._unexplained(), self._missing(lost or (math.inf, math.inf)), self._twice())
        return [Check(where, sentence, why) for sentence, why in zip(SENTENCES, broken, strict=True)]

    def _money(self) -> str:
        ((accounts, balance, opening),) = (_values(row) for row in self._query(_SUMS))
        if not accounts:
            return "there is no account"
        return "" if balance == opening else f"{balance} instead of {opening}, a difference of {balance - opening:+d}"

    def _unexplained(self) -> str:
        rows = [_values(row) for row in self._query(_UNEXPLAINED)]
        return _told(
            "balances are not", [f"account {each} has {has}, its transfers say {says}" for each, has, says in rows]
        )

    def _missing(self, lost: tuple[float, float]) -> str:
        there = dict(self._rows)
        wrong = []
        for number, acknowledged in sorted(self._bank.acknowledged.items()):
            key = self._bank.key(number)
            if key not in there:
                if not lost[0] <= acknowledged.at <= lost[1]:
                    wrong.append(f"{key} is missing")
            elif there[key] != acknowledged.transfer:
                wrong.append(f"{key} is {there[key]}, acknowledged was {acknowledged.transfer}")
        refused = [number for number in sorted(self._bank.refused) if self._bank.key(number) in there]
        wrong += [f"{self._bank.key(n)} is there, and was refused with {self._bank.refused[n]}" for n in refused]
        return _told("transfers are not", wrong)

    def _twice(self) -> str:
        rows = (_values(row) for row in self._query(_DOUBLES))
        return _told("keys are not", [*(f"{key} is there {count} times" for key, count in rows), *self._bank.unequal])

    def _read(self) -> Iterator[tuple[str, Transfer]]:
        after = ""
        while True:
            rows = [_values(row) for row in self._query(_OF_RUN, prefix=f"{self._bank.prefix}%", after=after)]
            yield from ((row[0], Transfer(*row[1:])) for row in rows)
            if len(rows) < _ROWS_A_PAGE:
                return
            after = rows[-1][0]


def unread(where: str, why: str) -> list[Check]:
    """Return the sentences for a database that cannot be read: none of them is known to hold."""
    return [Check(where, sentence, f"unknown: {why}") for sentence in SENTENCES]


def broken(checks: Iterable[Check]) -> list[str]:
    """Return each sentence that does not hold, with where and why."""
    return [f"{each.where}: not true that {each.sentence}: {each.broken}" for each in checks if each.broken]


def _told(what: str, examples: Sequence[str]) -> str:
    if not examples:
        return ""
    more = f"; and {len(examples) - _EXAMPLES} more" if len(examples) > _EXAMPLES else ""
    return f"{len(examples)} {what}: {'; '.join(examples[:_EXAMPLES])}{more}"


def _values(row: Sequence[dict[str, Any]]) -> list[Any]:
    """Return the values of a record."""
    return [next(iter(each.values())) for each in row]
