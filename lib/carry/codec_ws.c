/*
 * A link inside a WebSocket.  Each record that the mux seals is a message of
 * its own, and the reader stops where one ends, so that frames of adit/1 stand
 * whole in their slabs although TLS records and reads cut them anywhere.
 */
#include "carry/codec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "http/http.h"
#include "http/ws.h"
#include "http/ws_open.h"
#include "net/addr.h"
#include "tls/tls_stream.h"

enum {
	OUT_FIRST = 4096,
	OUT_MAX = TLS_OUT_MAX,
	OUT_EXTRA = 1024, /* beyond that: for a pong and a close */
	HANDSHAKE_MAX = 16 << 10,
	HOST_MAX = ADDR_HOST_MAX + 16,
};

/* Of an answer the head is enough, whatever page follows it. */
static const struct http_limits answer_limits = {
	.head_max = HANDSHAKE_MAX, .lines_max = 100, .body_max = 1 << 30
};
static const struct http_limits request_limits = {
	.head_max = HANDSHAKE_MAX, .lines_max = 100, .body_max = 0
};

struct ws {
	struct tls_stream *tls; /* the client's; the server has nginx's */
	struct http *http;      /* the other side's part of the handshake */
	struct ws_reader reader;
	struct ws_writer writer;
	bool up;
	bool close_due;
	bool said_close;
	bool broken;
	uint16_t close_code;
	enum wire_end fault;

	const uint8_t *in; /* came and is not yet taken */
	size_t in_len;
	uint8_t *record; /* client: where TLS opens one */

	uint8_t *out; /* framed and not yet sent: head to tail */
	size_t head;
	size_t tail;
	size_t cap;

	struct addr peer; /* server: as X-Real-IP says */
	char key[WS_KEY_TEXT];
	char host[HOST_MAX];
	char *path; /* client: until it is asked for */
};

/* --- bytes that wait for the wire ------------------------------------------ */

/* Room for n more bytes behind the tail; NULL without memory. */
static uint8_t *
make_room(struct ws *w, size_t n)
{
	size_t len = w->tail - w->head, cap = w->cap > 0 ? w->cap : OUT_FIRST;
	uint8_t *mem;

	if (n <= w->cap - w->tail)
		return w->out + w->tail;
	while (cap < len + n || (cap == w->cap && len > cap / 2))
		cap *= 2;
	if (cap == w->cap) {
		memmove(w->out, w->out + w->head, len);
	} else {
		if ((mem = malloc(cap)) == NULL)
			return NULL;
		if (len > 0)
			memcpy(mem, w->out + w->head, len);
		free(w->out);
		w->out = mem;
		w->cap = cap;
	}
	w->head = 0;
	w->tail = len;
	return w->out + w->tail;
}

static void
took(struct ws *w, size_t n)
{
	w->head += n;
	if (w->head == w->tail)
		w->head = w->tail = 0;
}

/* A whole frame behind those that wait. */
static int
put_frame(struct ws *w, enum ws_op op, const void *p, size_t n)
{
	size_t len = ws_frame_len(&w->writer, n);
	uint8_t *to;

	if (w->tail - w->head + len >
		OUT_MAX + (op == WS_BINARY ? 0 : OUT_EXTRA) ||
	    (to = make_room(w, len)) == NULL ||
	    ws_write(&w->writer, to, op, p, n, NULL) == -1) {
		w->broken = true;
		return -1;
	}
	w->tail += len;
	return 0;
}

/* What WebSocket itself has to say. */
static void
put_control(struct ws *w)
{
	uint8_t code[2] = { (uint8_t)(w->close_code >> 8),
		(uint8_t)w->close_code };

	if (w->reader.pinged && w->up && !w->said_close && !w->broken)
		put_frame(w, WS_PONG, w->reader.ping, w->reader.ping_len);
	w->reader.pinged = false;
	if (!w->close_due || w->said_close || !w->up || w->broken)
		return;
	w->said_close = true;
	put_frame(
	    w, WS_CLOSE, code, w->close_code == WS_NO_CODE ? 0 : sizeof(code));
}

