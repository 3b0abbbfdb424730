/*
 * store_rig: a database in a folder of its own, which is gone afterwards, and
 * the few things that most tests of the store want in it.
 */
#ifndef T_UNIT_STORE_RIG_H
#define T_UNIT_STORE_RIG_H

#include <dirent.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/err.h"
#include "store/store.h"
#include "store/store_tunnel.h"
#include "store/store_user.h"
#include "tap.h"

static char rig_dir[64], rig_db[96];
static struct err rig_err;

/* A port range that no other test uses, outside of the kernel's. */
static const struct tunnel_ports rig_ports = { .from = 20000, .to = 29999 };

static inline void
rig_clear(void)
{
	char path[512];
	struct dirent *d;
	DIR *dir;

	if ((dir = opendir(rig_dir)) == NULL)
		return;
	while ((d = readdir(dir)) != NULL) {
		snprintf(path, sizeof(path), "%s/%s", rig_dir, d->d_name);
		if (d->d_name[0] != '.')
			unlink(path);
	}
	closedir(dir);
}

static inline void
rig_end(void)
{
	rig_clear();
	rmdir(rig_dir);
}

static inline void
rig_start(void)
{
	snprintf(rig_dir, sizeof(rig_dir), "/tmp/adit-store-XXXXXX");
	if (mkdtemp(rig_dir) == NULL) {
		printf("Bail out! no folder for the database\n");
		exit(1);
	}
	snprintf(rig_db, sizeof(rig_db), "%s/adit.db", rig_dir);
}

/* An open store; ends the test when there is none. */
static inline struct store *
rig_open(unsigned flags)
{
	struct store *s = store_open(rig_db, flags, NULL, &rig_err);

	if (s == NULL) {
		printf("Bail out! %s\n", rig_err.text);
		exit(1);
	}
	return s;
}

/* Runs SQL behind the store's back; the number in the first column or -1. */
static inline int64_t
rig_sql(const char *sql)
{
	sqlite3_stmt *q = NULL;
	int64_t n = -1;
	sqlite3 *db;

	if (sqlite3_open(rig_db, &db) == SQLITE_OK &&
	    sqlite3_busy_timeout(db, 5000) == SQLITE_OK &&
	    sqlite3_prepare_v2(db, sql, -1, &q, NULL) == SQLITE_OK) {
		if (sqlite3_step(q) == SQLITE_ROW)
			n = sqlite3_column_int64(q, 0);
	}
	sqlite3_finalize(q);
	sqlite3_close(db);
	return n;
}

static inline int64_t
rig_user(struct store *s, const char *email)
{
	int64_t id = 0;

	store_user_add(s, email, "$y$hash", false, &id, &rig_err);
	return id;
}

static inline struct tunnel_wish
rig_wish(const char *name)
{
	struct tunnel_wish w = { .set =
				     TUNNEL_NAME | TUNNEL_KIND | TUNNEL_TARGET,
		.name = name,
		.kind = KIND_TCP,
		.local_host = "127.0.0.1",
		.local_port = 22 };

	return w;
}

/* A verified tunnel of user; its id, or 0. */
static inline int64_t
rig_tunnel(struct store *s, int64_t user, const char *name)
{
	struct tunnel_wish w = rig_wish(name);
	struct tunnel t;

	if (store_tunnel_add(
		s, user, &w, &rig_ports, false, true, &t, &rig_err) == -1)
		return 0;
	return t.id;
}

#endif
