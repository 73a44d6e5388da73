-- What the user of the tasks may do; granted anew by each run, since the user is a setting.
GRANT SELECT ON schema_version TO $user;
GRANT SELECT, UPDATE (balance) ON accounts TO $user;
GRANT SELECT, INSERT ON transfers TO $user;
-- SELECT … FOR UPDATE asks for UPDATE.
GRANT SELECT, INSERT, UPDATE, DELETE ON outbox TO $user;