/* Client: full records, however the frames lie in them. */
static void
seal_all(struct ws *w)
{
	size_t n;

	while ((n = w->tail - w->head) > 0) {
		n = n < TLS_RECORD_MAX ? n : TLS_RECORD_MAX;
		if (tls_stream_seal(w->tls, w->out + w->head, n, NULL) == -1) {
			w->broken = true;
			return;
		}
		took(w, n);
	}
}

static const uint8_t *
on_out(void *self, size_t *n_out)
{
	struct ws *w = self;

	put_control(w);
	if (w->tls != NULL) {
		if (!w->broken)
			seal_all(w);
		return tls_stream_out(w->tls, n_out);
	}
	*n_out = w->tail - w->head;
	return w->out + w->head;
}

static size_t
waiting(const void *self)
{
	const struct ws *w = self;
	size_t n = w->tail - w->head;

	if (w->tls != NULL)
		n += tls_stream_waiting(w->tls);
	if (w->reader.pinged || (w->close_due && !w->said_close))
		n += WS_HEAD_MAX;
	return n;
}

static void
on_sent(void *self, size_t n)
{
	struct ws *w = self;

	if (w->tls != NULL)
		tls_stream_sent(w->tls, n);
	else
		took(w, n);
}

static int
on_seal(void *self, const void *p, size_t n)
{
	struct ws *w = self;

	if (!w->up || w->close_due || w->broken || waiting(w) + n > OUT_MAX)
		return -1;
	return put_frame(w, WS_BINARY, p, n);
}

/* A mark is a ping: its pong follows all that came before it. */
static void
on_mark(void *self, uint64_t mark)
{
	struct ws *w = self;

	if (w->up && !w->close_due && !w->broken)
		put_frame(w, WS_PING, &mark, sizeof(mark));
}

static bool
marked(void *self, uint64_t *mark_out)
{
	struct ws_reader *r = &((struct ws *)self)->reader;

	if (!r->ponged)
		return false;
	r->ponged = false;
	if (r->pong_len != sizeof(*mark_out))
		return false;
	memcpy(mark_out, r->pong, sizeof(*mark_out));
	return true;
}

static void
on_close(void *self)
{
	struct ws *w = self;
	size_t n;

	if (!w->up || w->close_due)
		return;
	w->close_due = true;
	w->close_code = WS_NORMAL;
	on_out(w, &n);
	if (w->tls != NULL)
		tls_stream_close(w->tls);
}

static void
on_idle(void *self)
{
	struct ws *w = self;

	if (w->tls != NULL)
		tls_stream_idle(w->tls);
	if (w->head != w->tail)
		return;
	free(w->out);
	w->out = NULL;
	w->head = w->tail = w->cap = 0;
}

/* --- bytes that came ------------------------------------------------------- */

static void
on_feed(void *self, const void *p, size_t n)
{
	struct ws *w = self;

	if (w->tls != NULL) {
		tls_stream_feed(w->tls, p, n);
		return;
	}
	w->in = p;
	w->in_len = n;
}

/* All that was fed is used up or of no interest; why is in e. */
static int
fail(struct ws *w, enum wire_end how)
{
	w->in_len = 0;
	w->fault = how;
	return -1;
}

static int
fail_tls(struct ws *w)
{
	return fail(w,
	    tls_stream_fault(w->tls) == TLS_FAULT_TRUST ? WIRE_TRUST
							: WIRE_TLS);
}

/* True when something lies at w->in; -1 when TLS has failed. */
static int
more(struct ws *w, struct err *e)
{
	ssize_t n;

	if (w->in_len > 0 || w->tls == NULL)
		return w->in_len > 0;
	if ((n = tls_stream_open(w->tls, w->record, TLS_RECORD_MAX, e)) < 0)
		return fail_tls(w);
	w->in = w->record;
	w->in_len = (size_t)n;
	return n > 0;
}

