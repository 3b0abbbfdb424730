#include "count.h"

#define UP(field, text)                                         \
	{                                                       \
#field, text, offsetof(struct counts, field), 0 \
	}
#define NOW(field, text)                                        \
	{                                                       \
#field, text, offsetof(struct counts, field), 1 \
	}

const struct count_name count_names[] = {
	NOW(dials_now, "Dials that have not come to WELCOME."),
	NOW(links_now, "Links that are up."),
	NOW(sessions_now, "Sessions."),
	NOW(sessions_dark_now, "Sessions without a link."),
	NOW(visitors_now, "TCP visitors."),
	NOW(flows_now, "UDP flows."),
	NOW(files_now, "Open files of links, visitors and public ports."),
	UP(dials, "Connections to the relay's own port."),
	UP(held_dials, "Dials that waited first: limits.penalty_ms."),
	UP(sessions, "Sessions begun."),
	UP(returns, "Links that returned to their session."),
	UP(takeovers, "Sessions replaced by a newer start."),
	UP(visitors, "TCP visitors that were let in."),
	UP(flows, "UDP flows that were begun."),
	UP(bytes_in, "Bytes from visitors to services."),
	UP(bytes_out, "Bytes from services to visitors."),
	UP(dgrams_in, "Datagrams from visitors."),
	UP(dgrams_out, "Datagrams to visitors."),
	UP(dgrams_dropped, "Datagrams that were dropped."),
	UP(probes, "Probes of the reach lamp that arrived."),
	UP(streams_resumed, "Streams that went on after a return."),
	UP(streams_broken, "Streams that a return had to break."),
	UP(links_lost, "Links that ended."),
	UP(sessions_broken, "Sessions whose client broke the protocol."),
	UP(rows_lost, "Sessions whose row the database did not get."),
	UP(refused_dials, "Dials refused: limits.handshakes."),
	UP(refused_links, "Dials refused: limits.links_per_address."),
	UP(refused_penalty, "Dials refused: limits.penalty_ms."),
	UP(refused_handshake, "Dials ended: TLS failed or took too long."),
	UP(refused_hello, "Dials ended: HELLO broken, too large, too slow."),
	UP(refused_token, "Dials ended: the token is unknown or revoked."),
	UP(refused_sessions, "Sessions refused: limits.sessions."),
	UP(refused_returns, "Returns refused: limits.returns_per_s."),
	UP(refused_tunnel, "Visitors refused: limits of their tunnel."),
	UP(refused_session, "Visitors refused: limits.streams_per_session."),
	UP(refused_user, "Visitors refused: limits.streams_per_user."),
	UP(refused_visitors, "Visitors refused: limits.streams."),
	UP(refused_rate, "Visitors refused: too many a minute."),
	UP(refused_list, "Visitors refused: allow and deny lists."),
	UP(refused_memory, "Visitors refused: memory above 90 percent."),
	UP(refused_files, "Times that accepting paused: open files."),
	UP(refused_opens, "Streams refused that a client opened."),
	UP(shed_streams,
	    "Streams reset: memory, or the session's quarter of it, is full."),
	UP(shed_user, "Of these: limits.memory_per_user."),
	UP(evicted_flows, "UDP flows ended early to make room."),
	UP(dropped_rate, "Datagrams dropped: rate of their source."),
};

const size_t count_names_n = sizeof(count_names) / sizeof(count_names[0]);

uint64_t
count_named(const struct counts *c, const struct count_name *row)
{
	return count_get(
	    (const count_t *)(const void *)((const char *)c + row->at));
}
