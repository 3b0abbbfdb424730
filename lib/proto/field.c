#include "proto/field.h"

#include <stdbool.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "proto/frame.h"

int
field_next(struct field_reader *r, uint8_t *key_out, const uint8_t **p_out,
    size_t *n_out, struct err *e)
{
	size_t n;

	if (r->n == 0)
		return 0;
	if (r->n < FIELD_HEAD)
		return err_set(e, "a field is cut in its head");
	n = get16(r->p + 1);
	if (r->n - FIELD_HEAD < n)
		return err_set(e, "field %d is cut", r->p[0]);
	*key_out = r->p[0];
	*p_out = r->p + FIELD_HEAD;
	*n_out = n;
	r->p += FIELD_HEAD + n;
	r->n -= FIELD_HEAD + n;
	return 1;
}

void
field_put(struct field_writer *w, uint8_t key, const void *p, size_t n)
{
	size_t at = w->len;

	w->len += FIELD_HEAD + n;
	if (w->len > w->cap)
		return;
	w->to[at] = key;
	put16(w->to + at + 1, (uint16_t)n);
	if (n > 0)
		memcpy(w->to + at + FIELD_HEAD, p, n);
}

/* A number of the program, size bytes, out of or into a struct. */
static uint64_t
load(const uint8_t *p, size_t size)
{
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;

	switch (size) {
	case 1:
		return *p;
	case 2:
		memcpy(&u16, p, sizeof(u16));
		return u16;
	case 4:
		memcpy(&u32, p, sizeof(u32));
		return u32;
	default:
		memcpy(&u64, p, sizeof(u64));
		return u64;
	}
}

static void
store(uint8_t *p, size_t size, uint64_t v)
{
	uint16_t u16 = (uint16_t)v;
	uint32_t u32 = (uint32_t)v;

	switch (size) {
	case 1:
		*p = (uint8_t)v;
		break;
	case 2:
		memcpy(p, &u16, sizeof(u16));
		break;
	case 4:
		memcpy(p, &u32, sizeof(u32));
		break;
	default:
		memcpy(p, &v, sizeof(v));
		break;
	}
}

/* A number on the wire, size bytes, highest first. */
static void
number_put(uint8_t *p, size_t size, uint64_t v)
{
	while (size-- > 0) {
		p[size] = (uint8_t)v;
		v >>= 8;
	}
}

static uint64_t
number_get(const uint8_t *p, size_t size)
{
	uint64_t v = 0;
	size_t i;

	for (i = 0; i < size; i++)
		v = v << 8 | p[i];
	return v;
}

static int
number_check(const struct field *d, uint64_t v, struct err *e)
{
	if (v < d->lo || (d->hi != 0 && v > d->hi))
		return err_set(
		    e, "%s may not be %llu", d->name, (unsigned long long)v);
	return 0;
}

static int
text_check(const struct field *d, const void *p, size_t n, struct err *e)
{
	if (n >= d->size)
		return err_set(
		    e, "%s is longer than %zu bytes", d->name, d->size - 1);
	if (!str_is_text(p, n))
		return err_set(e, "%s is not text", d->name);
	return 0;
}

static unsigned
counted(const struct field *d, const uint8_t *from)
{
	unsigned n;

	memcpy(&n, from + d->has_at, sizeof(n));
	return n;
}

static void
set_counted(const struct field *d, uint8_t *to, unsigned n)
{
	memcpy(to + d->has_at, &n, sizeof(n));
}

static int
put_number(struct field_writer *w, const struct field *d, const uint8_t *from,
    struct err *e)
{
	uint64_t v = load(from + d->at, d->size);
	uint8_t wire[8];

	if (d->has_at == 0 && !d->must && v == 0)
		return 0;
	if (number_check(d, v, e) < 0)
		return -1;
	number_put(wire, d->size, v);
	field_put(w, d->key, wire, d->size);
	return 0;
}

static int
put_text(struct field_writer *w, const struct field *d, const uint8_t *text,
    struct err *e)
{
	size_t n = strnlen((const char *)text, d->size);

	if (text_check(d, text, n, e) < 0)
		return -1;
	field_put(w, d->key, text, n);
	return 0;
}

static int
put_texts(struct field_writer *w, const struct field *d, const uint8_t *from,
    struct err *e)
{
	unsigned i, n = counted(d, from);

	if (n > d->max)
		return err_set(e, "%s: %u, %u at most", d->name, n, d->max);
	for (i = 0; i < n; i++)
		if (put_text(w, d, from + d->at + i * d->size, e) < 0)
			return -1;
	return 0;
}

static int
put_list(struct field_writer *w, const struct field *d, const uint8_t *from,
    struct err *e)
{
	size_t i, n = counted(d, from);
	uint8_t wire[64];
	uint64_t v;

	if (n > d->max || n * d->each * d->size > sizeof(wire))
		return err_set(e, "%s: %zu, %u at most", d->name, n, d->max);
	if (n == 0)
		return d->must ? err_set(e, "%s: none", d->name) : 0;
	for (i = 0; i < n * d->each; i++) {
		v = load(from + d->at + i * d->size, d->size);
		if (number_check(d, v, e) < 0)
			return -1;
		number_put(wire + i * d->size, d->size, v);
	}
	field_put(w, d->key, wire, n * d->each * d->size);
	return 0;
}

