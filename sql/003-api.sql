-- What was answered to a request that named itself (Idempotency-Key), for a
-- day, so that asking again does nothing again.  The answer is enciphered with
-- the API key that asked, which is not stored.

CREATE TABLE answer (
	key_id INTEGER NOT NULL REFERENCES api_key ON DELETE CASCADE,
	name BLOB NOT NULL CHECK (length(name) = 32),	-- SHA-256 of the name
	request BLOB NOT NULL CHECK (length(request) = 32),
	at INTEGER NOT NULL,
	status INTEGER NOT NULL,
	nonce BLOB NOT NULL CHECK (length(nonce) = 16),
	body BLOB NOT NULL CHECK (length(body) <= 65536),
	PRIMARY KEY (key_id, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX answer_at ON answer (at);

-- How many tunnels somebody has is asked with every list.
CREATE INDEX tunnel_living ON tunnel (user_id) WHERE deleted_at IS NULL;
