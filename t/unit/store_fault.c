/*
 * Every statement fails once, in every way: this program's own sqlite3_step()
 * stands before the library's.  What a function promises must hold: it
 * says why, nothing of it is half done, the store works on afterwards.
 */
#include <dlfcn.h>

#include "store/store_key.h"
#include "store/store_machine.h"
#include "store/store_session.h"
#include "store/store_setting.h"
#include "store/store_snapshot.h"
#include "store/store_verify.h"
#include "store_rig.h"

static int countdown; /* steps until one fails; below 0: none */
static int how;       /* what it says then */
static struct store *s;
static int64_t user, tunnel, machine;

/* Does the library call itself?  Its own steps are no business of ours. */
static bool
is_inner(const void *caller)
{
	Dl_info there, library;

	return dladdr(caller, &there) != 0 &&
	    dladdr((const void *)sqlite3_libversion(), &library) != 0 &&
	    there.dli_fbase == library.dli_fbase;
}

int
sqlite3_step(sqlite3_stmt *q)
{
	static int (*real)(sqlite3_stmt *);

	if (real == NULL) {
		void *p = dlsym(RTLD_NEXT, "sqlite3_step");

		memcpy(&real, &p, sizeof(real));
	}
	if (countdown > 0 && !is_inner(__builtin_return_address(0)) &&
	    --countdown == 0) {
		countdown = -1;
		return how;
	}
	return real(q);
}

static int
do_user(void)
{
	int64_t id;

	return store_user_add(s, "new@example.com", "h", false, &id, &rig_err);
}

static int
do_remove_user(void)
{
	return store_user_remove(s, user, &rig_err);
}

static int
do_tunnel(void)
{
	struct tunnel_wish w = rig_wish("new");
	struct tunnel t;

	return store_tunnel_add(
	    s, user, &w, &rig_ports, false, false, &t, &rig_err);
}

static int
do_edit(void)
{
	struct tunnel_wish w = { .set = TUNNEL_PORT | TUNNEL_NAME,
		.name = "other",
		.public_port = 29999 };

	return store_tunnel_edit(s, user, tunnel, &w, &rig_ports, &rig_err);
}

static int
do_remove(void)
{
	return store_tunnel_remove(s, user, tunnel, &rig_err);
}

static int
do_machine(void)
{
	char token[MACHINE_TOKEN_LEN + 1];
	int64_t id;

	return store_machine_add(
	    s, user, "new", &tunnel, 1, &id, token, &rig_err);
}

static int
do_remove_machine(void)
{
	return store_machine_remove(s, user, machine, &rig_err);
}

static int
do_setting(void)
{
	return store_setting_set(s, "sign_up", "yes", &rig_err);
}

static int
do_renew(void)
{
	return store_verify_renew(s, user, tunnel, &rig_err);
}

static int
do_batch(void)
{
	struct session_row r = {
		.id = 9, .machine = machine, .relay = "r", .seen_at = 5
	};
	struct usage_row u = { .hour = 1, .tunnel = tunnel, .streams = 1 };
	struct event v = { .who = "x" };
	struct session_batch b = { &r, 1, &u, 1, &machine, 1, &tunnel, 1, &v,
		1 };
	int rc = store_session_write(s, &b, &rig_err);

	return rc == 0 ? -1 : rc; /* busy: nothing was done */
}

static int
do_snapshot(void)
{
	struct snapshot *n = store_snapshot(s, &rig_err);
	bool whole = n != NULL;

	snapshot_free(&n);
	return whole ? 0 : -1;
}

static int
do_purge(void)
{
	return store_purge(s, &rig_err);
}

struct deed {
	const char *name;
	int (*run)(void);
};

static const struct deed deeds[] = {
	{ "user add", do_user },
	{ "user remove", do_remove_user },
	{ "tunnel add", do_tunnel },
	{ "tunnel edit", do_edit },
	{ "tunnel remove", do_remove },
	{ "machine add", do_machine },
	{ "machine remove", do_remove_machine },
	{ "setting", do_setting },
	{ "new link", do_renew },
	{ "batch", do_batch },
	{ "snapshot", do_snapshot },
	{ "purge", do_purge },
};