static void
use(struct ws *w, size_t n)
{
	w->in += n;
	w->in_len -= n;
}

static ssize_t
on_open(void *self, void *p, size_t n, struct err *e)
{
	struct ws *w = self;
	struct ws_reader *r = &w->reader;
	size_t len = 0, used;
	ssize_t k;
	int rc = 1;

	while (len < n && !r->closed && (len == 0 || !ws_is_between(r))) {
		if ((rc = more(w, e)) != 1)
			break;
		k = ws_read(
		    r, w->in, w->in_len, &used, (uint8_t *)p + len, n - len, e);
		if (k < 0) {
			w->close_due = true;
			w->close_code = r->code;
			return fail(w, WIRE_TLS);
		}
		use(w, used);
		len += (size_t)k;
	}
	if (r->closed && !w->close_due) {
		w->close_due = true;
		w->close_code = r->code;
	}
	/* what came before TLS broke is still good */
	return rc == -1 && len == 0 ? -1 : (ssize_t)len;
}

static bool
is_closed(const void *self)
{
	const struct ws *w = self;

	return w->reader.closed ||
	    (w->tls != NULL && tls_stream_is_closed(w->tls));
}

static enum wire_end
fault(const void *self)
{
	return ((const struct ws *)self)->fault;
}

/* --- the handshake --------------------------------------------------------- */

/* HTTP goes the same way as frames; b is emptied. */
static int
put_http(struct ws *w, struct buf *b, struct err *e)
{
	size_t n = buf_len(b);
	uint8_t *to = make_room(w, n);

	if (to == NULL)
		return err_sys(e, "WebSocket");
	memcpy(to, buf_data(b), n);
	w->tail += n;
	buf_free(b);
	return 0;
}

static int
ask(struct ws *w, struct err *e)
{
	struct buf b;
	int rc;

	buf_init(&b, HANDSHAKE_MAX);
	if ((rc = ws_open_key(w->key, e)) == 0 &&
	    (rc = ws_open_ask(&b, w->host, w->path, w->key, e)) == 0)
		rc = put_http(w, &b, e);
	buf_free(&b);
	free(w->path);
	w->path = NULL;
	return rc;
}

static int
up(struct ws *w)
{
	http_free(&w->http);
	w->up = true;
	return 1;
}

static int
shake_client(struct ws *w, struct err *e)
{
	size_t used;
	int rc;

	if ((rc = tls_stream_handshake(w->tls, e)) != 1)
		return rc == 0 ? 0 : fail_tls(w);
	if (w->path != NULL && ask(w, e) == -1)
		return fail(w, WIRE_LOST);
	while ((rc = more(w, e)) == 1) {
		rc = http_feed(w->http, w->in, w->in_len, &used, e);
		if (rc == -1)
			return fail(w, WIRE_TLS);
		use(w, used);
		if (!http_has_head(w->http))
			continue;
		if (ws_open_is_granted(w->http, w->key, e) == -1)
			return fail(w, WIRE_TLS);
		return up(w);
	}
	if (rc == 0 && tls_stream_is_closed(w->tls)) {
		err_set(e, "no WebSocket is there: it hung up");
		return fail(w, WIRE_TLS);
	}
	return rc;
}

static int
refuse(struct ws *w, unsigned status, struct err *e)
{
	struct buf b;

	buf_init(&b, HANDSHAKE_MAX);
	if (ws_open_refuse(&b, status, e->text, NULL) == 0)
		(void)put_http(w, &b, NULL);
	buf_free(&b);
	err_prefix(e, "refused with %u", status);
	return fail(w, WIRE_TLS);
}

/* Without nginx's word on who it is, all would count as one address. */
static int
read_peer(struct ws *w, struct err *e)
{
	const char *text = http_header(w->http, "X-Real-IP");

	if (text == NULL)
		return err_set(e, "X-Real-IP is missing");
	if (addr_parse_ip(&w->peer, text, e) == -1)
		return err_prefix(e, "X-Real-IP");
	return 0;
}

