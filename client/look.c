#include "look.h"

#include "proto/ctl.h"
#include "session.h"
#include "view.h"

static const char *
kind_word(uint8_t kind)
{
	switch (kind) {
	case PROTO_UDP:
		return "udp";
	case PROTO_BOTH:
		return "tcp+udp";
	case PROTO_HTTP:
		return "http";
	default:
		return "tcp";
	}
}

void
look_tunnel(struct view_tunnel *v, struct tunnel *t, uint64_t now)
{
	*v = (struct view_tunnel){ .name = t->c.name,
		.kind = kind_word(t->c.kind),
		.public_addr = t->c.public_addr,
		.target = t->target,
		.state = t->c.state,
		.verify_url = t->c.verify_url,
		.sentence = t->c.sentence,
		.reach = { t->reach.light, t->reach.sentence },
		.service = { t->service.light, t->service.sentence },
		.visitors = t->visitors };
	tunnel_traffic(t, &v->in, &v->out);
	if (v->in + v->out != t->seen) {
		t->seen = v->in + v->out;
		t->seen_at = now;
	}
	v->quiet_ms = t->seen == 0 ? UINT64_MAX : now - t->seen_at;
}

static enum view_link
link_word(const struct session *s)
{
	switch (s->state) {
	case SESSION_LIVE:
		return VIEW_LINKED;
	case SESSION_DARK:
		return VIEW_AWAY;
	case SESSION_ENDED:
		return VIEW_ENDING;
	default:
		return VIEW_DIALLING;
	}
}

void
look_session(struct view *v, struct session *s, uint64_t now)
{
	uint64_t at = session_redial_at(s);

	v->link = link_word(s);
	v->relay = session_relay(s);
	v->rtt_ms = session_rtt_ms(s);
	v->redial_in_s = at > now ? (at - now + 999) / 1000 : 0;
	v->trouble = s->trouble;
}
