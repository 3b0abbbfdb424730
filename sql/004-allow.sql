-- What the last client of a machine said that it may be asked to reach:
-- HOST:PORT, HOST:PORT-PORT, HOST:*, with commas between; '' is not known.
ALTER TABLE machine ADD COLUMN allow TEXT NOT NULL DEFAULT ''
	CHECK (length(CAST(allow AS BLOB)) <= 4095);
