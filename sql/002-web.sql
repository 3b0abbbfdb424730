-- What the pages need: invitations, the slowing down of guessers, and API keys
-- that may only read.

CREATE TABLE invitation (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
	note TEXT NOT NULL DEFAULT ''	-- whom it is for
		CHECK (length(CAST(note AS BLOB)) <= 100),
	created_at INTEGER NOT NULL,
	expires_at INTEGER NOT NULL
) STRICT;

-- Who has guessed wrongly how often, and until when nothing more is heard
-- from there.  A key names an account or an address.
CREATE TABLE guess (
	key TEXT PRIMARY KEY
		CHECK (length(CAST(key AS BLOB)) BETWEEN 1 AND 300),
	wrong INTEGER NOT NULL,
	at INTEGER NOT NULL,
	until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX guess_at ON guess (at);

ALTER TABLE api_key ADD COLUMN may_write INTEGER NOT NULL DEFAULT 1
	CHECK (may_write IN (0, 1));
