#include "store/store_setting.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "store/store_sql.h"

struct known {
	const char *name;
	const char *by_default;
	const char *words; /* "no|yes": a choice; NULL: a number */
	uint32_t min, max;
	size_t offset;
};

static const struct known table[SETTING_COUNT] = {
	{ "sign_up", "no", "no|yes", 0, 0, offsetof(struct settings, sign_up) },
	{ "verify_by", "link", "link|admin", 0, 0,
	    offsetof(struct settings, verify_by_admin) },
	{ "verify_hours", "24", NULL, 1, 8760,
	    offsetof(struct settings, verify_hours) },
	{ "tunnels_max", "100", NULL, 0, 100000,
	    offsetof(struct settings, tunnels_max) },
	{ "address_rate", "0", NULL, 0, 1000000,
	    offsetof(struct settings, address_rate) },
};

static const struct known *
find(const char *name)
{
	size_t i;

	for (i = 0; i < SETTING_COUNT; i++) {
		if (strcmp(table[i].name, name) == 0)
			return &table[i];
	}
	return NULL;
}

/* Reads value into its member; false when it does not fit. */
static bool
apply(const struct known *k, const char *value, struct settings *out)
{
	char *member = (char *)out + k->offset;
	size_t first;
	uint64_t number;
	uint32_t n;
	bool yes;

	if (k->words == NULL) {
		if (!str_number(value, k->min, k->max, &number))
			return false;
		n = (uint32_t)number;
		memcpy(member, &n, sizeof(n));
		return true;
	}
	first = strcspn(k->words, "|");
	yes = strcmp(value, k->words + first + 1) == 0;
	if (!yes &&
	    (strlen(value) != first || memcmp(value, k->words, first) != 0))
		return false;
	memcpy(member, &yes, sizeof(yes));
	return true;
}

/*
 * A name of a later Adit, and a value that somebody wrote by hand and that
 * does not fit, leave the default.
 */
int
store_settings(struct store *s, struct settings *out, struct err *e)
{
	const struct known *k;
	char name[65], value[64];
	sqlite3_stmt *q;
	size_t i;
	int rc;

	memset(out, 0, sizeof(*out));
	for (i = 0; i < SETTING_COUNT; i++)
		apply(&table[i], table[i].by_default, out);
	if ((q = store_query(s, "SELECT name, value FROM setting", e)) == NULL)
		return -1;
	while ((rc = store_step(s, q, e)) == 1) {
		store_text(name, sizeof(name), q, 0);
		store_text(value, sizeof(value), q, 1);
		if ((k = find(name)) != NULL)
			apply(k, value, out);
	}
	store_query_end(s, q);
	return rc;
}

/* What is stored for one setting. */
static int
stored(struct store *s, struct setting *out, struct err *e)
{
	sqlite3_stmt *q;
	int rc;

	if ((q = store_query(
		 s, "SELECT value FROM setting WHERE name = ?1", e)) == NULL)
		return -1;
	store_bind_text(q, 1, out->name);
	if ((rc = store_step(s, q, e)) == 1)
		store_text(out->value, sizeof(out->value), q, 0);
	store_query_end(s, q);
	out->is_default = rc == 0;
	return rc == -1 ? -1 : 0;
}

int
store_setting_list(
    struct store *s, struct setting out[SETTING_COUNT], struct err *e)
{
	size_t i;

	for (i = 0; i < SETTING_COUNT; i++) {
		out[i].name = table[i].name;
		out[i].values =
		    table[i].words != NULL ? table[i].words : "a number";
		str_copy(
		    out[i].value, sizeof(out[i].value), table[i].by_default);
		if (stored(s, &out[i], e) == -1)
			return -1;
	}
	return 0;
}

static int
set(struct store *s, const char *name, const char *value, struct err *e)
{
	sqlite3_stmt *q;

	if ((q = store_query(s,
		 "INSERT INTO setting (name, value) VALUES (?1, ?2)"
		 " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
		 e)) == NULL)
		return -1;
	store_bind_text(q, 1, name);
	store_bind_text(q, 2, value);
	return store_do(s, q, e);
}

int
store_setting_set(
    struct store *s, const char *name, const char *value, struct err *e)
{
	const struct known *k;
	struct settings ignored;

	if ((k = find(name)) == NULL)
		return store_refuse(s, e,
		    "setting: there is none of this name; list them to see "
		    "their names");
	if (!apply(k, value, &ignored)) {
		if (k->words != NULL)
			return store_refuse(s, e,
			    "%s: the value does not fit; choose %s", name,
			    k->words);
		return store_refuse(s, e,
		    "%s: the value does not fit; give a number from %u to %u",
		    name, (unsigned)k->min, (unsigned)k->max);
	}
	if (store_begin(s, e) == -1)
		return -1;
	return store_end(s, set(s, name, value, e), e);
}
