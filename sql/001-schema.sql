-- Everything that Adit remembers.  Times are integer milliseconds UTC since
-- 1970; secrets are SHA-256 of their 32 random bytes and nothing else.  A
-- length is counted in bytes, whatever the characters.

CREATE TABLE user (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	email TEXT NOT NULL UNIQUE COLLATE NOCASE
		CHECK (length(CAST(email AS BLOB)) BETWEEN 3 AND 254),
	password TEXT NOT NULL	-- as crypt(3) writes it
		CHECK (length(CAST(password AS BLOB)) BETWEEN 1 AND 384),
	role TEXT NOT NULL CHECK (role IN ('admin', 'member')),
	created_at INTEGER NOT NULL,
	frozen_at INTEGER
) STRICT;

CREATE TABLE web_session (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	user_id INTEGER NOT NULL REFERENCES user ON DELETE CASCADE,
	hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
	created_at INTEGER NOT NULL,
	seen_at INTEGER NOT NULL,
	expires_at INTEGER NOT NULL,
	address TEXT NOT NULL DEFAULT ''
		CHECK (length(CAST(address AS BLOB)) <= 64),
	agent TEXT NOT NULL DEFAULT ''
		CHECK (length(CAST(agent AS BLOB)) <= 255)
) STRICT;
CREATE INDEX web_session_user ON web_session (user_id);

CREATE TABLE api_key (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	user_id INTEGER NOT NULL REFERENCES user ON DELETE CASCADE,
	name TEXT NOT NULL
		CHECK (length(CAST(name AS BLOB)) BETWEEN 1 AND 100),
	hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
	created_at INTEGER NOT NULL,
	last_used_at INTEGER
) STRICT;
CREATE INDEX api_key_user ON api_key (user_id);

CREATE TABLE machine (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	user_id INTEGER NOT NULL REFERENCES user ON DELETE CASCADE,
	name TEXT NOT NULL
		CHECK (length(CAST(name AS BLOB)) BETWEEN 1 AND 100),
	-- what the last computer that used it said of itself
	computer TEXT NOT NULL DEFAULT ''
		CHECK (length(CAST(computer AS BLOB)) <= 255),
	system TEXT NOT NULL DEFAULT ''
		CHECK (length(CAST(system AS BLOB)) <= 255),
	address TEXT NOT NULL DEFAULT ''
		CHECK (length(CAST(address AS BLOB)) <= 64),
	seen_at INTEGER,
	created_at INTEGER NOT NULL,
	deleted_at INTEGER
) STRICT;
CREATE INDEX machine_user ON machine (user_id);

-- A key stays after it was revoked, so that its holder is told "revoked"
-- and not "unknown".
CREATE TABLE machine_key (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	machine_id INTEGER NOT NULL REFERENCES machine ON DELETE CASCADE,
	hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
	created_at INTEGER NOT NULL,
	expires_at INTEGER NOT NULL,	-- counts while first_used_at is null
	first_used_at INTEGER,
	last_used_at INTEGER,
	revoked_at INTEGER
) STRICT;
CREATE INDEX machine_key_machine ON machine_key (machine_id);

CREATE TABLE tunnel (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	user_id INTEGER NOT NULL REFERENCES user ON DELETE CASCADE,
	name TEXT NOT NULL
		CHECK (length(CAST(name AS BLOB)) BETWEEN 1 AND 100),
	kind TEXT NOT NULL CHECK (kind IN ('tcp', 'udp', 'both', 'http')),
	local_host TEXT NOT NULL
		CHECK (length(CAST(local_host AS BLOB)) BETWEEN 1 AND 253),
	local_port INTEGER NOT NULL CHECK (local_port BETWEEN 1 AND 65535),
	public_port INTEGER CHECK (public_port BETWEEN 1024 AND 65535),
	port_count INTEGER NOT NULL DEFAULT 1 CHECK (port_count = 1),
	host TEXT CHECK (length(CAST(host AS BLOB)) BETWEEN 1 AND 253),
	verify_serial INTEGER NOT NULL DEFAULT 1,
	verify_until INTEGER NOT NULL,
	verified_at INTEGER,
	paused_at INTEGER,
	frozen_at INTEGER,
	expires_at INTEGER,
	proxy_protocol TEXT NOT NULL DEFAULT 'off'
		CHECK (proxy_protocol IN ('off', 'v1', 'v2')),
	allow TEXT NOT NULL DEFAULT ''
		CHECK (length(CAST(allow AS BLOB)) <= 2047),
	deny TEXT NOT NULL DEFAULT ''
		CHECK (length(CAST(deny AS BLOB)) <= 2047),
	-- 0 is "no limit of its own"
	address_rate INTEGER NOT NULL DEFAULT 0
		CHECK (address_rate BETWEEN 0 AND 1000000),
	visitors_max INTEGER NOT NULL DEFAULT 0
		CHECK (visitors_max BETWEEN 0 AND 1000000),
	revision INTEGER NOT NULL DEFAULT 1,
	created_at INTEGER NOT NULL,
	deleted_at INTEGER,
	last_connected_at INTEGER,
	CHECK ((kind = 'http') = (public_port IS NULL))
) STRICT;
-- The lease: one number, one living tunnel, TCP and UDP alike.
CREATE UNIQUE INDEX tunnel_port ON tunnel (public_port)
	WHERE deleted_at IS NULL AND public_port IS NOT NULL;