static void
furnish(void)
{
	char token[MACHINE_TOKEN_LEN + 1];
	struct tunnel_wish w = rig_wish("t");
	struct tunnel t;

	s = rig_open(0);
	user = rig_user(s, "a@example.com");
	store_tunnel_add(s, user, &w, &rig_ports, false, false, &t, &rig_err);
	tunnel = t.id;
	store_machine_add(s, user, "PC", &tunnel, 1, &machine, token, &rig_err);
	rig_sql("UPDATE user SET id = id"); /* the log holds something */
}

/* Everything that a deed may change, in one number. */
static int64_t
fingerprint(void)
{
	return rig_sql(
	    "SELECT (SELECT ifnull(max(seq), 0) FROM sqlite_sequence"
	    "  WHERE name = 'change') * 1000000"
	    " + (SELECT count(*) FROM user) + (SELECT count(*) FROM tunnel)"
	    " + (SELECT count(*) FROM port_rest)"
	    " + (SELECT count(*) FROM machine)"
	    " + (SELECT count(*) FROM machine_key)"
	    " + (SELECT count(*) FROM session)"
	    " + (SELECT count(*) FROM usage_hour)"
	    " + (SELECT count(*) FROM event)");
}

/* Fails the k-th step: true when the deed got so far. */
static bool
fail_at(const struct deed *d, int k, int with, int *wrong)
{
	int64_t before;
	bool reached;
	int rc;

	furnish();
	before = fingerprint();
	countdown = k;
	how = with;
	rig_err.text[0] = '\0';
	rc = d->run();
	reached = countdown == -1;
	countdown = -1;
	if (reached && (rc != -1 || rig_err.text[0] == '\0')) {
		printf("# %s: step %d failed with %d, it said %d\n", d->name, k,
		    with, rc);
		++*wrong;
	}
	if (rc == -1 && fingerprint() != before) {
		printf("# %s: step %d left something behind\n", d->name, k);
		++*wrong;
	}
	if (reached && d->run() == -1) {
		printf("# %s: after step %d it works no more: %s\n", d->name, k,
		    rig_err.text);
		++*wrong;
	}
	store_close(&s);
	rig_clear();
	return reached;
}

static void
deed(const struct deed *d)
{
	static const int ways[] = { SQLITE_FULL, SQLITE_IOERR, SQLITE_BUSY,
		SQLITE_NOMEM, SQLITE_CORRUPT };
	int k = 0, wrong = 0;
	bool reached = true;
	char claim[80];

	while (reached && k < 100) {
		k++;
		reached = fail_at(d, k, ways[k % 5], &wrong);
	}
	snprintf(claim, sizeof(claim), "%s: each of %d steps fails cleanly",
	    d->name, k - 1);
	is_int(wrong, 0, claim);
	ok(k > 2, "it takes some steps");
}

/* The schema is taken whole or not at all. */
static void
schema(void)
{
	int k, wrong = 0;
	struct store *half;

	countdown = -1;
	for (k = 1; k < 400; k++) {
		countdown = k;
		how = SQLITE_FULL;
		half = store_open(rig_db, 0, NULL, &rig_err);
		if (countdown > 0) {
			store_close(&half);
			rig_clear();
			break;
		}
		countdown = -1;
		wrong += half != NULL;
		store_close(&half);
		half = store_open(rig_db, 0, NULL, &rig_err);
		if (half == NULL)
			printf("# step %d: %s\n", k, rig_err.text);
		wrong += half == NULL;
		store_close(&half);
		rig_clear();
	}
	countdown = -1;
	ok(k > 50 && k < 400, "the schema has many statements");
	is_int(wrong, 0, "each fails cleanly, and opening again mends all");
}

int
main(void)
{
	size_t i;

	countdown = -1;
	rig_start();
	for (i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++)
		deed(&deeds[i]);
	schema();
	rig_end();
	return tap_done();
}
