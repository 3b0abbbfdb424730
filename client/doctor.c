#include "doctor.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/random.h"
#include "base/str.h"
#include "carry/carry.h"
#include "client_conf.h"
#include "greet.h"
#include "link.h"
#include "mux/mux.h"
#include "net/dial.h"
#include "net/lookup.h"
#include "net/loop.h"
#include "plat/plat.h"
#include "proto/code.h"
#include "proto/ctl.h"
#include "proto/frame.h"
#include "proto/hello.h"

/* Before this program was written no clock can have been right. */
#define EARLIEST_MS INT64_C(1767225600000) /* 2026-01-01 */

enum { STEP_MS = 20000 };

enum verdict { OK, FAILS, NOTE };

struct doctor {
	struct client_conf conf;
	struct loop *loop;
	struct carry carry;
	struct hook *hook;
	unsigned failed;
	unsigned troubles; /* those too that another way makes up for */
	bool lenient;      /* another way may do: a failure is only noted */
	bool done;         /* the step that is under way */

	/* the outcome of a look-up or a dial */
	struct addr found[LOOKUP_ADDRS_MAX];
	size_t count;
	enum dial_result result;
	struct err why;

	/* of a link */
	struct link *link;
	char via[LINK_VIA_MAX];
	char name[sizeof(((struct door *)0)->text) + LINK_VIA_MAX + 16];
	enum link_state state; /* how far it came */
	enum link_fail fail;
	bool welcomed;
	bool rejected;
	struct proto_reject reject;
};

