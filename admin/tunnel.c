/* aditctl tunnel: public ports and the local services behind them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "cmd.h"
#include "net/addr.h"
#include "out.h"
#include "store/store_machine.h"
#include "store/store_tunnel.h"
#include "store/store_user.h"
#include "store/store_verify.h"

enum { RESERVED_MAX = CONF_ITEMS_MAX + 1 };

/* The port behind the last colon, or 0. */
static uint16_t
port_of(const char *text)
{
	const char *colon = strrchr(text, ':');
	uint64_t port;
	char digits[8] = "";

	if (colon == NULL)
		return 0;
	snprintf(digits, sizeof(digits), "%.*s",
	    (int)strspn(colon + 1, "0123456789"), colon + 1);
	return str_number(digits, 1, 65535, &port) ? (uint16_t)port : 0;
}

/* What the configuration says of ports; the relay's own are never given. */
static void
read_ports(const struct cmd *c, uint16_t reserved[RESERVED_MAX],
    struct tunnel_ports *p)
{
	const struct conf_list *listen = &c->conf.relay.listen;
	size_t i;

	memset(p, 0, sizeof(*p));
	p->from = (uint16_t)c->conf.ports.from;
	p->to = (uint16_t)c->conf.ports.to;
	p->bind = c->conf.public_bind.at;
	p->bind_n = c->conf.public_bind.n;
	p->reserved = reserved;
	for (i = 0; i < listen->n && i < RESERVED_MAX - 1; i++)
		reserved[p->reserved_n++] = port_of(listen->at[i]);
	reserved[p->reserved_n++] = port_of(c->conf.dashboard_url);
}

/* The options that say how a tunnel shall be; 0 or the exit code. */
static int
read_numbers(const struct cmd *c, struct tunnel_wish *w)
{
	uint64_t n;
	int rc;

	if (c->opt[OPT_PORT] != NULL) {
		rc = cmd_number("--port", c->opt[OPT_PORT], 1, 65535, &n);
		if (rc != CMD_DONE)
			return rc;
		w->set |= TUNNEL_PORT;
		w->public_port = (uint16_t)n;
	}
	if (c->opt[OPT_RATE] != NULL) {
		rc = cmd_number(
		    "--address-rate", c->opt[OPT_RATE], 0, TUNNEL_RATE_MAX, &n);
		if (rc != CMD_DONE)
			return rc;
		w->set |= TUNNEL_RATE;
		w->address_rate = (uint32_t)n;
	}
	if (c->opt[OPT_VISITORS] != NULL) {
		rc = cmd_number("--visitors", c->opt[OPT_VISITORS], 0,
		    TUNNEL_VISITORS_MAX, &n);
		if (rc != CMD_DONE)
			return rc;
		w->set |= TUNNEL_VISITORS;
		w->visitors_max = (uint32_t)n;
	}
	return CMD_DONE;
}

static int
read_words(
    const struct cmd *c, char *host, struct tunnel_wish *w, struct err *e)
{
	char ignored[CHECK_CIDRS_MAX + 1];

	w->name = c->opt[OPT_NAME];
	w->allow = c->opt[OPT_ALLOW];
	w->deny = c->opt[OPT_DENY];
	w->local_host = host;
	w->set |= (w->name != NULL ? TUNNEL_NAME : 0u) |
	    (w->allow != NULL ? TUNNEL_ALLOW : 0u) |
	    (w->deny != NULL ? TUNNEL_DENY : 0u) |
	    (c->opt[OPT_KIND] != NULL ? TUNNEL_KIND : 0u) |
	    (c->opt[OPT_TARGET] != NULL ? TUNNEL_TARGET : 0u) |
	    (c->opt[OPT_PROXY] != NULL ? TUNNEL_PROXY : 0u);
	if ((w->name != NULL && check_name(w->name, e) == -1) ||
	    (w->allow != NULL &&
		check_cidrs("allow", w->allow, ignored, e) == -1) ||
	    (w->deny != NULL && check_cidrs("deny", w->deny, ignored, e) == -1))
		return -1;
	if (c->opt[OPT_KIND] != NULL &&
	    check_kind(c->opt[OPT_KIND], &w->kind, e) == -1)
		return -1;
	if (c->opt[OPT_PROXY] != NULL &&
	    check_proxy(c->opt[OPT_PROXY], &w->proxy, e) == -1)
		return -1;
	if (c->opt[OPT_TARGET] != NULL &&
	    check_target(c->opt[OPT_TARGET], host, &w->local_port, e) == -1)
		return -1;
	return 0;
}

