#include "net/lookup.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/str.h"
#include "net/loop.h"

enum { STACK = 512 * 1024 };

/* A name on its way to numbers.  Owner, thread and post each hold it. */
struct lookup {
	pthread_mutex_t lock; /* of wanted */
	bool wanted;
	struct loop *loop;
	atomic_uint holders;
	lookup_fn *fn;
	void *arg;
	char host[ADDR_HOST_MAX + 1];
	struct addr found[LOOKUP_ADDRS_MAX];
	size_t count;
	struct err why;
};

static atomic_uint lookups;

/* So many holders less. */
static void
let_go(struct lookup *k, unsigned n)
{
	if (atomic_fetch_sub(&k->holders, n) > n)
		return;
	pthread_mutex_destroy(&k->lock);
	free(k);
}

/* In the loop's thread: the numbers are here, or the reason for none. */
static void
on_found(void *arg)
{
	struct lookup *k = arg;
	unsigned n = 1; /* the post */

	/* Only this thread takes back that it is wanted. */
	if (k->wanted) {
		k->wanted = false;
		k->fn(k->arg, k->found, k->count, &k->why);
		n = 2; /* and the owner */
	}
	let_go(k, n);
}

/* The next address of one family (or of the other), or NULL. */
static const struct addrinfo *
next_of(const struct addrinfo *ai, int family, bool same)
{
	while (ai != NULL && (ai->ai_family == family) != same)
		ai = ai->ai_next;
	return ai;
}

/* Takes over what the system found: the families take turns. */
static void
take_found(struct lookup *k, const struct addrinfo *all)
{
	const struct addrinfo *a[2];
	unsigned turn;

	a[0] = all;
	a[1] = next_of(all, all->ai_family, false);
	for (turn = 0; k->count < LOOKUP_ADDRS_MAX; turn = !turn) {
		if (a[turn] == NULL && a[!turn] == NULL)
			return;
		if (a[turn] == NULL)
			continue;
		if (addr_from_sockaddr(
			&k->found[k->count], a[turn]->ai_addr, NULL) == 0)
			k->found[k->count++].port = 0;
		a[turn] = next_of(a[turn]->ai_next, all->ai_family, turn == 0);
	}
}

/* The helper thread: the one place where something may take long. */
static void *
look_up(void *arg)
{
	struct lookup *k = arg;
	struct addrinfo hints = { .ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM };
	struct addrinfo *all = NULL;
	int rc;

	rc = getaddrinfo(k->host, NULL, &hints, &all);
	if (rc == 0)
		take_found(k, all);
	if (k->count == 0)
		err_set(&k->why, "the name %s does not resolve: %s", k->host,
		    rc == 0 ? "no address" : gai_strerror(rc));
	if (all != NULL)
		freeaddrinfo(all);
	atomic_fetch_sub(&lookups, 1);
	pthread_mutex_lock(&k->lock);
	/* Within the lock: an owner that is there keeps its loop there. */
	if (k->wanted) {
		atomic_fetch_add(&k->holders, 1);
		if (loop_post(k->loop, on_found, k, NULL) != 0)
			atomic_fetch_sub(&k->holders, 1);
	}
	pthread_mutex_unlock(&k->lock);
	let_go(k, 1);
	return NULL;
}

/* Starts a detached thread that no signal is delivered to. */
static int
start_thread(struct lookup *k, struct err *e)
{
	pthread_attr_t attr;
	sigset_t all, before;
	pthread_t thread;
	int rc;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&thread, &attr, look_up, k);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	errno = rc;
	return rc == 0 ? 0 : err_sys(e, "a thread for looking names up");
}

struct lookup *
lookup_start(
    struct loop *l, const char *host, lookup_fn *fn, void *arg, struct err *e)
{
	struct lookup *k = NULL;

	if (host[0] == '\0' || strlen(host) > ADDR_HOST_MAX) {
		err_set(e, "a host name of %zu bytes", strlen(host));
		return NULL;
	}
	if (atomic_fetch_add(&lookups, 1) >= LOOKUP_MAX) {
		err_set(e, "%d names are being looked up already", LOOKUP_MAX);
		goto less;
	}
	if ((k = calloc(1, sizeof(*k))) == NULL) {
		err_sys(e, "look-up");
		goto less;
	}
	pthread_mutex_init(&k->lock, NULL);
	k->wanted = true;
	k->loop = l;
	k->fn = fn;
	k->arg = arg;
	k->holders = 2;
	str_copy(k->host, sizeof(k->host), host);
	if (start_thread(k, e) == 0)
		return k;
	let_go(k, 2);
less:
	atomic_fetch_sub(&lookups, 1);
	return NULL;
}

void
lookup_cancel(struct lookup **kp)
{
	struct lookup *k = *kp;

	*kp = NULL;
	if (k == NULL)
		return;
	pthread_mutex_lock(&k->lock);
	k->wanted = false;
	pthread_mutex_unlock(&k->lock);
	let_go(k, 1);
}

size_t
lookup_here(const char *host, struct addr out[2])
{
	if (addr_parse_ip(&out[0], host, NULL) == 0)
		return 1;
	if (strcmp(host, "localhost") != 0)
		return 0;
	(void)addr_parse_ip(&out[0], "127.0.0.1", NULL);
	(void)addr_parse_ip(&out[1], "::1", NULL);
	return 2;
}