CREATE UNIQUE INDEX tunnel_host ON tunnel (host)
	WHERE deleted_at IS NULL AND host IS NOT NULL;
CREATE INDEX tunnel_user ON tunnel (user_id);
CREATE INDEX tunnel_pending ON tunnel (verify_until)
	WHERE verified_at IS NULL AND deleted_at IS NULL;

-- Ports that were given up: only their last owner gets them before until.
CREATE TABLE port_rest (
	port INTEGER PRIMARY KEY,
	user_id INTEGER NOT NULL,	-- may be gone
	since INTEGER NOT NULL,
	until INTEGER NOT NULL
) STRICT;

CREATE TABLE machine_tunnel (
	machine_id INTEGER NOT NULL REFERENCES machine ON DELETE CASCADE,
	tunnel_id INTEGER NOT NULL REFERENCES tunnel ON DELETE CASCADE,
	PRIMARY KEY (machine_id, tunnel_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX machine_tunnel_tunnel ON machine_tunnel (tunnel_id);

CREATE TABLE session (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	machine_id INTEGER NOT NULL REFERENCES machine ON DELETE CASCADE,
	relay TEXT NOT NULL CHECK (length(CAST(relay AS BLOB)) <= 255),
	address TEXT NOT NULL CHECK (length(CAST(address AS BLOB)) <= 64),
	version TEXT NOT NULL CHECK (length(CAST(version AS BLOB)) <= 255),
	system TEXT NOT NULL CHECK (length(CAST(system AS BLOB)) <= 255),
	connected_at INTEGER NOT NULL,
	seen_at INTEGER NOT NULL,
	disconnected_at INTEGER,
	why TEXT NOT NULL DEFAULT ''
		CHECK (length(CAST(why AS BLOB)) <= 255),
	bytes_in INTEGER NOT NULL DEFAULT 0,
	bytes_out INTEGER NOT NULL DEFAULT 0,
	streams_in INTEGER NOT NULL DEFAULT 0,
	streams_out INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX session_machine ON session (machine_id, connected_at);
CREATE INDEX session_open ON session (relay) WHERE disconnected_at IS NULL;
CREATE INDEX session_ended ON session (disconnected_at);

CREATE TABLE usage_hour (
	hour INTEGER NOT NULL,	-- hours since 1970
	tunnel_id INTEGER NOT NULL REFERENCES tunnel ON DELETE CASCADE,
	bytes_in INTEGER NOT NULL,
	bytes_out INTEGER NOT NULL,
	streams INTEGER NOT NULL,
	datagrams INTEGER NOT NULL,
	drops INTEGER NOT NULL,
	PRIMARY KEY (hour, tunnel_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX usage_hour_tunnel ON usage_hour (tunnel_id);

-- Who did what, to what, from where.  It outlives what it tells of.
CREATE TABLE event (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	at INTEGER NOT NULL,
	user_id INTEGER,	-- whose page shows it; may be gone
	who TEXT NOT NULL CHECK (length(CAST(who AS BLOB)) <= 255),
	did TEXT NOT NULL CHECK (length(CAST(did AS BLOB)) <= 64),
	what TEXT NOT NULL CHECK (length(CAST(what AS BLOB)) <= 511),
	origin TEXT NOT NULL CHECK (length(CAST(origin AS BLOB)) <= 255)
) STRICT;
CREATE INDEX event_user ON event (user_id, id);
CREATE INDEX event_at ON event (at);

CREATE TABLE setting (
	id INTEGER PRIMARY KEY,
	name TEXT NOT NULL UNIQUE
		CHECK (length(CAST(name AS BLOB)) BETWEEN 1 AND 64),
	value TEXT NOT NULL CHECK (length(CAST(value AS BLOB)) <= 255)
) STRICT;

-- What relayd has to look at again.  The newest number never goes back; the
-- rows are kept for a thousand numbers.
CREATE TABLE change (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	what TEXT NOT NULL,
	row_id INTEGER NOT NULL
) STRICT;
CREATE TRIGGER change_prune AFTER INSERT ON change BEGIN
	DELETE FROM change WHERE id <= new.id - 1000;
END;

CREATE TRIGGER user_added AFTER INSERT ON user BEGIN
	INSERT INTO change (what, row_id) VALUES ('user', new.id);
END;
CREATE TRIGGER user_changed AFTER UPDATE OF role, frozen_at ON user BEGIN
	INSERT INTO change (what, row_id) VALUES ('user', new.id);
END;
CREATE TRIGGER user_gone AFTER DELETE ON user BEGIN
	INSERT INTO change (what, row_id) VALUES ('user', old.id);
END;

CREATE TRIGGER machine_added AFTER INSERT ON machine BEGIN
	INSERT INTO change (what, row_id) VALUES ('machine', new.id);
END;
CREATE TRIGGER machine_changed
AFTER UPDATE OF user_id, name, deleted_at ON machine BEGIN
	INSERT INTO change (what, row_id) VALUES ('machine', new.id);
END;
CREATE TRIGGER machine_gone AFTER DELETE ON machine BEGIN
	INSERT INTO change (what, row_id) VALUES ('machine', old.id);
END;

CREATE TRIGGER machine_key_added AFTER INSERT ON machine_key BEGIN
	INSERT INTO change (what, row_id) VALUES ('machine_key', new.id);
END;
CREATE TRIGGER machine_key_changed
AFTER UPDATE OF machine_id, hash, expires_at, first_used_at, revoked_at
ON machine_key BEGIN
	INSERT INTO change (what, row_id) VALUES ('machine_key', new.id);
END;
CREATE TRIGGER machine_key_gone AFTER DELETE ON machine_key BEGIN
	INSERT INTO change (what, row_id) VALUES ('machine_key', old.id);
END;

CREATE TRIGGER tunnel_added AFTER INSERT ON tunnel BEGIN
	INSERT INTO change (what, row_id) VALUES ('tunnel', new.id);
END;
-- Everything but last_connected_at, which nobody waits for.
CREATE TRIGGER tunnel_changed
AFTER UPDATE OF user_id, name, kind, local_host, local_port, public_port,
	port_count, host, verify_serial, verify_until, verified_at, paused_at,
	frozen_at, expires_at, proxy_protocol, allow, deny, address_rate,
	visitors_max, deleted_at
ON tunnel BEGIN
	UPDATE tunnel SET revision = old.revision + 1 WHERE id = new.id;
	INSERT INTO change (what, row_id) VALUES ('tunnel', new.id);
END;
CREATE TRIGGER tunnel_gone AFTER DELETE ON tunnel BEGIN
	INSERT INTO change (what, row_id) VALUES ('tunnel', old.id);
END;

CREATE TRIGGER machine_tunnel_added AFTER INSERT ON machine_tunnel BEGIN
	INSERT INTO change (what, row_id)
	VALUES ('machine_tunnel', new.tunnel_id);
END;
CREATE TRIGGER machine_tunnel_gone AFTER DELETE ON machine_tunnel BEGIN
	INSERT INTO change (what, row_id)
	VALUES ('machine_tunnel', old.tunnel_id);
END;

CREATE TRIGGER setting_added AFTER INSERT ON setting BEGIN
	INSERT INTO change (what, row_id) VALUES ('setting', new.id);
END;
CREATE TRIGGER setting_changed AFTER UPDATE ON setting BEGIN
	INSERT INTO change (what, row_id) VALUES ('setting', new.id);
END;
CREATE TRIGGER setting_gone AFTER DELETE ON setting BEGIN
	INSERT INTO change (what, row_id) VALUES ('setting', old.id);
END;