static int
shake_server(struct ws *w, struct err *e)
{
	unsigned status = 400;
	struct buf b;
	size_t used;
	int rc;

	rc = http_feed(w->http, w->in, w->in_len, &used, e);
	if (rc == -1)
		return refuse(w, http_refusal(w->http), e);
	use(w, used);
	if (rc == 0)
		return 0;
	if (ws_open_check(w->http, &status, e) == -1 || read_peer(w, e) == -1)
		return refuse(w, status, e);
	buf_init(&b, HANDSHAKE_MAX);
	if (ws_open_grant(&b, w->http, e) == -1 || put_http(w, &b, e) == -1) {
		buf_free(&b);
		return fail(w, WIRE_LOST);
	}
	return up(w);
}

static int
on_handshake(void *self, struct err *e)
{
	struct ws *w = self;

	if (w->up)
		return 1;
	return w->tls != NULL ? shake_client(w, e) : shake_server(w, e);
}

/* --- the rest -------------------------------------------------------------- */

static bool
peer(const void *self, struct addr *a_out)
{
	const struct ws *w = self;

	if (w->tls != NULL)
		return false;
	*a_out = w->peer;
	return true;
}

static void
describe(const void *self, char *to, size_t cap)
{
	const struct ws *w = self;

	if (w->tls == NULL)
		snprintf(to, cap, "WebSocket");
	else
		snprintf(to, cap, "WebSocket, %s %s",
		    tls_stream_version(w->tls), tls_stream_cipher(w->tls));
}

static void
on_free(void *self)
{
	struct ws *w = self;

	tls_stream_free(&w->tls);
	http_free(&w->http);
	free(w->record);
	free(w->out);
	free(w->path);
	free(w);
}

static const struct codec_ops ops = {
	.handshake = on_handshake,
	.feed = on_feed,
	.open = on_open,
	.is_closed = is_closed,
	.fault = fault,
	.seal = on_seal,
	.waiting = waiting,
	.out = on_out,
	.sent = on_sent,
	.close = on_close,
	.idle = on_idle,
	.mark = on_mark,
	.marked = marked,
	.peer = peer,
	.describe = describe,
	.free = on_free,
};

static struct ws *
ws_new(enum ws_side side, struct err *e)
{
	bool is_client = side == WS_CLIENT;
	struct ws *w;

	if ((w = calloc(1, sizeof(*w))) == NULL) {
		err_sys(e, "WebSocket");
		return NULL;
	}
	w->fault = WIRE_TLS;
	ws_reader_init(&w->reader, side);
	ws_writer_init(&w->writer, side);
	w->http = http_new(is_client ? HTTP_SIDE_RESPONSE : HTTP_SIDE_REQUEST,
	    is_client ? &answer_limits : &request_limits, e);
	if (w->http == NULL) {
		on_free(w);
		return NULL;
	}
	return w;
}

struct codec
codec_ws_client(
    struct tls_stream *t, const char *host, const char *path, struct err *e)
{
	struct codec none = { .ops = &ops };
	struct ws *w;

	if ((w = ws_new(WS_CLIENT, e)) == NULL) {
		tls_stream_free(&t);
		return none;
	}
	w->tls = t;
	if ((w->record = malloc(TLS_RECORD_MAX)) == NULL ||
	    (w->path = strdup(path)) == NULL) {
		err_sys(e, "WebSocket");
		on_free(w);
		return none;
	}
	if (!str_copy(w->host, sizeof(w->host), host)) {
		err_set(e, "WebSocket: the host's name is too long");
		on_free(w);
		return none;
	}
	return (struct codec){ .ops = &ops, .self = w };
}

struct codec
codec_ws_server(struct err *e)
{
	return (struct codec){ .ops = &ops, .self = ws_new(WS_SERVER, e) };
}
