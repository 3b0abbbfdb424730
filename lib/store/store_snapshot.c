#include "store/store_snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/random.h"
#include "base/str.h"
#include "store/store_sql.h"

enum { TEXT_BLOCK = 65536 };

#define DELETED_MS (INT64_C(3600) * 1000)

/* Memory for names, in blocks that never move. */
struct snap_text {
	struct snap_text *next;
	size_t used, cap;
	char bytes[];
};

/* What loading hands from hand to hand. */
struct load {
	struct store *s;
	struct snapshot *n;
	struct store_list list;
	sqlite3_stmt *q;
	struct err *e;
};

/* The column's text, kept for the life of the snapshot; NULL: no memory. */
static const char *
keep_text(struct load *l, int column)
{
	const char *from = (const char *)sqlite3_column_text(l->q, column);
	size_t len = from != NULL ? strlen(from) : 0, cap;
	struct snap_text *t = l->n->texts;
	char *to;

	if (len == 0)
		return "";
	if (t == NULL || t->cap - t->used < len + 1) {
		cap = len + 1 > TEXT_BLOCK ? len + 1 : TEXT_BLOCK;
		if ((t = malloc(sizeof(*t) + cap)) == NULL) {
			store_failed(l->s, SQLITE_NOMEM, l->e);
			return NULL;
		}
		t->used = 0;
		t->cap = cap;
		t->next = l->n->texts;
		l->n->texts = t;
	}
	to = t->bytes + t->used;
	memcpy(to, from, len + 1);
	t->used += len + 1;
	return to;
}

static int
read_user(struct load *l, void *row)
{
	struct snap_user *u = row;

	u->id = sqlite3_column_int64(l->q, 0);
	u->frozen = sqlite3_column_int(l->q, 1) != 0;
	return 0;
}

static int
read_machine(struct load *l, void *row)
{
	struct snap_machine *m = row;

	m->id = sqlite3_column_int64(l->q, 0);
	m->user = sqlite3_column_int64(l->q, 1);
	return (m->name = keep_text(l, 2)) == NULL ? -1 : 0;
}

static int
read_key(struct load *l, void *row)
{
	const void *hash = sqlite3_column_blob(l->q, 2);
	struct snap_key *k = row;

	if (hash == NULL || sqlite3_column_bytes(l->q, 2) != sizeof(k->hash))
		return store_failed(l->s, SQLITE_CORRUPT, l->e);
	k->id = sqlite3_column_int64(l->q, 0);
	k->machine = sqlite3_column_int64(l->q, 1);
	memcpy(k->hash, hash, sizeof(k->hash));
	k->revoked = sqlite3_column_int(l->q, 3) != 0;
	k->used = sqlite3_column_int(l->q, 4) != 0;
	k->expires_at = sqlite3_column_int64(l->q, 5);
	return 0;
}

static int
read_tunnel(struct load *l, void *row)
{
	struct snap_tunnel *t = row;
	sqlite3_stmt *q = l->q;

	t->id = sqlite3_column_int64(q, 0);
	t->user = sqlite3_column_int64(q, 1);
	t->kind = (enum kind)sqlite3_column_int(q, 3);
	t->local_port = (uint16_t)sqlite3_column_int(q, 5);
	t->public_port = (uint16_t)sqlite3_column_int(q, 6);
	t->verify_serial = sqlite3_column_int64(q, 8);
	t->verify_until = sqlite3_column_int64(q, 9);
	t->verified_at = sqlite3_column_int64(q, 10);
	t->paused_at = sqlite3_column_int64(q, 11);
	t->frozen_at = sqlite3_column_int64(q, 12);
	t->expires_at = sqlite3_column_int64(q, 13);
	t->deleted_at = sqlite3_column_int64(q, 14);
	t->was_online = sqlite3_column_int(q, 15) != 0;
	t->proxy = (enum proxy)sqlite3_column_int(q, 16);
	t->address_rate = (uint32_t)sqlite3_column_int64(q, 19);
	t->visitors_max = (uint32_t)sqlite3_column_int64(q, 20);
	t->revision = sqlite3_column_int64(q, 21);
	if ((t->name = keep_text(l, 2)) == NULL ||
	    (t->local_host = keep_text(l, 4)) == NULL ||
	    (t->host = keep_text(l, 7)) == NULL ||
	    (t->allow = keep_text(l, 17)) == NULL ||
	    (t->deny = keep_text(l, 18)) == NULL)
		return -1;
	return 0;
}