static int
read_wish(const struct cmd *c, char *host, struct tunnel_wish *w)
{
	struct err e;

	memset(w, 0, sizeof(*w));
	if (read_words(c, host, w, &e) == -1)
		return cmd_misuse(&e);
	return read_numbers(c, w);
}

/* What of a tunnel is said in its words, beside its row. */
struct said {
	char address[ADDR_HOST_MAX + 16];
	char code[VERIFY_CODE_LEN + 1]; /* "" when it is verified */
	char url[600];
};

static int
say_tunnel(struct cmd *c, const struct tunnel *t, struct said *d, struct err *e)
{
	uint8_t key[VERIFY_KEY_LEN];

	memset(d, 0, sizeof(*d));
	addr_join(d->address, sizeof(d->address), c->conf.public_host,
	    t->public_port);
	if (t->verified_at != 0)
		return 0;
	if (store_verify_key(c->conf.database, key, e) == -1)
		return -1;
	store_verify_code(d->code, key, t->id, t->verify_serial);
	str_wipe(key, sizeof(key));
	snprintf(d->url, sizeof(d->url), "%s/verify/%s", c->conf.dashboard_url,
	    d->code);
	return 0;
}

/* The first that is true; whether it is online only the relay knows. */
static const char *
status(const struct tunnel *t)
{
	if (t->frozen_at != 0 || t->user_frozen)
		return "frozen";
	if (t->expires_at != 0 && t->expires_at <= clock_wall_ms())
		return "expired";
	if (t->paused_at != 0)
		return "paused";
	return t->verified_at == 0 ? "pending" : "active";
}

/* "a,b" as ["a","b"]. */
static json_t *
list_json(const char *list)
{
	json_t *a = json_array();
	size_t n;

	for (; *list != '\0'; list += n + (list[n] == ',')) {
		n = strcspn(list, ",");
		json_array_append_new(a, json_stringn(list, n));
	}
	return a;
}

static json_t *
tunnel_json(const struct cmd *c, const struct tunnel *t)
{
	char address[ADDR_HOST_MAX + 16], target[CHECK_HOST_MAX + 16];

	addr_join(
	    address, sizeof(address), c->conf.public_host, t->public_port);
	addr_join(target, sizeof(target), t->local_host, t->local_port);
	return json_pack("{s:I, s:I, s:o, s:s, s:s, s:s, s:i, s:s, s:i, s:s,"
			 " s:b, s:s, s:o, s:o, s:I, s:I, s:o, s:o, s:o, s:I}",
	    "id", (json_int_t)t->id, "user", (json_int_t)t->user, "name",
	    out_text(t->name), "kind", check_kind_name(t->kind), "target",
	    target, "local_host", t->local_host, "local_port",
	    (int)t->local_port, "public_host", c->conf.public_host,
	    "public_port", (int)t->public_port, "status", status(t), "verified",
	    t->verified_at != 0, "proxy_protocol", check_proxy_name(t->proxy),
	    "allow", list_json(t->allow), "deny", list_json(t->deny),
	    "address_rate", (json_int_t)t->address_rate, "visitors_max",
	    (json_int_t)t->visitors_max, "created_at", out_time(t->created_at),
	    "last_connected_at", out_time(t->last_connected_at),
	    "public_address", json_string(address), "revision",
	    (json_int_t)t->revision);
}

