#include "events.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/list.h"
#include "base/map.h"
#include "net/loop.h"
#include "plat/plat.h"
#include "registry.h"
#include "relay.h"

enum {
	TICK_MS = 1000,
	LIFE_MS = 60000,
	SPREAD_MS = 15000, /* not all come again at once */
	SILENCE_MS = 15000,
	LATE_MS = 20000, /* to take one event */
	TEXT_MAX = 300,
	NEWS_MAX = 8 << 20, /* bytes of one event */
	CHUNK = 512,
};

/* Bytes that many streams send. */
struct chunk {
	unsigned refs;
	size_t n;
	char bytes[];
};

/* A tunnel, as it was told last. */
struct seen {
	struct map_node node;
	struct list on; /* group->told */
	int64_t id;
	uint64_t tick;
	uint32_t reds; /* of what the red lamps say */
	char text[TEXT_MAX];
};

/* The streams of one user. */
struct group {
	struct map_node node;
	int64_t user;
	struct list streams;
	unsigned stream_n;
	struct map seen;
	struct list told; /* the same */
	struct buf news;  /* of this tick */
};

struct stream {
	struct list on;
	struct events *events;
	struct group *group;
	int64_t listener; /* whose browser it is */
	int fd;
	struct watch *watch;
	struct chunk *out; /* what is under way; NULL: nothing */
	size_t off;
	uint64_t until;
	uint64_t said;  /* when out was begun */
	bool is_behind; /* it needs all tunnels */
};

struct events {
	struct relay *relay;
	struct map groups;
	struct timer *tick;
	uint64_t ticks;
	struct chunk *head;
	struct chunk *silence;
	struct events_counts counts;
};

/* --- chunks ---------------------------------------------------------------- */

static struct chunk *
chunk_new(const char *before, const void *p, size_t n, const char *behind)
{
	size_t a = strlen(before), b = strlen(behind);
	struct chunk *c = malloc(sizeof(*c) + a + n + b);

	if (c == NULL)
		return NULL;
	c->refs = 1;
	c->n = a + n + b;
	memcpy(c->bytes, before, a);
	if (n > 0)
		memcpy(c->bytes + a, p, n);
	memcpy(c->bytes + a + n, behind, b);
	return c;
}

static void
chunk_drop(struct chunk **cp)
{
	struct chunk *c = *cp;

	*cp = NULL;
	if (c != NULL && --c->refs == 0)
		free(c);
}

/* --- groups ---------------------------------------------------------------- */

static struct group *
group_find(const struct events *v, int64_t user)
{
	return MAP_OF(map_get(&v->groups, &user), struct group, node);
}

static void
seen_free(struct group *g, struct seen *s)
{
	map_remove(&g->seen, &s->node);
	list_remove(&s->on);
	free(s);
}

static void
group_free(struct events *v, struct group *g)
{
	while (!list_empty(&g->told))
		seen_free(g, LIST_OF(g->told.next, struct seen, on));
	map_remove(&v->groups, &g->node);
	map_free(&g->seen);
	buf_free(&g->news);
	free(g);
}

/* The user's; made when there is none. */
static struct group *
group_get(struct events *v, int64_t user)
{
	struct group *g = group_find(v, user);

	if (g != NULL || (g = calloc(1, sizeof(*g))) == NULL)
		return g;
	g->user = user;
	list_init(&g->streams);
	list_init(&g->told);
	buf_init(&g->news, NEWS_MAX);
	if (map_init(&g->seen, sizeof(int64_t), NULL) == 0 &&
	    map_add(&v->groups, &g->node, &g->user, NULL) == 0)
		return g;
	map_free(&g->seen);
	free(g);
	return NULL;
}

/* --- streams --------------------------------------------------------------- */

/* The group stays, also when it is empty now. */
static void
stream_free(struct stream *s)
{
	struct events *v = s->events;

	loop_unwatch(&s->watch);
	plat_close(&s->fd);
	chunk_drop(&s->out);
	list_remove(&s->on);
	s->group->stream_n--;
	v->counts.streams_now--;
	count_sub(&v->relay->counts.files_now, 1);
	free(s);
}

