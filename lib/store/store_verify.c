#include "store/store_verify.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/random.h"
#include "base/str.h"
#include "store/store_setting.h"
#include "store/store_sql.h"
#include "store/store_tunnel.h"

enum {
	KEY_TEXT = 2 * VERIFY_KEY_LEN + 1, /* hex digits and a newline */
	BITS128 = 16,
};

char *
store_verify_key_path(const char *db_path)
{
	char *copy, *path = NULL;

	if ((copy = strdup(db_path)) == NULL)
		return NULL;
	if (asprintf(&path, "%s/adit.key", dirname(copy)) == -1)
		path = NULL;
	free(copy);
	return path;
}

/* The key of an open file that nobody else may read. */
static int
read_key(int fd, const char *path, uint8_t *key_out, struct err *e)
{
	char text[KEY_TEXT + 1] = "";
	struct stat st;
	ssize_t n;
	bool good;

	if (fstat(fd, &st) == -1)
		return err_sys(e, "%s", path);
	if ((st.st_mode & 077) != 0)
		return err_set(e,
		    "%s may be read by others (mode %03o); run chmod 600 on "
		    "it",
		    path, (unsigned)(st.st_mode & 0777));
	if ((n = read(fd, text, sizeof(text))) == -1)
		return err_sys(e, "%s", path);
	good = n == KEY_TEXT && text[KEY_TEXT - 1] == '\n';
	if (good) {
		text[KEY_TEXT - 1] = '\0';
		good = str_unhex(key_out, VERIFY_KEY_LEN, text);
	}
	str_wipe(text, sizeof(text));
	if (good)
		return 0;
	return err_set(e,
	    "%s is not an installation key (64 hex digits and a newline); put "
	    "a backup in its place, or remove it and a new one is made",
	    path);
}

/* Writes a key as text, down to the disk. */
static int
write_key(int fd, const char *path, const uint8_t *key, struct err *e)
{
	char text[KEY_TEXT + 1];
	ssize_t n;

	str_hex(text, key, VERIFY_KEY_LEN);
	text[KEY_TEXT - 1] = '\n';
	errno = ENOSPC; /* what a short write means */
	n = write(fd, text, KEY_TEXT);
	str_wipe(text, sizeof(text));
	if (n != KEY_TEXT || fsync(fd) == -1)
		return err_sys(e, "%s", path);
	return 0;
}

/* The new name is on the disk, too. */
static int
sync_folder(const char *path, struct err *e)
{
	char *copy;
	int fd, rc;

	if ((copy = strdup(path)) == NULL)
		return err_sys(e, "%s", path);
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(copy);
	if (fd == -1)
		return err_sys(e, "%s", path);
	if ((rc = fsync(fd)) == -1)
		err_sys(e, "%s", path);
	close(fd);
	return rc;
}

/*
 * A whole file under another name is linked to its place; who comes second
 * finds the place taken, which is as good.
 */
static int
make_key(const char *path, struct err *e)
{
	uint8_t key[VERIFY_KEY_LEN], noise[8];
	char hex[17], *other;
	int fd, rc;

	if (random_bytes(noise, sizeof(noise), e) == -1 ||
	    random_bytes(key, sizeof(key), e) == -1)
		return -1;
	str_hex(hex, noise, sizeof(noise));
	if (asprintf(&other, "%s.%s", path, hex) == -1)
		return err_set(e, "out of memory");
	fd = store_open_beside(other, O_WRONLY | O_CREAT | O_EXCL, e);
	if (fd == -1) {
		free(other);
		return -1;
	}
	rc = write_key(fd, other, key, e);
	str_wipe(key, sizeof(key));
	if (rc == 0 && link(other, path) == -1 && errno != EEXIST)
		rc = err_sys(e, "%s", path);
	close(fd);
	unlink(other);
	free(other);
	return rc == -1 ? -1 : sync_folder(path, e);
}

/* 1 read, 0 there is none. */
static int
open_key(const char *path, uint8_t *key_out, struct err *e)
{
	int fd, rc;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return errno == ENOENT ? 0 : err_sys(e, "%s", path);
	rc = read_key(fd, path, key_out, e);
	close(fd);
	return rc == -1 ? -1 : 1;
}

int
store_verify_key(
    const char *db_path, uint8_t key_out[VERIFY_KEY_LEN], struct err *e)
{
	char *path;
	int rc;

	if ((path = store_verify_key_path(db_path)) == NULL)
		return err_set(e, "out of memory");
	rc = open_key(path, key_out, e);
	if (rc == 0 && (rc = make_key(path, e)) == 0)
		rc = open_key(path, key_out, e);
	if (rc == 0)
		err_set(e, "%s vanished while it was read", path);
	free(path);
	return rc == 1 ? 0 : -1;
}

int
store_verify_key_copy(const char *db_path, const char *to, struct err *e)
{
	uint8_t key[VERIFY_KEY_LEN];
	int fd, rc;

	if (store_verify_key(db_path, key, e) == -1)
		return -1;
	if ((fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) ==
	    -1)
		return err_sys(e, "%s", to);
	if ((rc = write_key(fd, to, key, e)) == -1)
		unlink(to);
	close(fd);
	str_wipe(key, sizeof(key));
	return rc;
}

