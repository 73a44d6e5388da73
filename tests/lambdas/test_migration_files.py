"""The SQL files: how they are read, and that they only add."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from migration.logic import SqlFileError, pending, read_migrations, read_rights

# What a statement of a versioned file may be: the version before runs on during a deployment, and after a rollback.
ADDS = re.compile(
    r"CREATE TABLE (?!IF)|CREATE (UNIQUE )?INDEX |INSERT INTO "
    r"|ALTER TABLE \w+ ADD COLUMN (?!.*NOT NULL(?!.*DEFAULT))(?!.*(DROP|RENAME|SET|TYPE) )",
    re.DOTALL,
)


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name.removeprefix('v')}.sql").write_text(text, encoding="utf-8")
    return folder


def test_every_statement_only_adds() -> None:
    statements = [statement for each in read_migrations() for statement in each.statements]
    assert len(statements) >= 4
    assert [statement for statement in statements if not ADDS.match(statement)] == []


@pytest.mark.parametrize(
    ("statement", "adds"),
    [
        ("CREATE TABLE currencies (code text)", True),
        ("CREATE TABLE IF NOT EXISTS currencies (code text)", False),
        ("CREATE INDEX ON transfers (created_at)", True),
        ("ALTER TABLE transfers ADD COLUMN currency text", True),
        ("ALTER TABLE transfers ADD COLUMN currency text NOT NULL DEFAULT 'EUR'", True),
        ("ALTER TABLE transfers ADD COLUMN currency text NOT NULL", False),
        ("ALTER TABLE transfers ADD COLUMN currency text, DROP COLUMN amount", False),
        ("ALTER TABLE transfers ALTER COLUMN amount TYPE int", False),
        ("ALTER TABLE transfers RENAME TO payments", False),
        ("DROP TABLE outbox", False),
        ("DELETE FROM outbox", False),
        ("UPDATE accounts SET balance = 0", False),
        ("TRUNCATE outbox", False),
    ],
)
def test_what_counts_as_adding(statement: str, *, adds: bool) -> None:
    assert bool(ADDS.match(statement)) is adds


def test_the_tables_are_those_that_the_bank_is_proved_by() -> None:
    (ledger,) = (each for each in read_migrations() if each.version == 1)
    accounts, transfers, outbox, seed = ledger.statements
    assert "opening bigint NOT NULL CHECK (opening >= 0)" in accounts
    assert "balance bigint NOT NULL CHECK (balance >= 0)" in accounts
    assert "idempotency_key text NOT NULL UNIQUE" in transfers
    assert "CHECK (source <> destination)" in transfers
    assert outbox == "CREATE TABLE outbox (transfer_id uuid PRIMARY KEY REFERENCES transfers)"
    assert seed.endswith("SELECT number, 1000000, 1000000 FROM generate_series(1, 50) AS number")


def test_the_user_gets_what_it_needs_and_no_more() -> None:
    assert read_rights("app") == (
        'GRANT SELECT ON schema_version TO "app"',
        'GRANT SELECT, UPDATE (balance) ON accounts TO "app"',
        'GRANT SELECT, INSERT ON transfers TO "app"',
        'GRANT SELECT, INSERT, UPDATE, DELETE ON outbox TO "app"',
    )


def test_files_are_applied_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    folder = write(tmp_path, v0002_b="-- two\nCREATE TABLE b (\n    x int\n);\n", v0001_a="SELECT 1;\nSELECT 2;  \n")
    first, second = read_migrations(folder)
    assert (first.version, first.name, first.statements) == (1, "0001_a.sql", ("SELECT 1", "SELECT 2"))
    assert second.statements == ("CREATE TABLE b (\n    x int\n)",)
    assert pending((first, second), 0) == (first, second)
    assert pending((first, second), 1) == (second,)
    assert pending((first, second), 3) == ()


def test_a_semicolon_within_a_line_ends_nothing(tmp_path: Path) -> None:
    (only,) = read_migrations(write(tmp_path, v0001_a="INSERT INTO a VALUES ('x;y');\n"))
    assert only.statements == ("INSERT INTO a VALUES ('x;y')",)


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"v0001_a": "SELECT 1;", "v0003_c": "SELECT 3;"}, "0003_c.sql: expected version 0002"),
        ({"v0001_a": "SELECT 1;", "v0001_b": "SELECT 1;"}, "0001_b.sql: expected version 0002"),
        ({"v0002_a": "SELECT 1;"}, "0002_a.sql: expected version 0001"),
        ({"v0001_a": "SELECT 1;", "rights": "x", "vzz": "x"}, "^zz.sql: allowed is a name like"),
        ({"v1_a": "SELECT 1;"}, "1_a.sql: allowed is a name like 0002_add_currency.sql, or rights.sql"),
        ({"v0001_A": "SELECT 1;"}, "0001_A.sql: allowed is a name like"),
        ({"v0001_a": "SELECT 1"}, "0001_a.sql: each statement ends with a semicolon"),
        ({"v0001_a": "SELECT 1;\n;\n"}, "0001_a.sql: each statement ends with a semicolon"),
        ({"v0001_a": "-- nothing\n"}, "0001_a.sql: each statement ends with a semicolon"),
        ({"v0001_a": "DO $$ BEGIN; END $$;\n"}, "0001_a.sql: a body in \\$\\$ holds semicolons"),
    ],
)
def test_a_file_that_cannot_be_applied_is_named(tmp_path: Path, files: dict[str, str], told: str) -> None:
    with pytest.raises(SqlFileError, match=told):
        read_migrations(write(tmp_path, **files))