static void
stream_end(struct stream *s)
{
	struct events *v = s->events;
	struct group *g = s->group;

	stream_free(s);
	if (g->stream_n == 0)
		group_free(v, g);
}

/* Sends what is under way; -1 when the other end is gone. */
static int
send_on(struct stream *s)
{
	struct span v;
	ptrdiff_t n;

	while (s->out != NULL) {
		v.p = (uint8_t *)s->out->bytes + s->off;
		v.n = s->out->n - s->off;
		n = plat_writev(s->fd, &v, 1);
		if (n == -1 && errno == EAGAIN) {
			loop_again(s->watch, LOOP_WRITE);
			return 0;
		}
		if (n <= 0)
			return -1;
		s->off += (size_t)n;
		if (s->off == s->out->n)
			chunk_drop(&s->out);
	}
	return 0;
}

static int
say(struct stream *s, struct chunk *c)
{
	c->refs++;
	s->out = c;
	s->off = 0;
	s->said = loop_now(s->events->relay->loop);
	return send_on(s);
}

/* Nobody has anything to say here; only the end is of interest. */
static int
read_away(struct stream *s)
{
	char bytes[CHUNK];
	struct span v = { .p = (uint8_t *)bytes, .n = sizeof(bytes) };
	ptrdiff_t n;

	do {
		n = plat_readv(s->fd, &v, 1);
	} while (n > 0);
	if (n == 0 || errno != EAGAIN)
		return -1;
	loop_again(s->watch, LOOP_READ);
	return 0;
}

static void
on_stream(void *arg, unsigned what)
{
	struct stream *s = arg;

	if (((what & LOOP_READ) && read_away(s) == -1) ||
	    ((what & LOOP_WRITE) && send_on(s) == -1))
		stream_end(s);
}

/* --- what is new ----------------------------------------------------------- */

/* FNV-1a of the sentences of what is red. */
static uint32_t
hash_reds(const struct view_tunnel *t)
{
	uint32_t h = 2166136261;
	const char *p;
	int i;

	for (i = 0; i < VIEW_LAMPS; i++)
		for (p = t->lamps[i].sentence;
		     t->lamps[i].light == VIEW_RED && *p != '\0'; p++)
			h = (h ^ (uint8_t)*p) * 16777619;
	return h;
}

static const char *
light(const struct view_tunnel *t, enum view_lamp_at at)
{
	return view_light_name(t->lamps[at].light);
}

/* No word in it is anybody's: nothing needs to be escaped. */
static void
render(char to[TEXT_MAX], const struct view_tunnel *t)
{
	snprintf(to, TEXT_MAX,
	    "{\"id\":%" PRId64 ",\"status\":\"%s\",\"lamps\":{\"reach\":\"%s\","
	    "\"machine\":\"%s\",\"service\":\"%s\",\"visitor\":\"%s\"},"
	    "\"visitors\":%" PRIu64 ",\"refused\":%" PRIu64
	    ",\"bytes_in\":%" PRIu64 ",\"bytes_out\":%" PRIu64 "}",
	    t->id, view_status_name(t->status), light(t, VIEW_REACH),
	    light(t, VIEW_MACHINE), light(t, VIEW_SERVICE),
	    light(t, VIEW_VISITOR), t->visitors_now, t->refused, t->bytes_in,
	    t->bytes_out);
}

/* One more object of the event that is being put together. */
static void
add(struct buf *b, const char *text)
{
	/* what finds no room is told when it changes again */
	if (buf_len(b) == 0 || buf_add(b, ",", 1, NULL) == 0)
		(void)buf_add(b, text, strlen(text), NULL);
}

static struct seen *
seen_get(struct group *g, int64_t id)
{
	struct seen *s = MAP_OF(map_get(&g->seen, &id), struct seen, node);

	if (s != NULL || (s = calloc(1, sizeof(*s))) == NULL)
		return s;
	s->id = id;
	if (map_add(&g->seen, &s->node, &s->id, NULL) == -1) {
		free(s);
		return NULL;
	}
	list_append(&g->told, &s->on);
	return s;
}