static json_t *
text_or_null(const char *text)
{
	return *text != '\0' ? json_string(text) : json_null();
}

/* A new tunnel, or a new link: what its maker must know. */
static int
out_new(struct cmd *c, const struct tunnel *t)
{
	struct said d;
	struct err e;

	if (say_tunnel(c, t, &d, &e) == -1)
		return cmd_fail(&e);
	return out_done(c,
	    json_pack("{s:I, s:i, s:s, s:o, s:o}", "id", (json_int_t)t->id,
		"public_port", (int)t->public_port, "public_address", d.address,
		"verify_code", text_or_null(d.code), "verify_url",
		text_or_null(d.url)),
	    d.code[0] == '\0' ? "tunnel %lld: %s\nIt is verified."
			      : "tunnel %lld: %s\nIt waits for: %s",
	    (long long)t->id, d.address, d.url);
}

/* A tunnel whose link cannot be told is not made. */
static int
check_key(const struct cmd *c)
{
	uint8_t key[VERIFY_KEY_LEN];
	struct err e;
	int rc;

	rc = store_verify_key(c->conf.database, key, &e);
	str_wipe(key, sizeof(key));
	return rc == -1 ? cmd_fail(&e) : CMD_DONE;
}

int
tunnel_add(struct cmd *c)
{
	char host[CHECK_HOST_MAX + 1];
	uint16_t reserved[RESERVED_MAX];
	struct tunnel_ports ports;
	struct tunnel_wish w;
	struct tunnel t;
	struct user u;
	struct err e;
	int rc;

	if ((rc = read_wish(c, host, &w)) != CMD_DONE ||
	    (rc = cmd_user(c, c->opt[OPT_USER], &u)) != CMD_DONE ||
	    (rc = check_key(c)) != CMD_DONE)
		return rc;
	read_ports(c, reserved, &ports);
	if ((rc = cmd_begin(c)) != CMD_DONE)
		return rc;
	if (store_tunnel_add(c->store, u.id, &w, &ports, true,
		c->opt[OPT_VERIFIED] != NULL, &t, &e) == -1)
		return cmd_fail(&e);
	rc = cmd_note(c, u.id, "tunnel %lld %s, port %u", (long long)t.id,
	    t.name, t.public_port);
	if (rc != CMD_DONE)
		return rc;
	return out_new(c, &t);
}

/* The tunnel that the operand names: 0, or the exit code. */
static int
find_tunnel(struct cmd *c, struct tunnel *t_out)
{
	struct store *s;
	struct err e;
	int64_t id;
	int rc;

	if ((rc = cmd_id("tunnel", c->operand[0], &id)) != CMD_DONE)
		return rc;
	if ((s = cmd_store(c)) == NULL)
		return CMD_FAILED;
	if ((rc = store_tunnel_by_id(s, STORE_ANYBODY, id, t_out, &e)) == 1)
		return CMD_DONE;
	return rc == -1 ? cmd_fail(&e) : cmd_none("tunnel", id);
}

static int
show(struct cmd *c, int64_t id)
{
	static const struct out_column columns[] = { { "id", "id" },
		{ "user", "user" }, { "name", "name" }, { "kind", "kind" },
		{ "public_address", "public address" }, { "target", "target" },
		{ "status", "status" }, { "verify_url", "verification" },
		{ "machines", "machines" },
		{ "proxy_protocol", "proxy protocol" }, { "allow", "allow" },
		{ "deny", "deny" }, { "address_rate", "visits a minute" },
		{ "visitors_max", "visitors at once" },
		{ "created_at", "made" },
		{ "last_connected_at", "last connected" }, { NULL, NULL } };
	struct tunnel t;
	struct said d;
	struct err e;
	int64_t *ids;
	size_t n;
	json_t *o;
	int rc;

	rc = store_tunnel_by_id(c->store, STORE_ANYBODY, id, &t, &e);
	if (rc == 0)
		return cmd_none("tunnel", id);
	if (rc == -1 || say_tunnel(c, &t, &d, &e) == -1)
		return cmd_fail(&e);
	if (store_machine_of_tunnel(c->store, id, &ids, &n, &e) == -1)
		return cmd_fail(&e);
	o = tunnel_json(c, &t);
	json_object_set_new(o, "machines", out_ids(ids, n));
	free(ids);
	json_object_set_new(o, "verify_code", text_or_null(d.code));
	json_object_set_new(o, "verify_url", text_or_null(d.url));
	return out_lines(c, o, columns);
}