static int
read_pair(struct load *l, void *row)
{
	struct snap_pair *p = row;

	p->machine = sqlite3_column_int64(l->q, 0);
	p->tunnel = sqlite3_column_int64(l->q, 1);
	return 0;
}

struct part {
	const char *sql; /* ?1: deleted tunnels since then */
	size_t size;     /* of a row */
	int (*read)(struct load *l, void *row);
	size_t rows, count; /* members of struct snapshot */
};

static const struct part parts[] = {
	{ "SELECT id, frozen_at IS NOT NULL FROM user ORDER BY id",
	    sizeof(struct snap_user), read_user,
	    offsetof(struct snapshot, users),
	    offsetof(struct snapshot, user_n) },
	{ "SELECT id, user_id, name FROM machine WHERE deleted_at IS NULL"
	  " ORDER BY id",
	    sizeof(struct snap_machine), read_machine,
	    offsetof(struct snapshot, machines),
	    offsetof(struct snapshot, machine_n) },
	{ "SELECT id, machine_id, hash, revoked_at IS NOT NULL,"
	  " first_used_at IS NOT NULL, expires_at FROM machine_key ORDER BY id",
	    sizeof(struct snap_key), read_key, offsetof(struct snapshot, keys),
	    offsetof(struct snapshot, key_n) },
	{ "SELECT id, user_id, name, CASE kind WHEN 'tcp' THEN 1"
	  " WHEN 'udp' THEN 2 WHEN 'both' THEN 3 ELSE 4 END, local_host,"
	  " local_port, public_port, host, verify_serial, verify_until,"
	  " verified_at, paused_at, frozen_at, expires_at, deleted_at,"
	  " last_connected_at IS NOT NULL, CASE proxy_protocol WHEN 'v1' THEN 1"
	  " WHEN 'v2' THEN 2 ELSE 0 END, allow, deny, address_rate,"
	  " visitors_max, revision FROM tunnel WHERE deleted_at IS NULL"
	  " OR deleted_at > ?1 ORDER BY id",
	    sizeof(struct snap_tunnel), read_tunnel,
	    offsetof(struct snapshot, tunnels),
	    offsetof(struct snapshot, tunnel_n) },
	{ "SELECT machine_id, tunnel_id FROM machine_tunnel"
	  " ORDER BY machine_id, tunnel_id",
	    sizeof(struct snap_pair), read_pair,
	    offsetof(struct snapshot, pairs),
	    offsetof(struct snapshot, pair_n) },
};

static int
load_rows(struct load *l, const struct part *p)
{
	void *row;
	int rc;

	while ((rc = store_step(l->s, l->q, l->e)) == 1) {
		if ((row = store_list_add(l->s, &l->list, l->e)) == NULL ||
		    p->read(l, row) == -1)
			return -1;
	}
	return rc;
}

/* One array, put into its members also when it is not whole. */
static int
load_part(struct load *l, const struct part *p)
{
	void *rows;
	size_t count;
	int rc;

	memset(&l->list, 0, sizeof(l->list));
	l->list.size = p->size;
	if ((l->q = store_query(l->s, p->sql, l->e)) == NULL)
		return -1;
	if (sqlite3_bind_parameter_count(l->q) > 0)
		sqlite3_bind_int64(l->q, 1, clock_wall_ms() - DELETED_MS);
	rc = load_rows(l, p);
	store_query_end(l->s, l->q);
	rows = store_list_end(&l->list, rc, &count);
	memcpy((char *)l->n + p->rows, &rows, sizeof(rows));
	memcpy((char *)l->n + p->count, &count, sizeof(count));
	return rc;
}

