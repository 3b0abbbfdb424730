#include "reload.h"

#include <string.h>

#include "base/err.h"
#include "log/log.h"
#include "tls/tls_ctx.h"

#include "registry.h"
#include "relay.h"

/* Keys that are looked at once, at the start. */
static const char *const at_start[] = {
	"database",
	"public_bind",
	"socket_group",
	"relay.listen",
	"relay.cert",
	"relay.key",
	"relay.tls_min",
	"relay.workers",
	"relay.memory_mb",
	"relay.control",
	"relay.feed",
	"relay.link",
	"limits.files_reserve",
};

void
reload_tune(struct relay *r)
{
	r->tune.limits = r->conf.limits;
	r->tune.grace_ms = r->conf.relay.grace_s * 1000;
	r->tune.hold_ms = r->conf.relay.hold_s * 1000;
}

int
reload_log(const struct adit_conf *c, struct err *e)
{
	struct log_options o = {
		.file = c->log.file,
		.level = (enum log_level)c->log.level,
		.rotate_mb = c->log.rotate_mb,
		.keep = c->log.keep,
		.alike_per_s = c->log.alike_per_s,
	};

	return log_open(&o, e);
}

static bool
same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool
same_list(const struct conf_list *a, const struct conf_list *b)
{
	size_t i;

	if (a->n != b->n)
		return false;
	for (i = 0; i < a->n; i++)
		if (!same_text(a->at[i], b->at[i]))
			return false;
	return true;
}

/* Has the key the same value in both? */
static bool
is_same(const struct conf_key *k, const struct adit_conf *a,
    const struct adit_conf *b)
{
	const void *x = (const char *)a + k->offset;
	const void *y = (const char *)b + k->offset;

	switch (k->type) {
	case CONF_TEXT:
	case CONF_PATH:
		return same_text(*(char *const *)x, *(char *const *)y);
	case CONF_NUMBER:
		return *(const uint32_t *)x == *(const uint32_t *)y;
	case CONF_BOOL:
		return *(const bool *)x == *(const bool *)y;
	case CONF_WORD:
		return *(const int *)x == *(const int *)y;
	case CONF_LIST:
		return same_list(x, y);
	}
	return true;
}

static void
name_restarts(const struct adit_conf *old, const struct adit_conf *new)
{
	const struct conf_key *k;
	size_t i;

	for (i = 0; i < sizeof(at_start) / sizeof(at_start[0]); i++) {
		k = conf_find(&adit_conf_table, at_start[i]);
		if (k != NULL && !is_same(k, old, new))
			log_warn("settings: %s has changed, which takes a "
				 "restart",
			    at_start[i]);
	}
}

static void
reload_settings(struct relay *r, const char *path)
{
	struct adit_conf fresh = { 0 };
	struct err e;

	if (adit_conf_load(&fresh, path, &e) == -1) {
		log_error("settings: unchanged, %s", e.text);
		return;
	}
	if (reload_log(&fresh, &e) == -1)
		log_error("log: unchanged, %s", e.text);
	name_restarts(&r->conf, &fresh);
	adit_conf_free(&r->conf);
	r->conf = fresh;
	reload_tune(r);
	registry_retune(r->registry);
	log_info("settings: read again");
}

void
reload(struct relay *r, const char *path)
{
	struct err e;

	reload_settings(r, path);
	if (log_reopen(&e) == -1)
		log_error("log: %s", e.text);
	if (tls_ctx_reload(r->tls, &e) == -1)
		log_error("certificate: the old one stays in use, %s", e.text);
	else
		log_info("certificate: read again");
}