/* A tunnel of the snapshot: has anybody who listens to hear of it? */
static void
look_at(void *arg, int64_t user, int64_t id)
{
	struct events *v = arg;
	struct group *g = group_find(v, user);
	struct view_tunnel t;
	char text[TEXT_MAX];
	struct seen *s;
	uint32_t reds;

	if (g == NULL || registry_view(v->relay->registry, id, &t) != 1 ||
	    (s = seen_get(g, id)) == NULL)
		return;
	s->tick = v->ticks;
	render(text, &t);
	reds = hash_reds(&t);
	if (s->reds == reds && strcmp(s->text, text) == 0)
		return;
	s->reds = reds;
	memcpy(s->text, text, sizeof(text));
	add(&g->news, text);
}

/* Those that were not looked at in this tick are no longer there. */
static void
forget_gone(struct events *v, struct group *g)
{
	struct list *n, *next;
	char text[64];
	struct seen *s;

	for (n = g->told.next; n != &g->told; n = next) {
		next = n->next;
		s = LIST_OF(n, struct seen, on);
		if (s->tick == v->ticks)
			continue;
		snprintf(text, sizeof(text),
		    "{\"id\":%" PRId64 ",\"gone\":true}", s->id);
		add(&g->news, text);
		seen_free(g, s);
	}
}

/* --- telling --------------------------------------------------------------- */

static struct chunk *
event(const struct buf *b)
{
	return chunk_new("data: [", buf_data(b), buf_len(b), "]\n\n");
}

/* All that the user has. */
static struct chunk *
whole(const struct group *g)
{
	struct chunk *c;
	struct list *n;
	struct buf b;

	buf_init(&b, NEWS_MAX);
	for (n = g->told.next; n != &g->told; n = n->next)
		add(&b, LIST_OF(n, struct seen, on)->text);
	c = event(&b);
	buf_free(&b);
	return c;
}

/* What a stream hears in a tick, made when the first one needs it. */
struct round {
	struct group *group;
	struct chunk *news; /* NULL: none */
	struct chunk *whole;
};

static int
tell(struct stream *s, struct round *r)
{
	struct events *v = s->events;
	uint64_t now = loop_now(v->relay->loop);

	if (s->out != NULL) {
		if (r->news != NULL)
			s->is_behind = true;
		if (now < s->said + LATE_MS)
			return 0;
		v->counts.late++;
		return -1;
	}
	if (now >= s->until)
		return -1;
	if (s->is_behind) {
		if (r->whole == NULL && (r->whole = whole(r->group)) == NULL)
			return 0;
		s->is_behind = false;
		return say(s, r->whole);
	}
	if (r->news != NULL)
		return say(s, r->news);
	return now >= s->said + SILENCE_MS ? say(s, v->silence) : 0;
}

static void
tell_group(struct events *v, struct group *g)
{
	struct round r = { .group = g };
	struct list *n, *next;
	struct stream *s;

	forget_gone(v, g);
	if (buf_len(&g->news) > 0)
		r.news = event(&g->news);
	for (n = g->streams.next; n != &g->streams; n = next) {
		next = n->next;
		s = LIST_OF(n, struct stream, on);
		/* without memory for the news all is told later */
		if (r.news == NULL && buf_len(&g->news) > 0)
			s->is_behind = true;
		if (tell(s, &r) == -1)
			stream_free(s);
	}
	buf_free(&g->news);
	chunk_drop(&r.news);
	chunk_drop(&r.whole);
}

static void on_tick(void *arg);

static void
tick_again(struct events *v)
{
	while (v->tick == NULL && map_count(&v->groups) > 0)
		v->tick = loop_after(v->relay->loop, TICK_MS, on_tick, v, NULL);
}

/* One group at a time may become empty, and goes then. */
static void
drop_empty(struct events *v)
{
	struct map_node *n = NULL;
	struct group *g;

	while ((n = map_next(&v->groups, n)) != NULL) {
		g = MAP_OF(n, struct group, node);
		if (g->stream_n == 0) {
			group_free(v, g);
			n = NULL;
		}
	}
}

static void
on_tick(void *arg)
{
	struct events *v = arg;
	struct map_node *n = NULL;

	v->tick = NULL;
	v->ticks++;
	registry_each_tunnel(v->relay->registry, look_at, v);
	while ((n = map_next(&v->groups, n)) != NULL)
		tell_group(v, MAP_OF(n, struct group, node));
	drop_empty(v);
	tick_again(v);
}