static int
load_all(struct load *l)
{
	size_t i;

	if (store_change_max(l->s, &l->n->change, l->e) == -1 ||
	    store_settings(l->s, &l->n->settings, l->e) == -1)
		return -1;
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (load_part(l, &parts[i]) == -1)
			return -1;
	}
	return 0;
}

/* Orders keys by hash, for the search. */
static int
by_hash(const void *a, const void *b)
{
	const struct snap_key *x = a, *y = b;

	return memcmp(x->hash, y->hash, sizeof(x->hash));
}

struct snapshot *
store_snapshot(struct store *s, struct err *e)
{
	struct load l = { .s = s, .e = e };

	if (store_file_check(s, e) == -1)
		return NULL;
	if ((l.n = calloc(1, sizeof(*l.n))) == NULL) {
		store_failed(s, SQLITE_NOMEM, e);
		return NULL;
	}
	if (store_begin_read(s, e) == -1 || store_end(s, load_all(&l), e) == -1)
		snapshot_free(&l.n);
	if (l.n != NULL && l.n->key_n > 0)
		qsort(l.n->keys, l.n->key_n, sizeof(*l.n->keys), by_hash);
	return l.n;
}

void
snapshot_free(struct snapshot **n)
{
	struct snap_text *t;

	if (*n == NULL)
		return;
	while ((t = (*n)->texts) != NULL) {
		(*n)->texts = t->next;
		free(t);
	}
	free((*n)->users);
	free((*n)->machines);
	free((*n)->keys);
	free((*n)->tunnels);
	free((*n)->pairs);
	free(*n);
	*n = NULL;
}

/* Every row begins with its id. */
static int
by_id(const void *id, const void *row)
{
	int64_t a, b;

	memcpy(&a, id, sizeof(a));
	memcpy(&b, row, sizeof(b));
	return (a > b) - (a < b);
}

static const void *
find(const void *rows, size_t n, size_t size, int64_t id)
{
	return n == 0 ? NULL : bsearch(&id, rows, n, size, by_id);
}

const struct snap_user *
snapshot_user(const struct snapshot *n, int64_t id)
{
	return find(n->users, n->user_n, sizeof(*n->users), id);
}

const struct snap_machine *
snapshot_machine(const struct snapshot *n, int64_t id)
{
	return find(n->machines, n->machine_n, sizeof(*n->machines), id);
}

const struct snap_tunnel *
snapshot_tunnel(const struct snapshot *n, int64_t id)
{
	return find(n->tunnels, n->tunnel_n, sizeof(*n->tunnels), id);
}

const struct snap_key *
snapshot_key(const struct snapshot *n, const uint8_t token[32])
{
	uint8_t hash[32];

	/* the search's timing speaks of hashes, not of tokens */
	random_sha256(hash, token, 32);
	return snapshot_key_of_hash(n, hash);
}

const struct snap_key *
snapshot_key_of_hash(const struct snapshot *n, const uint8_t hash[32])
{
	struct snap_key want;

	memset(&want, 0, sizeof(want));
	memcpy(want.hash, hash, sizeof(want.hash));
	if (n->key_n == 0)
		return NULL;
	return bsearch(&want, n->keys, n->key_n, sizeof(*n->keys), by_hash);
}

bool
snapshot_key_is_good(const struct snap_key *k, int64_t now)
{
	return !k->revoked && (k->used || now < k->expires_at);
}

const struct snap_pair *
snapshot_pairs(const struct snapshot *n, int64_t machine, size_t *n_out)
{
	size_t lo = 0, hi = n->pair_n, mid, end;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (n->pairs[mid].machine < machine)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (end = lo; end < n->pair_n; end++) {
		if (n->pairs[end].machine != machine)
			break;
	}
	*n_out = end - lo;
	return n->pairs + lo;
}
