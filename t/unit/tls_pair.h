/*
 * tls_pair: a client and a server that talk through memory, for tests.
 */
#ifndef T_TLS_PAIR_H
#define T_TLS_PAIR_H

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "tls/tls_ctx.h"
#include "tls/tls_stream.h"

struct pair {
	struct tls_stream *client;
	struct tls_stream *server;
	int client_rc; /* of the handshake */
	int server_rc;
	struct err client_why;
	struct err server_why;
};

/*
 * Carries at most n of the bytes that wait at from to the other side, in a
 * block of exactly that size.  Returns how many.
 */
static inline size_t
pair_carry(struct tls_stream *from, struct tls_stream *to, size_t n,
    uint8_t **block_out)
{
	const uint8_t *p;
	size_t have;

	*block_out = NULL;
	p = tls_stream_out(from, &have);
	if (have < n)
		n = have;
	if (n == 0 || (*block_out = malloc(n)) == NULL)
		return 0;
	memcpy(*block_out, p, n);
	tls_stream_sent(from, n);
	tls_stream_feed(to, *block_out, n);
	return n;
}

/* Handshake in pieces of at most piece bytes; true when both are up. */
static inline bool
pair_shake(struct pair *p, size_t piece)
{
	uint8_t *a, *b;
	size_t moved = 1;
	int i;

	p->server_rc = 0;
	p->client_rc = tls_stream_handshake(p->client, &p->client_why);
	for (i = 0; i < 100000 && moved > 0; i++) {
		moved = pair_carry(p->client, p->server, piece, &a);
		if (p->server_rc == 0)
			p->server_rc =
			    tls_stream_handshake(p->server, &p->server_why);
		free(a);
		moved += pair_carry(p->server, p->client, piece, &b);
		if (p->client_rc == 0)
			p->client_rc =
			    tls_stream_handshake(p->client, &p->client_why);
		free(b);
	}
	return p->client_rc == 1 && p->server_rc == 1;
}

static inline bool
pair_open(struct pair *p, struct tls_ctx *client, struct tls_ctx *server,
    const char *host)
{
	*p = (struct pair){ 0 };
	p->client = tls_stream_client(client, host, &p->client_why);
	p->server = tls_stream_server(server, &p->server_why);
	return p->client != NULL && p->server != NULL;
}

static inline void
pair_close(struct pair *p)
{
	tls_stream_free(&p->client);
	tls_stream_free(&p->server);
}

#endif