/* --- coming and going ------------------------------------------------------ */

const char *
events_why_not(struct events *v, int64_t user)
{
	const struct group *g = group_find(v, user);
	const struct adit_conf_http *c = &v->relay->conf.http;
	const char *why = NULL;

	if (v->counts.streams_now >= c->streams)
		why = "http.streams is reached.";
	else if (g != NULL && g->stream_n >= c->streams_per_user)
		why = "http.streams_per_user is reached.";
	else if (count_get(&v->relay->counts.files_now) >= v->relay->files_max)
		why = "Too many files are open.";
	if (why != NULL)
		v->counts.refused++;
	return why;
}

void
events_add(struct events *v, int64_t user, int64_t listener, int fd)
{
	struct loop *l = v->relay->loop;
	struct group *g = group_get(v, user);
	struct stream *s;

	if (g == NULL || (s = calloc(1, sizeof(*s))) == NULL) {
		if (g != NULL && g->stream_n == 0)
			group_free(v, g);
		plat_close(&fd);
		return;
	}
	s->events = v;
	s->group = g;
	s->listener = listener;
	s->fd = fd;
	s->is_behind = true;
	s->until = loop_now(l) + LIFE_MS + v->counts.streams++ * 37 % SPREAD_MS;
	list_append(&g->streams, &s->on);
	g->stream_n++;
	v->counts.streams_now++;
	count_add(&v->relay->counts.files_now, 1);
	s->watch =
	    loop_watch(l, fd, LOOP_READ | LOOP_WRITE, on_stream, s, NULL);
	if (s->watch == NULL || say(s, v->head) == -1)
		stream_end(s);
	tick_again(v);
}

static void
end_group(struct events *v, struct group *g)
{
	struct list *n, *next;

	for (n = g->streams.next; n != &g->streams; n = next) {
		next = n->next;
		stream_free(LIST_OF(n, struct stream, on));
	}
	group_free(v, g);
}

/* The group stays, also when it is empty now. */
static void
end_listener(struct group *g, int64_t listener)
{
	struct list *n, *next;
	struct stream *s;

	for (n = g->streams.next; n != &g->streams; n = next) {
		next = n->next;
		s = LIST_OF(n, struct stream, on);
		if (s->listener == listener)
			stream_free(s);
	}
}

void
events_hush(struct events *v, int64_t user)
{
	struct group *g = group_find(v, user);
	struct map_node *n = NULL;

	if (g != NULL)
		end_group(v, g);
	while ((n = map_next(&v->groups, n)) != NULL)
		end_listener(MAP_OF(n, struct group, node), user);
	drop_empty(v);
}

struct events *
events_new(struct relay *r, struct err *e)
{
	static const char head[] = "HTTP/1.1 200 OK\r\n"
				   "Content-Type: text/event-stream\r\n"
				   "Cache-Control: no-store\r\n"
				   "X-Accel-Buffering: no\r\n"
				   "Connection: close\r\n\r\n"
				   "retry: 1000\n\n";
	struct events *v;

	if ((v = calloc(1, sizeof(*v))) == NULL) {
		err_sys(e, "events");
		return NULL;
	}
	v->relay = r;
	v->head = chunk_new(head, NULL, 0, "");
	v->silence = chunk_new(":\n\n", NULL, 0, "");
	if (v->head == NULL || v->silence == NULL) {
		err_sys(e, "events");
		events_free(&v);
	} else if (map_init(&v->groups, sizeof(int64_t), e) == -1) {
		events_free(&v);
	}
	return v;
}

void
events_free(struct events **vp)
{
	struct events *v = *vp;
	struct map_node *n;

	if (v == NULL)
		return;
	*vp = NULL;
	timer_cancel(&v->tick);
	while ((n = map_next(&v->groups, NULL)) != NULL)
		end_group(v, MAP_OF(n, struct group, node));
	map_free(&v->groups);
	chunk_drop(&v->head);
	chunk_drop(&v->silence);
	free(v);
}

const struct events_counts *
events_counts(const struct events *v)
{
	return &v->counts;
}
