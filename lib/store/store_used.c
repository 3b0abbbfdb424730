#include "store/store_used.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "store/store_sql.h"

#define REMEMBER_MS (INT64_C(30) * 24 * 3600 * 1000)

/* The code in small letters; false when it cannot be one. */
static bool
lower(char to[VERIFY_CODE_LEN + 1], const char *code)
{
	size_t i, n = strlen(code);

	if (n != VERIFY_CODE_LEN)
		return false;
	for (i = 0; i <= n; i++)
		to[i] = (char)tolower((unsigned char)code[i]);
	return true;
}

static void
read_link(sqlite3_stmt *q, struct used_link *u)
{
	u->tunnel = sqlite3_column_int64(q, 0);
	store_text(u->name, sizeof(u->name), q, 2);
	u->verified_at = sqlite3_column_int64(q, 3);
	u->until = sqlite3_column_int64(q, 4);
}

int
store_used_link(struct store *s, const uint8_t key[VERIFY_KEY_LEN],
    const char *code, struct used_link *out, struct err *e)
{
	char want[VERIFY_CODE_LEN + 1], is[VERIFY_CODE_LEN + 1];
	sqlite3_stmt *q;
	int rc, found = 0;

	if (!lower(want, code))
		return 0;
	if ((q = store_query(s,
		 "SELECT id, verify_serial, name, verified_at, verify_until"
		 " FROM tunnel WHERE deleted_at IS NULL"
		 " AND ifnull(verified_at, verify_until) > ?1",
		 e)) == NULL)
		return -1;
	sqlite3_bind_int64(q, 1, clock_wall_ms() - REMEMBER_MS);
	while ((rc = store_step(s, q, e)) == 1) {
		store_verify_code(is, key, sqlite3_column_int64(q, 0),
		    sqlite3_column_int64(q, 1));
		if (!str_equal_secret(is, want, VERIFY_CODE_LEN))
			continue;
		read_link(q, out);
		found = 1;
	}
	store_query_end(s, q);
	return rc == -1 ? -1 : found;
}