int
tunnel_edit(struct cmd *c)
{
	char host[CHECK_HOST_MAX + 1];
	uint16_t reserved[RESERVED_MAX];
	struct tunnel_ports ports;
	struct tunnel_wish w;
	struct tunnel t;
	struct err e;
	int rc;

	if ((rc = read_wish(c, host, &w)) != CMD_DONE ||
	    (rc = find_tunnel(c, &t)) != CMD_DONE)
		return rc;
	if (w.set == 0 && c->opt[OPT_VERIFIED] == NULL) {
		cmd_say("tunnel edit: no option says what to change");
		return CMD_MISUSED;
	}
	read_ports(c, reserved, &ports);
	if ((rc = cmd_begin(c)) != CMD_DONE)
		return rc;
	if ((w.set != 0 &&
		store_tunnel_edit(
		    c->store, STORE_ANYBODY, t.id, &w, &ports, &e) == -1) ||
	    (c->opt[OPT_VERIFIED] != NULL &&
		store_verify(c->store, t.id, 0, &e) == -1))
		return cmd_fail(&e);
	rc = cmd_note(c, t.user, "tunnel %lld %s", (long long)t.id, t.name);
	if (rc != CMD_DONE)
		return rc;
	return show(c, t.id);
}

int
tunnel_show(struct cmd *c)
{
	struct tunnel t;
	int rc;

	if ((rc = find_tunnel(c, &t)) != CMD_DONE)
		return rc;
	return show(c, t.id);
}

int
tunnel_list(struct cmd *c)
{
	static const struct out_column columns[] = { { "id", "ID" },
		{ "user", "USER" }, { "name", "NAME" }, { "kind", "KIND" },
		{ "public_address", "PUBLIC ADDRESS" }, { "target", "TARGET" },
		{ "status", "STATUS" }, { NULL, NULL } };
	struct user u = { .id = STORE_ANYBODY };
	struct tunnel *list;
	struct err e;
	json_t *rows;
	size_t n, i;
	int rc;

	if (c->opt[OPT_USER] != NULL &&
	    (rc = cmd_user(c, c->opt[OPT_USER], &u)) != CMD_DONE)
		return rc;
	if (cmd_store(c) == NULL)
		return CMD_FAILED;
	if (store_tunnel_list(c->store, u.id, 0, INT64_MAX, &list, &n, &e) ==
	    -1)
		return cmd_fail(&e);
	rows = json_array();
	for (i = 0; i < n; i++)
		json_array_append_new(rows, tunnel_json(c, &list[i]));
	free(list);
	return out_table(
	    c, rows, columns, "no tunnel yet; aditctl tunnel add makes one");
}

/* Ends a change: rc is the store's answer. */
static int
changed(struct cmd *c, const struct tunnel *t, int rc, const struct err *e,
    const char *now)
{
	if (rc == -1)
		return cmd_fail(e);
	if (rc == 0)
		return cmd_none("tunnel", t->id);
	rc = cmd_note(c, t->user, "tunnel %lld %s", (long long)t->id, t->name);
	if (rc != CMD_DONE)
		return rc;
	return out_done(c,
	    json_pack("{s:I, s:s}", "id", (json_int_t)t->id, "now", now),
	    "tunnel %lld: %s", (long long)t->id, now);
}