static void
put64(uint8_t *to, int64_t n)
{
	int i;

	for (i = 0; i < 8; i++)
		to[i] = (uint8_t)((uint64_t)n >> (56 - 8 * i));
}

void
store_verify_code(char *code_out, const uint8_t key[VERIFY_KEY_LEN],
    int64_t tunnel, int64_t serial)
{
	uint8_t text[6 + 8 + 8] = "verify", mac[32];

	put64(text + 6, tunnel);
	put64(text + 14, serial);
	random_hmac_sha256(mac, key, VERIFY_KEY_LEN, text, sizeof(text));
	str_base32(code_out, VERIFY_CODE_LEN + 1, mac, BITS128);
}

/* The code as we write it; false when it cannot be one. */
static bool
lower(char to[VERIFY_CODE_LEN + 1], const char *code)
{
	size_t i;

	for (i = 0; i < VERIFY_CODE_LEN; i++) {
		if (code[i] >= 'A' && code[i] <= 'Z')
			to[i] = (char)(code[i] - 'A' + 'a');
		else if (code[i] != '\0')
			to[i] = code[i];
		else
			return false;
	}
	to[i] = '\0';
	return code[i] == '\0';
}

/* The id of the waiting tunnel whose code it is: 1, 0, -1. */
static int
find_id(struct store *s, const uint8_t *key, const char *code, int64_t *id_out,
    struct err *e)
{
	char want[VERIFY_CODE_LEN + 1], is[VERIFY_CODE_LEN + 1];
	sqlite3_stmt *q;
	int64_t id;
	int rc, found = 0;

	if (!lower(want, code))
		return 0;
	if ((q = store_query(s,
		 "SELECT id, verify_serial FROM tunnel"
		 " WHERE verified_at IS NULL AND deleted_at IS NULL AND "
		 "verify_until > ?1",
		 e)) == NULL)
		return -1;
	sqlite3_bind_int64(q, 1, clock_wall_ms());
	while ((rc = store_step(s, q, e)) == 1) {
		id = sqlite3_column_int64(q, 0);
		store_verify_code(is, key, id, sqlite3_column_int64(q, 1));
		if (!str_equal_secret(is, want, VERIFY_CODE_LEN))
			continue;
		*id_out = id;
		found = 1;
	}
	store_query_end(s, q);
	return rc == -1 ? -1 : found;
}

int
store_verify_find(struct store *s, const uint8_t key[VERIFY_KEY_LEN],
    const char *code, struct tunnel *t_out, struct err *e)
{
	int64_t id;
	int rc;

	if ((rc = find_id(s, key, code, &id, e)) != 1)
		return rc;
	return store_tunnel_by_id(s, STORE_ANYBODY, id, t_out, e);
}

static int
verify(struct store *s, int64_t tunnel, int64_t serial, struct err *e)
{
	sqlite3_stmt *q;
	int64_t now = clock_wall_ms();

	/* what is verified already is not touched, so that no revision rises */
	if ((q = store_query(s,
		 "UPDATE tunnel SET verified_at = ?3 WHERE id = ?1"
		 " AND deleted_at IS NULL AND verified_at IS NULL AND (?2 = 0"
		 " OR (verify_serial = ?2 AND verify_until > ?3))",
		 e)) == NULL)
		return -1;
	sqlite3_bind_int64(q, 1, tunnel);
	sqlite3_bind_int64(q, 2, serial);
	sqlite3_bind_int64(q, 3, now);
	if (store_do(s, q, e) == -1)
		return -1;
	if (store_changed(s) > 0 || serial != 0)
		return store_changed(s) > 0;
	if ((q = store_query(s,
		 "SELECT 1 FROM tunnel WHERE id = ?1 AND deleted_at IS NULL",
		 e)) == NULL)
		return -1;
	sqlite3_bind_int64(q, 1, tunnel);
	return store_number(s, q, &now, e) == -1 ? -1 : now == 1;
}

int
store_verify(struct store *s, int64_t tunnel, int64_t serial, struct err *e)
{
	if (store_begin(s, e) == -1)
		return -1;
	return store_end(s, verify(s, tunnel, serial, e), e);
}

static int
renew(struct store *s, int64_t user, int64_t tunnel, struct err *e)
{
	struct settings set;
	sqlite3_stmt *q;

	if (store_settings(s, &set, e) == -1)
		return -1;
	if ((q = store_query(s,
		 "UPDATE tunnel SET verify_serial = verify_serial + 1,"
		 " verify_until = ?3 WHERE id = ?1 AND ?2 IN (0, user_id)"
		 " AND deleted_at IS NULL AND verified_at IS NULL",
		 e)) == NULL)
		return -1;
	sqlite3_bind_int64(q, 1, tunnel);
	sqlite3_bind_int64(q, 2, user);
	sqlite3_bind_int64(
	    q, 3, clock_wall_ms() + (int64_t)set.verify_hours * 3600 * 1000);
	if (store_do(s, q, e) == -1)
		return -1;
	return store_changed(s) > 0;
}

int
store_verify_renew(struct store *s, int64_t user, int64_t tunnel, struct err *e)
{
	if (store_begin(s, e) == -1)
		return -1;
	return store_end(s, renew(s, user, tunnel, e), e);
}