static void tell(struct doctor *d, enum verdict v, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

static void
tell(struct doctor *d, enum verdict v, const char *fmt, ...)
{
	static const char *const words[] = { "ok   ", "FAILS", "note " };
	va_list ap;

	d->troubles += v == FAILS;
	if (v == FAILS && d->lenient)
		v = NOTE;
	d->failed += v == FAILS;
	printf("%s  ", words[v]);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	(void)fflush(stdout);
}

static void
advise(const char *text)
{
	printf("       -> %s\n", text);
	(void)fflush(stdout);
}

/* Turns the loop until the step is done, or takes far too long. */
static bool
await(struct doctor *d)
{
	uint64_t end = clock_ms() + STEP_MS;
	struct err e;

	while (!d->done && clock_ms() < end)
		if (loop_turn(d->loop, 100, &e) != 0)
			return false;
	return d->done;
}

/* --- settings and clock ---------------------------------------------------- */

static void
check_settings(struct doctor *d)
{
	const struct client_conf *c = &d->conf;
	const struct proxy_conf *p = &c->proxy;
	char list[400], proxy[PROXY_TEXT];

	tell(d, OK, "settings: %zu server%s; allowed here: %s", c->door_count,
	    c->door_count == 1 ? "" : "s",
	    allow_text(&c->allow, list, sizeof(list)));
	if (p->has_proxy)
		tell(d, OK, "proxy: %s (%s)", proxy_text(proxy, &p->proxy),
		    p->whence);
	if (p->trouble.text[0] != '\0')
		tell(d, NOTE, "proxy: %s", p->trouble.text);
	if (!c->has_token)
		tell(d, NOTE,
		    "token: none given (--token-file or ADIT_TOKEN), so the"
		    " relay is not asked about it");
}

static void
check_clock(struct doctor *d)
{
	char text[32];
	int64_t now = clock_wall_ms();

	clock_rfc3339(text, sizeof(text), now);
	if (now >= EARLIEST_MS) {
		tell(d, OK, "clock: %s", text);
		return;
	}
	tell(d, FAILS, "clock: %s is long ago", text);
	advise("Set this computer's date: certificates are not accepted"
	       " otherwise.");
}

/* --- a door ---------------------------------------------------------------- */

static void
on_found(
    void *arg, const struct addr *found, size_t count, const struct err *why)
{
	struct doctor *d = arg;

	memcpy(d->found, found, count * sizeof(*found));
	d->count = count;
	d->why = *why;
	d->done = true;
}

static bool
check_name(struct doctor *d, const struct door *door)
{
	char text[ADDR_TEXT], all[256];
	struct lookup *k = NULL;
	size_t i, len = 0;

	d->done = false;
	d->count = lookup_here(door->host, d->found);
	if (d->count == 0) {
		k = lookup_start(d->loop, door->host, on_found, d, &d->why);
		if (k != NULL && !await(d)) {
			err_set(&d->why, "the look-up takes too long");
			lookup_cancel(&k);
		}
	}
	if (d->count == 0) {
		tell(d, FAILS, "%s: name: %s", door->text, d->why.text);
		advise("Check the spelling of --server and this computer's"
		       " DNS.");
		return false;
	}
	all[0] = '\0';
	for (i = 0; i < d->count && len + ADDR_TEXT < sizeof(all); i++)
		len += (size_t)snprintf(all + len, sizeof(all) - len, "%s%s",
		    i > 0 ? ", " : "", addr_ip_text(text, &d->found[i]));
	tell(d, OK, "%s: name: %s", door->text, all);
	return true;
}

static int
on_hello(void *arg, struct proto_hello *h, struct err *e)
{
	struct doctor *d = arg;

	d->state = LINK_HELLO;
	if (!d->conf.has_token)
		return err_set(e, "no token");
	/*
	 * It only asks.  An older relay does not know that: there it is one
	 * that returns with an unknown key, which never takes over from a
	 * client that runs.
	 */
	greet_hello(h, &d->conf);
	h->asks = true;
	h->has_key = true;
	if (random_bytes(h->key, sizeof(h->key), e) != 0)
		return -1;
	return random_bytes(h->instance, sizeof(h->instance), e);
}

/* An older relay began a session, as no client runs: that is over at once. */
static int
on_welcome(
    void *arg, struct link *k, const struct proto_welcome *w, struct err *e)
{
	struct doctor *d = arg;
	struct proto_goaway g = { .code = CODE_CLOSING,
		.sentence = "adit doctor has seen enough" };
	uint8_t frame[FRAME_HEAD + 512];
	int n = goaway_encode(frame, sizeof(frame), &g, e);

	(void)w;
	if (n > 0)
		(void)wire_seal(k->wire, frame, (size_t)n);
	d->welcomed = true;
	d->done = true;
	(void)str_copy(d->via, sizeof(d->via), k->via);
	return 0;
}

static void
on_reject(void *arg, struct link *k, const struct proto_reject *r)
{
	struct doctor *d = arg;

	d->rejected = true;
	d->reject = *r;
	d->done = true;
	(void)str_copy(d->via, sizeof(d->via), k->via);
	d->link = NULL;
	link_free(&k);
}

static void
on_failed(void *arg, struct link *k, enum link_fail how, const char *why)
{
	struct doctor *d = arg;

	if (k->state != LINK_HELLO)
		d->state = k->state;
	d->fail = how;
	(void)str_copy(d->via, sizeof(d->via), k->via);
	err_set(&d->why, "%s", why);
	d->done = true;
	d->link = NULL;
	link_free(&k);
}

static void
on_down(void *arg, struct link *k, const char *why)
{
	struct doctor *d = arg;

	(void)why;
	d->link = NULL;
	link_free(&k);
}

static const struct link_ops link_ops = { on_hello, on_welcome, on_reject,
	on_failed, on_down };

/* An older relay says "replaced" when a client runs. */
static bool
is_known(const struct doctor *d)
{
	return d->rejected &&
	    (d->reject.code == CODE_KNOWN || d->reject.code == CODE_REPLACED);
}

static void
tell_token(struct doctor *d)
{
	char text[1024];

	if (!d->conf.has_token)
		return;
	if (d->welcomed || (is_known(d) && d->reject.other_name[0] == '\0'))
		tell(d, OK,
		    "%s: token: the relay knows it; no client of this"
		    " machine runs now",
		    d->name);
	else if (is_known(d))
		tell(d, OK,
		    "%s: token: the relay knows it; a client of this"
		    " machine runs (%s at %s)",
		    d->name, d->reject.other_name, d->reject.other_addr);
	else if (d->rejected) {
		tell(d, FAILS, "%s: token: %s", d->name,
		    greet_refusal(text, sizeof(text), &d->reject));
		advise(d->reject.retry ? "Try again later."
				       : "Make a new key for this machine.");
	} else
		tell(d, FAILS, "%s: relay: %s", d->name, d->why.text);
}

static void
tell_tls(struct doctor *d, const struct door *door)
{
	if (d->state == LINK_HELLO || d->welcomed || d->rejected) {
		tell(d, OK, "%s: TLS: it is the relay that was meant (%s)",
		    d->name, door->ca == NULL ? "pin" : door->ca);
		tell_token(d);
		return;
	}
	tell(d, FAILS, "%s: TLS: %s", d->name, d->why.text);
	if (d->fail != LINK_FAIL_TRUST)
		advise("What answers there is no relay: check host and port;"
		       " a proxy or captive portal may stand between.");
	else if (door->ca == NULL)
		advise("Compare --pin with `aditctl relay pin` on the server."
		       "  If they differ, somebody else answers.");
	else
		advise("Check --ca, and the certificate on the server.");
}

/* Dials, as far as it goes; GOAWAY ends what came up. */
static void
try_link(struct doctor *d, const struct door *door, const struct proxy_conf *p)
{
	d->done = d->welcomed = d->rejected = false;
	d->state = LINK_CONNECTING;
	d->fail = LINK_FAIL_NET;
	d->via[0] = '\0';
	err_set(&d->why, "no answer in time");
	d->link = link_new(&d->carry, door, p, &link_ops, d, &d->why);
	if (d->link != NULL)
		(void)await(d);
	link_finish(&d->link);
	d->done = list_empty(&d->carry.wires);
	while (!d->done && loop_turn(d->loop, 100, NULL) == 0)
		d->done = list_empty(&d->carry.wires);
	snprintf(d->name, sizeof(d->name), "%s%s%s", door->text,
	    d->via[0] != '\0' ? " through " : "", d->via);
}

static void
tell_link(struct doctor *d, const struct door *door)
{
	if (d->state == LINK_CONNECTING && !d->welcomed && !d->rejected) {
		tell(d, FAILS, "%s: connection: %s", d->name, d->why.text);
		if (d->via[0] == '\0')
			advise("Check that the relay runs, and that its"
			       " firewall and yours let this port through.");
	} else {
		tell(d, OK, "%s: connection", d->name);
		tell_tls(d, door);
	}
}

/* Whether the relay is reached through a proxy. */
static bool
check_proxied(struct doctor *d, const struct door *door)
{
	const struct proxy_conf *p = &d->conf.proxy;
	unsigned before = d->troubles;

	if (p->use == PROXY_NEVER)
		return false;
	try_link(d, door, p);
	if (d->fail == LINK_FAIL_NONE) {
		tell(d, OK, "%s: proxy: none is set", door->text);
		return false;
	}
	d->lenient = p->use == PROXY_SYSTEM;
	tell_link(d, door);
	d->lenient = false;
	return d->troubles == before;
}

static void
check_door(struct doctor *d, const struct door *door)
{
	d->lenient = check_proxied(d, door);
	if (d->conf.proxy.use != PROXY_GIVEN && check_name(d, door)) {
		try_link(d, door, NULL);
		tell_link(d, door);
	}
	d->lenient = false;
}

/* --- what is served -------------------------------------------------------- */

static void
on_dialled(void *arg, enum dial_result r, int fd, const struct addr *peer,
    const struct err *why)
{
	struct doctor *d = arg;

	(void)peer;
	d->result = r;
	d->why = *why;
	d->done = true;
	plat_close(&fd);
}

static void
check_target(struct doctor *d, const struct allow_entry *n)
{
	struct dial *k;

	if (n->from != n->to) {
		tell(d, NOTE, "service %s: many ports, none of them is tried",
		    n->text);
		return;
	}
	d->done = false;
	d->result = DIAL_TIMEOUT;
	k = dial_start(
	    d->loop, n->host, n->from, DIAL_SERVICE_MS, on_dialled, d, &d->why);
	if (k != NULL && !await(d))
		dial_cancel(&k);
	if (k != NULL && d->result == DIAL_OK) {
		tell(d, OK, "service %s: something answers by TCP", n->text);
		return;
	}
	tell(d, NOTE, "service %s: %s", n->text, d->why.text);
	advise("Start the service, unless it speaks UDP only: that cannot be"
	       " tried from here.");
}

/* --- all ------------------------------------------------------------------- */

static uint64_t
on_turn(void *arg)
{
	return carry_turn(arg);
}

static int
examine(struct doctor *d, struct err *e)
{
	size_t i;

	if ((d->loop = loop_new(e)) == NULL ||
	    carry_init(&d->carry, d->loop, NULL, e) != 0 ||
	    (d->hook = loop_on_turn(d->loop, on_turn, &d->carry, e)) == NULL)
		return -1;
	check_settings(d);
	check_clock(d);
	for (i = 0; i < d->conf.door_count; i++)
		check_door(d, &d->conf.doors[i]);
	for (i = 0; i < d->conf.allow.count; i++)
		check_target(d, &d->conf.allow.entries[i]);
	return 0;
}

static void
doctor_close(struct doctor *d)
{
	loop_off_turn(&d->hook);
	if (d->carry.loop != NULL)
		carry_close(&d->carry);
	loop_free(&d->loop);
	client_conf_close(&d->conf);
}

int
doctor_run(int argc, char *const *argv)
{
	struct doctor *d;
	struct err e;
	int rc;

	if ((d = calloc(1, sizeof(*d))) == NULL) {
		perror("adit doctor");
		return EXIT_UNEXPECTED;
	}
	rc = client_conf_read(&d->conf, argc, argv, &e);
	if (rc == 0 &&
	    (d->conf.token_file != NULL || getenv("ADIT_TOKEN") != NULL))
		rc = client_conf_token(&d->conf, &e);
	if (rc != 0) {
		printf("FAILS  settings: %s\n", e.text);
	} else if (examine(d, &e) != 0) {
		fprintf(stderr, "adit doctor: %s\n", e.text);
		rc = EXIT_UNEXPECTED;
	} else {
		rc = d->failed > 0 ? EXIT_UNEXPECTED : 0;
		printf(rc == 0 ? "Nothing is wrong.\n"
			       : "Something has to be mended, see above.\n");
	}
	doctor_close(d);
	free(d);
	return rc;
}