int
tunnel_verify(struct cmd *c)
{
	struct tunnel t;
	struct err e;
	int rc;

	if ((rc = find_tunnel(c, &t)) != CMD_DONE ||
	    (rc = cmd_begin(c)) != CMD_DONE)
		return rc;
	rc = store_verify(c->store, t.id, 0, &e);
	return changed(c, &t, rc, &e, "verified");
}

int
tunnel_link(struct cmd *c)
{
	struct tunnel t;
	struct err e;
	int rc;

	if ((rc = find_tunnel(c, &t)) != CMD_DONE ||
	    (rc = cmd_begin(c)) != CMD_DONE)
		return rc;
	rc = store_verify_renew(c->store, STORE_ANYBODY, t.id, &e);
	if (rc == 0) {
		cmd_say("tunnel %lld: it is verified; it needs no link",
		    (long long)t.id);
		return CMD_FAILED;
	}
	if (rc == -1)
		return cmd_fail(&e);
	rc = cmd_note(c, t.user, "tunnel %lld %s", (long long)t.id, t.name);
	if (rc != CMD_DONE || (rc = find_tunnel(c, &t)) != CMD_DONE)
		return rc;
	return out_new(c, &t);
}

static int
set_paused(struct cmd *c, bool paused)
{
	struct tunnel t;
	struct err e;
	int rc;

	if ((rc = find_tunnel(c, &t)) != CMD_DONE ||
	    (rc = cmd_begin(c)) != CMD_DONE)
		return rc;
	rc = store_tunnel_pause(c->store, STORE_ANYBODY, t.id, paused, &e);
	return changed(c, &t, rc, &e, paused ? "paused" : "resumed");
}

int
tunnel_pause(struct cmd *c)
{
	return set_paused(c, true);
}

int
tunnel_resume(struct cmd *c)
{
	return set_paused(c, false);
}

static int
set_frozen(struct cmd *c, bool frozen)
{
	struct tunnel t;
	struct err e;
	int rc;

	if ((rc = find_tunnel(c, &t)) != CMD_DONE ||
	    (rc = cmd_begin(c)) != CMD_DONE)
		return rc;
	rc = store_tunnel_freeze(c->store, t.id, frozen, &e);
	return changed(c, &t, rc, &e, frozen ? "frozen" : "not frozen");
}

int
tunnel_freeze(struct cmd *c)
{
	return set_frozen(c, true);
}

int
tunnel_unfreeze(struct cmd *c)
{
	return set_frozen(c, false);
}

int
tunnel_rm(struct cmd *c)
{
	struct tunnel t;
	struct err e;
	int rc;

	if ((rc = find_tunnel(c, &t)) != CMD_DONE ||
	    (rc = cmd_begin(c)) != CMD_DONE)
		return rc;
	rc = store_tunnel_remove(c->store, STORE_ANYBODY, t.id, &e);
	return changed(c, &t, rc, &e,
	    "deleted; tunnel restore takes it back within 10 minutes");
}

int
tunnel_restore(struct cmd *c)
{
	struct tunnel t;
	struct err e;
	int64_t id;
	int rc;

	if ((rc = cmd_id("tunnel", c->operand[0], &id)) != CMD_DONE)
		return rc;
	if ((rc = cmd_begin(c)) != CMD_DONE)
		return rc;
	rc = store_tunnel_restore(c->store, STORE_ANYBODY, id, &e);
	if (rc == -1)
		return cmd_fail(&e);
	if (rc == 0) {
		cmd_say("tunnel %lld: none of this number was deleted",
		    (long long)id);
		return CMD_FAILED;
	}
	if ((rc = find_tunnel(c, &t)) != CMD_DONE)
		return rc;
	return changed(c, &t, 1, &e, "taken back");
}
