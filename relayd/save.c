/*
 * What is to be written into the database: who was here, how much came through.
 * Numbers are gathered here and handed to the keeper in batches, one at a time;
 * while one is under way the rest grows here, and adds up.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "log/log.h"
#include "net/loop.h"

#include "registry_int.h"

enum {
	SESSION_MS = 4000,  /* how often the row of a live session is written */
	SESSION_ROWS = 500, /* rows of live sessions in one batch */
	ENDED_MAX = 65536,  /* that wait while the database is away */
	USAGE_MAX = 1 << 20,
	SERVED_MS = 60000,
	HOUR_MS = 3600000,
};

int
save_init(struct registry *g, struct err *e)
{
	return map_init(&g->usage, sizeof(((struct reg_usage *)0)->key), e);
}

void
save_free(struct registry *g)
{
	struct map_node *n, *next;
	struct reg_ended *x;

	while (!list_empty(&g->ended)) {
		x = LIST_OF(g->ended.next, struct reg_ended, on);
		list_remove(&x->on);
		free(x->allow);
		free(x);
	}
	for (n = map_next(&g->usage, NULL); n != NULL; n = next) {
		next = map_next(&g->usage, n);
		free(MAP_OF(n, struct reg_usage, node));
	}
	map_free(&g->usage);
	free(g->keys);
	g->keys = NULL;
}

/* --- gathering ------------------------------------------------------------- */

void
save_key(struct registry *g, int64_t key)
{
	int64_t *more;
	size_t i;

	for (i = 0; i < g->key_n; i++)
		if (g->keys[i] == key)
			return;
	if (g->key_n == g->key_cap) {
		more = realloc(g->keys, (g->key_cap * 2 + 16) * sizeof(*more));
		if (more == NULL)
			return; /* the time of its last use is not vital */
		g->keys = more;
		g->key_cap = g->key_cap * 2 + 16;
	}
	g->keys[g->key_n++] = key;
}

static void
fill_row(struct session_row *r, const struct reg_session *s)
{
	const struct session_counts *c = &s->counts;

	*r = (struct session_row){
		.id = s->id,
		.machine = s->machine->id,
		.relay = KEEPER_RELAY,
		.address = s->address,
		.version = s->version,
		.system = s->system,
		.computer = s->computer,
		.connected_at = s->connected_at,
		.seen_at = (int64_t)count_get(&c->heard),
		.disconnected_at = s->ended_at,
		.why = s->why,
		.bytes_in = count_get(&c->bytes_in),
		.bytes_out = count_get(&c->bytes_out),
		.streams_in = count_get(&c->streams_in),
		.streams_out = count_get(&c->streams_out),
	};
}

/* The row with texts of its own. */
static void
keep_texts(struct reg_ended *x)
{
	const char **at[5] = { &x->row.address, &x->row.version, &x->row.system,
		&x->row.computer, &x->row.why };
	int i;

	for (i = 0; i < 5; i++) {
		strncpy(x->text[i], *at[i], sizeof(x->text[i]) - 1);
		*at[i] = x->text[i];
	}
}

/* Told once: what follows leaves it as it is. */
static void
take_allow(struct reg_ended *x, struct reg_session *s)
{
	x->allow = s->allow;
	s->allow = NULL;
}

void
save_ended(struct registry *g, struct reg_session *s)
{
	struct reg_ended *x;

	if (g->ended_n >= ENDED_MAX || (x = calloc(1, sizeof(*x))) == NULL) {
		count_add(&g->relay->counts.rows_lost, 1);
		log_error("session %lld: its row is lost, too many wait "
			  "for the database",
		    (long long)s->id);
		return;
	}
	fill_row(&x->row, s);
	keep_texts(x);
	take_allow(x, s);
	list_init(&x->on);
	list_append(&g->ended, &x->on);
	g->ended_n++;
}

/* This hour's row of a tunnel. */
static struct usage_row *
usage_of(struct registry *g, int64_t tunnel)
{
	struct reg_usage want, *u;

	memset(&want, 0, sizeof(want));
	want.key.hour = clock_wall_ms() / HOUR_MS;
	want.key.tunnel = tunnel;
	u = MAP_OF(map_get(&g->usage, &want.key), struct reg_usage, node);
	if (u != NULL)
		return &u->row;
	if (map_count(&g->usage) >= USAGE_MAX ||
	    (u = calloc(1, sizeof(*u))) == NULL)
		return NULL;
	u->key = want.key;
	u->row.hour = want.key.hour;
	u->row.tunnel = tunnel;
	if (map_add(&g->usage, &u->node, &u->key, NULL) == 0)
		return &u->row;
	free(u);
	return NULL;
}

/* What has come to a counter since it was looked at last. */
static uint64_t
since(const count_t *now, count_t *saved)
{
	uint64_t n = count_get(now), more = n - count_get(saved);

	count_set(saved, n);
	return more;
}

static void
gather(struct registry *g, struct reg_tunnel *t)
{
	struct tunnel_counts *c = &t->counts, *s = &t->saved;
	struct counts *all = &g->relay->counts;
	struct usage_row *u;
	uint64_t in, out;

	if (count_get(&c->bytes_in) == count_get(&s->bytes_in) &&
	    count_get(&c->bytes_out) == count_get(&s->bytes_out) &&
	    count_get(&c->visitors) == count_get(&s->visitors) &&
	    count_get(&c->datagrams) == count_get(&s->datagrams) &&
	    count_get(&c->drops) == count_get(&s->drops))
		return;
	if ((u = usage_of(g, t->id)) == NULL)
		return; /* it is gathered next time */
	in = since(&c->bytes_in, &s->bytes_in);
	out = since(&c->bytes_out, &s->bytes_out);
	u->bytes_in += in;
	u->bytes_out += out;
	u->streams += since(&c->visitors, &s->visitors);
	u->datagrams += since(&c->datagrams, &s->datagrams);
	u->drops += since(&c->drops, &s->drops);
	count_add(&all->bytes_in, in);
	count_add(&all->bytes_out, out);
	if (in + out > 0)
		count_set(&c->last_bytes, (uint64_t)clock_wall_ms());
}

