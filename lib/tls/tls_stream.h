/*
 * tls_stream: one TLS connection over memory.  It knows no socket: the owner
 * feeds it what came from the wire and sends what waits for the wire.
 *
 *	in:  recv, tls_stream_feed, tls_stream_open until 0
 *	out: tls_stream_seal ..., tls_stream_out, send, tls_stream_sent
 *
 * Each step may leave bytes waiting for the wire (the handshake, alerts, the
 * answer to a KeyUpdate): look at tls_stream_waiting() after each, also after
 * a failure: the alert tells the peer why.
 */
#ifndef TLS_STREAM_H
#define TLS_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct err;
struct tls_ctx;
struct tls_stream;

enum {
	TLS_RECORD_MAX = 16384,    /* plain bytes of one record */
	TLS_RECORD_EXTRA = 512,    /* a record is never larger than by this */
	TLS_OUT_MAX = 1 << 20,     /* bytes that may wait for the wire */
	TLS_KEY_UPDATES_MAX = 100, /* a minute, then the link is broken */
};

/* What a failure was about. */
enum tls_fault {
	TLS_FAULT_NONE,
	TLS_FAULT_TRUST, /* certificate, name, date or pin: not the network */
	TLS_FAULT_PEER,  /* the peer does not speak TLS as we do, or broke it */
	TLS_FAULT_OWN,   /* no memory and the like */
};

struct tls_stream *tls_stream_server(struct tls_ctx *c, struct err *e);

/*
 * host is what was dialled, a name or an address: it is told to the server
 * (names only) and compared with its certificate.  The first bytes wait for
 * the wire after the first tls_stream_handshake().
 */
struct tls_stream *tls_stream_client(
    struct tls_ctx *c, const char *host, struct err *e);

void tls_stream_free(struct tls_stream **t);

/*
 * Hands in n bytes from the wire.  They are borrowed, and free again once
 * tls_stream_handshake() or tls_stream_open() has returned 0 or -1: a record
 * that is cut is kept by the stream itself.  What was fed before must have
 * been used up: tls_stream_unread() is then 0.
 */
void tls_stream_feed(struct tls_stream *t, const void *p, size_t n);
size_t tls_stream_unread(const struct tls_stream *t);

/*
 * Goes on with the handshake: 1 done (bytes may be left: open them), 0 more
 * must be fed, -1 failed, e tells why and tls_stream_fault() about what.
 */
int tls_stream_handshake(struct tls_stream *t, struct err *e);
bool tls_stream_is_up(const struct tls_stream *t);
enum tls_fault tls_stream_fault(const struct tls_stream *t);

/*
 * Opens bytes from the wire into p, at most one record and at most n: their
 * number; 0 none now; -1 broken.  After 0, tls_stream_is_closed() tells
 * whether the peer has said that nothing will follow (close_notify).
 */
ssize_t tls_stream_open(struct tls_stream *t, void *p, size_t n, struct err *e);
bool tls_stream_is_closed(const struct tls_stream *t);

/*
 * Seals 1 to TLS_RECORD_MAX bytes into one record behind those that wait for
 * the wire.  -1 when the stream is not up or broken, or when nothing more may
 * wait: look at tls_stream_room() before.
 */
int tls_stream_seal(
    struct tls_stream *t, const void *p, size_t n, struct err *e);

/* Full records that may still be sealed before TLS_OUT_MAX wait. */
size_t tls_stream_room(const struct tls_stream *t);

/* Says that nothing will follow (close_notify); once. */
void tls_stream_close(struct tls_stream *t);

/* The bytes that wait for the wire, in one piece; valid until the next call. */
const uint8_t *tls_stream_out(const struct tls_stream *t, size_t *n_out);
size_t tls_stream_waiting(const struct tls_stream *t);

/* n of them have been sent. */
void tls_stream_sent(struct tls_stream *t, size_t n);

/* The link rests: gives back what memory it can. */
void tls_stream_idle(struct tls_stream *t);

/* "TLSv1.3", "TLS_AES_128_GCM_SHA256", for the log, once it is up. */
const char *tls_stream_version(const struct tls_stream *t);
const char *tls_stream_cipher(const struct tls_stream *t);

/* Counters for the benchmark: records sealed and opened. */
struct tls_counts {
	uint64_t sealed;
	uint64_t opened;
};

struct tls_counts tls_stream_counts(const struct tls_stream *t);

#endif
