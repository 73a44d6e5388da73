-- Accounts, transfers between them, and transfers whose receipt is still to be written. Amounts are in minor units.
-- A statement ends with a semicolon at the end of its line. Files are applied once, in the order of their numbers, and
-- only add: the version before runs on during a deployment, and again after a rollback.

-- The balance is always the opening one, plus what came in, minus what went out: a copy can be checked from inside.
CREATE TABLE accounts (
    id bigint PRIMARY KEY,
    opening bigint NOT NULL CHECK (opening >= 0),
    balance bigint NOT NULL CHECK (balance >= 0)
);

CREATE TABLE transfers (
    id uuid PRIMARY KEY,
    idempotency_key text NOT NULL UNIQUE,
    source bigint NOT NULL REFERENCES accounts,
    destination bigint NOT NULL REFERENCES accounts,
    amount bigint NOT NULL CHECK (amount > 0),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK (source <> destination)
);

CREATE TABLE outbox (transfer_id uuid PRIMARY KEY REFERENCES transfers);

INSERT INTO accounts (id, opening, balance) SELECT number, 1000000, 1000000 FROM generate_series(1, 50) AS number;