static void
gather_all(struct registry *g)
{
	struct map_node *n = NULL;

	while ((n = map_next(&g->tunnels, n)) != NULL)
		gather(g, MAP_OF(n, struct reg_tunnel, node));
}

/* --- a batch --------------------------------------------------------------- */

/* n bytes that are freed with the batch. */
static void *
hold(struct keeper_batch *b, void *p)
{
	b->memory[b->memory_n++] = p;
	return p;
}

/* The lists of what clients may be asked to reach, in one piece. */
static void
put_allow(struct keeper_batch *b, struct reg_ended *all, size_t count)
{
	size_t i, n, total = 1;
	char *to;

	for (i = 0; i < count; i++)
		if (all[i].allow != NULL)
			total += strlen(all[i].allow) + 1;
	to = hold(b, mail_new(total));
	for (i = 0; i < count; i++) {
		if (all[i].allow == NULL)
			continue;
		n = strlen(all[i].allow) + 1;
		memcpy(to, all[i].allow, n);
		free(all[i].allow);
		all[i].allow = NULL;
		all[i].row.allow = to;
		to += n;
	}
}

/* A batch of rows whose texts must outlive the sessions. */
static void
put_sessions(struct registry *g, struct keeper_batch *b)
{
	uint64_t now = loop_now(g->relay->loop);
	struct reg_ended *all, *x;
	struct session_row *rows;
	struct reg_session *s;
	size_t max = g->ended_n + SESSION_ROWS, count = 0, left;

	all = hold(b, mail_new(max * sizeof(*all)));
	rows = hold(b, mail_new(max * sizeof(*rows)));
	/* those that were written the longest ago stand first */
	for (left = map_count(&g->by_id); left > 0; left--) {
		s = LIST_OF(g->sessions.next, struct reg_session, all);
		if (count == SESSION_ROWS || now < s->save_at)
			break;
		s->save_at = now + SESSION_MS;
		fill_row(&all[count].row, s);
		take_allow(&all[count], s);
		keep_texts(&all[count++]);
		list_remove(&s->all);
		list_append(&g->sessions, &s->all);
	}
	while (!list_empty(&g->ended)) {
		x = LIST_OF(g->ended.next, struct reg_ended, on);
		list_remove(&x->on);
		all[count].row = x->row;
		all[count].allow = x->allow;
		keep_texts(&all[count++]);
		free(x);
	}
	g->ended_n = 0;
	put_allow(b, all, count);
	for (size_t i = 0; i < count; i++)
		rows[i] = all[i].row;
	b->rows.sessions = rows;
	b->rows.session_n = count;
}

static void
put_usage(struct registry *g, struct keeper_batch *b)
{
	struct usage_row *rows;
	struct map_node *n, *next;
	struct reg_usage *u;
	size_t i = 0;

	rows = hold(b, mail_new((map_count(&g->usage) + 1) * sizeof(*rows)));
	for (n = map_next(&g->usage, NULL); n != NULL; n = next) {
		next = map_next(&g->usage, n);
		u = MAP_OF(n, struct reg_usage, node);
		rows[i++] = u->row;
		free(u);
	}
	map_free(&g->usage);
	b->rows.usage = rows;
	b->rows.usage_n = i;
}

/* Tunnels that are served now, once a minute. */
static void
put_tunnels(struct registry *g, struct keeper_batch *b)
{
	uint64_t now = loop_now(g->relay->loop);
	struct map_node *n = NULL;
	struct reg_tunnel *t;
	int64_t *ids;
	size_t i = 0;

	ids = hold(b, mail_new((map_count(&g->tunnels) + 1) * sizeof(*ids)));
	while ((n = map_next(&g->tunnels, n)) != NULL) {
		t = MAP_OF(n, struct reg_tunnel, node);
		if (!t->is_open ||
		    (t->seen_saved != 0 && now < t->seen_saved + SERVED_MS))
			continue;
		t->seen_saved = now;
		ids[i++] = t->id;
	}
	b->rows.tunnels = ids;
	b->rows.tunnel_n = i;
}

static void
hand_over(struct registry *g)
{
	struct keeper_batch *b = mail_new(sizeof(*b));

	put_sessions(g, b);
	put_usage(g, b);
	put_tunnels(g, b);
	b->rows.keys = hold(b, g->keys);
	b->rows.key_n = g->key_n;
	g->keys = NULL;
	g->key_n = g->key_cap = 0;
	if (b->rows.session_n + b->rows.usage_n + b->rows.tunnel_n +
		b->rows.key_n ==
	    0) {
		keeper_batch_free(&b);
		return;
	}
	g->is_writing = true;
	keeper_write(g->relay->keeper, b);
}

void
save_tick(struct registry *g)
{
	gather_all(g);
	if (!g->is_writing && g->relay->keeper != NULL)
		hand_over(g);
}

void
registry_flush(struct registry *g)
{
	struct list *n;

	for (n = g->sessions.next; n != &g->sessions; n = n->next)
		LIST_OF(n, struct reg_session, all)->save_at = 0;
	save_tick(g);
}

bool
registry_is_writing(const struct registry *g)
{
	return g->is_writing;
}