static int
put_field(struct field_writer *w, const struct field *d, const uint8_t *from,
    struct err *e)
{
	switch (d->kind) {
	case FIELD_TEXTS:
		return put_texts(w, d, from, e);
	case FIELD_LIST:
		return put_list(w, d, from, e);
	case FIELD_TEXT:
		if (!d->must && from[d->at] == '\0')
			return 0;
		return put_text(w, d, from + d->at, e);
	default:
		if (d->has_at != 0 && from[d->has_at] == 0)
			return 0;
		if (d->kind == FIELD_NUMBER)
			return put_number(w, d, from, e);
		field_put(w, d->key, from + d->at, d->size);
		return 0;
	}
}

int
field_encode(uint8_t *to, size_t cap, const struct frame *head,
    const struct field_table *t, const void *from, struct err *e)
{
	struct frame f = *head;
	struct field_writer w;
	size_t i;

	if (cap < FRAME_HEAD)
		return err_set(e, "no room for a frame's head");
	w.to = to + FRAME_HEAD;
	w.cap = cap - FRAME_HEAD;
	if (w.cap > FRAME_BODY_MAX)
		w.cap = FRAME_BODY_MAX;
	w.len = 0;
	for (i = 0; i < t->count; i++)
		if (put_field(&w, &t->fields[i], from, e) < 0)
			return err_prefix(e, "%s", frame_name(t->type));
	if (w.len > w.cap)
		return err_set(e, "%s: %zu bytes, %zu at most",
		    frame_name(t->type), w.len + FRAME_HEAD,
		    w.cap + FRAME_HEAD);
	f.type = t->type;
	f.len = (uint16_t)w.len;
	frame_head(to, &f);
	return (int)(FRAME_HEAD + w.len);
}

static int
get_text(uint8_t *to, const struct field *d, const uint8_t *p, size_t n,
    struct err *e)
{
	if (text_check(d, p, n, e) < 0)
		return -1;
	memcpy(to, p, n);
	to[n] = '\0';
	return 0;
}

static int
get_texts(uint8_t *to, const struct field *d, const uint8_t *p, size_t n,
    struct err *e)
{
	unsigned have = counted(d, to);

	if (have >= d->max)
		return err_set(e, "%s: more than %u", d->name, d->max);
	set_counted(d, to, have + 1);
	return get_text(to + d->at + have * d->size, d, p, n, e);
}

static int
get_list(uint8_t *to, const struct field *d, const uint8_t *p, size_t n,
    struct err *e)
{
	size_t i, item = d->each * d->size;
	uint64_t v;

	if (n % item != 0 || n / item > d->max || (d->must && n == 0))
		return err_set(e, "%s of %zu bytes", d->name, n);
	for (i = 0; i < n / d->size; i++) {
		v = number_get(p + i * d->size, d->size);
		if (number_check(d, v, e) < 0)
			return -1;
		store(to + d->at + i * d->size, d->size, v);
	}
	set_counted(d, to, (unsigned)(n / item));
	return 0;
}

static int
get_fixed(uint8_t *to, const struct field *d, const uint8_t *p, size_t n,
    struct err *e)
{
	uint64_t v;

	if (n != d->size)
		return err_set(
		    e, "%s of %zu bytes, not %zu", d->name, n, d->size);
	if (d->has_at != 0)
		to[d->has_at] = 1;
	if (d->kind == FIELD_BYTES) {
		memcpy(to + d->at, p, n);
		return 0;
	}
	v = number_get(p, n);
	if (number_check(d, v, e) < 0)
		return -1;
	store(to + d->at, n, v);
	return 0;
}

static int
get_field(uint8_t *to, const struct field *d, const uint8_t *p, size_t n,
    struct err *e)
{
	switch (d->kind) {
	case FIELD_TEXT:
		return get_text(to + d->at, d, p, n, e);
	case FIELD_TEXTS:
		return get_texts(to, d, p, n, e);
	case FIELD_LIST:
		return get_list(to, d, p, n, e);
	default:
		return get_fixed(to, d, p, n, e);
	}
}

/* The row of a key, or t->count when this program does not know it. */
static size_t
row_of(const struct field_table *t, uint8_t key)
{
	size_t i;

	for (i = 0; i < t->count; i++)
		if (t->fields[i].key == key)
			break;
	return i;
}

/* Reads all fields; bit i of *seen_out says that row i was there. */
static int
read_all(uint8_t *to, const struct field_table *t, const struct frame *f,
    uint32_t *seen_out, struct err *e)
{
	struct field_reader r = { .p = f->body, .n = f->len };
	const struct field *d;
	const uint8_t *p;
	uint8_t key;
	size_t n, i;
	int rc;

	*seen_out = 0;
	while ((rc = field_next(&r, &key, &p, &n, e)) == 1) {
		if ((i = row_of(t, key)) == t->count)
			continue;
		d = &t->fields[i];
		if ((*seen_out & 1U << i) != 0 && d->kind != FIELD_TEXTS)
			return err_set(e, "%s is there twice", d->name);
		*seen_out |= 1U << i;
		if (get_field(to, d, p, n, e) < 0)
			return -1;
	}
	return rc;
}

int
field_decode(void *to_out, const struct field_table *t, const struct frame *f,
    struct err *e)
{
	uint32_t seen;
	size_t i;

	memset(to_out, 0, t->size);
	if (read_all(to_out, t, f, &seen, e) < 0)
		return err_prefix(e, "%s", frame_name(t->type));
	for (i = 0; i < t->count; i++)
		if (t->fields[i].must && (seen & 1U << i) == 0)
			return err_set(e, "%s: %s is missing",
			    frame_name(t->type), t->fields[i].name);
	return 0;
}
