
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
GRANT SELECT ON schema_version TO $user;
GRANT SELECT, UPDATE (balance) ON accounts TO $user;
GRANT SELECT, INSERT ON transfers TO $user;
GRANT SELECT, INSERT, UPDATE, DELETE ON outbox TO $user;
