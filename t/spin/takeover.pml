/*
 * takeover: what the relay answers to a HELLO (docs/PROTOCOL.md, "HELLO: what
 * the relay answers"), tried in every order of events that its limits allow.
 *
 * Two processes of one machine's client start, lose their links, sleep and
 * return; dials are given up though their HELLO still arrives; words of the
 * relay are lost; sessions run out of their grace.  Each client process has an
 * instance of its own.
 *
 * What must hold:
 *	- at most one session of the machine serves;
 *	- a client that was told "replaced" neither serves nor dials again;
 *	- only a person's start replaces: no two clients replace each other in
 *	  turn (there are fewer replacements than starts);
 *	- in the end one of the clients serves, and whoever does not serve has
 *	  been told so.
 *
 * A rule left out (-DRETURN_TAKES, -DDIALS_AGAIN, -DNO_INSTANCE, -DNO_MEMORY,
 * -DTWO_SERVE) must give an error: t/20-spin.t holds both.
 */
#ifndef CUTS
#define CUTS 2
#endif
#ifndef GIVE_UPS
#define GIVE_UPS 1
#endif

#define CLIENTS	 2
#define CONNS	 6	/* connections at once, dead ones included */
#define SESSIONS 8	/* ever */
#define NONE	 255

mtype = { WELCOME, REPLACED, ENDED_WORD };

/* --- connections ----------------------------------------------------------- */

typedef conn_t {
	bool used;
	bool hello;	/* a HELLO is under way */
	bool start;	/* ... without a key */
	byte key;
	byte who;	/* client, which is also its instance */
	bool cut;	/* nothing more arrives */
	bool client_open;
	byte session;	/* at the relay: it has joined this one */
};

conn_t conn[CONNS];
chan word[CONNS] = [2] of { mtype, byte };

/* --- the relay's sessions -------------------------------------------------- */

mtype = { FREE, LIVE, DARK, OVER };

typedef session_t {
	mtype state;
	byte who;
};

session_t session[SESSIONS];
byte sessions = 0;
bool was_replaced[CLIENTS]; /* the relay remembers these instances */

/* --- the clients ----------------------------------------------------------- */

mtype = { DIALS, SERVES, STOPPED };

mtype client_state[CLIENTS] = DIALS;
byte client_key[CLIENTS] = NONE;
byte client_conn[CLIENTS] = NONE;
bool told[CLIENTS];

byte starts = 0, replacements = 0;
byte cuts = CUTS, give_ups = GIVE_UPS, graces = 1;
byte i, k, n, found;	/* used inside one atomic step only */

/* The machine's session now, or NONE. */
inline find_session()
{
	found = NONE;
	n = 0;
	for (k : 0 .. SESSIONS - 1) {
		if
		:: session[k].state == LIVE || session[k].state == DARK ->
			found = k;
			n++
		:: else
		fi
	}
	assert(n <= 1);
}

inline forget_conn(c)
{
	if
	:: !conn[c].client_open && conn[c].session == NONE && !conn[c].hello ->
		do
		:: word[c]?_, _
		:: empty(word[c]) -> break
		od;
		conn[c].used = false;
		conn[c].cut = false;
		conn[c].key = NONE;
		conn[c].start = false;
		conn[c].who = 0
	:: else
	fi
}

/* A session loses all its connections; those that still work hear why. */
inline end_session(s, why)
{
	session[s].state = OVER;
	for (i : 0 .. CONNS - 1) {
		if
		:: conn[i].used && conn[i].session == s ->
			conn[i].session = NONE;
			if
			:: conn[i].client_open && !conn[i].cut ->
				word[i]!why, 0
			:: else
			fi;
			forget_conn(i)
		:: else
		fi
	}
}

inline new_session(c)
{
	assert(sessions < SESSIONS);
	session[sessions].state = LIVE;
	session[sessions].who = conn[c].who;
	conn[c].session = sessions;
	sessions++;
	say(c, WELCOME, conn[c].session)
}

inline say(c, what, arg)
{
	if
	:: conn[c].client_open && !conn[c].cut -> word[c]!what, arg
	:: else
	fi
}

/* "replaced": whoever has heard it once is barred for good. */
inline reject(c)
{
#ifndef NO_MEMORY
	was_replaced[conn[c].who] = true;
#endif
	say(c, REPLACED, 0);
	forget_conn(c)
}

/* A return into its own session: links that HELLO does not name are closed. */
inline join_own(c)
{
	for (i : 0 .. CONNS - 1) {
		if
		:: i != c && conn[i].used && conn[i].session == found ->
			conn[i].session = NONE;
			forget_conn(i)
		:: else
		fi
	}
	session[found].state = LIVE;
	conn[c].session = found;
	say(c, WELCOME, found)
}

/* A start that is not barred: it takes the machine over. */
inline take_over(c)
{
	if
	:: found != NONE && session[found].who != conn[c].who ->
		replacements++;
		assert(conn[c].start);
#ifndef NO_MEMORY
		was_replaced[session[found].who] = true;
#endif
#ifndef TWO_SERVE
		end_session(found, REPLACED)
#endif
	:: found != NONE && session[found].who == conn[c].who ->
#ifdef NO_INSTANCE
		end_session(found, REPLACED)
#else
		end_session(found, ENDED_WORD)
#endif
	:: else
	fi;
	new_session(c);
	find_session()
}

inline on_hello(c)
{
	find_session();
	conn[c].hello = false;
	if
	:: was_replaced[conn[c].who] ->
		reject(c)
	:: !was_replaced[conn[c].who] && conn[c].start ->
		take_over(c)
	:: !was_replaced[conn[c].who] && !conn[c].start ->
		if
		:: found == NONE ->
			new_session(c)
		:: found != NONE && found == conn[c].key ->
			join_own(c)
		:: found != NONE && found != conn[c].key ->
#ifdef RETURN_TAKES
			take_over(c)
#else
#ifdef NO_INSTANCE
			reject(c)
#else
			if
			:: session[found].who == conn[c].who -> take_over(c)
			:: else -> reject(c)
			fi
#endif
#endif
		fi
	fi
}

#define is_dead(c) (conn[c].used && !conn[c].hello && \
	conn[c].session != NONE && (conn[c].cut || !conn[c].client_open))

/* The relay finds a connection dead. */
inline on_dead(c)
{
	k = conn[c].session;
	conn[c].session = NONE;
	found = NONE;
	for (i : 0 .. CONNS - 1) {
		if
		:: conn[i].used && conn[i].session == k -> found = i
		:: else
		fi
	}
	if
	:: found == NONE && session[k].state == LIVE -> session[k].state = DARK
	:: else
	fi;
	forget_conn(c)
}

/* Any connection of which the claim is true. */
inline choose_conn(to, c0, c1, c2, c3, c4, c5)
{
	if
	:: c0 -> to = 0
	:: c1 -> to = 1
	:: c2 -> to = 2
	:: c3 -> to = 3
	:: c4 -> to = 4
	:: c5 -> to = 5
	fi
}

active proctype relay()
{
	byte c;

end:	do
	:: atomic { choose_conn(c, conn[0].hello, conn[1].hello, conn[2].hello,
		conn[3].hello, conn[4].hello, conn[5].hello);
		on_hello(c);
		c = 0 }
	:: atomic { choose_conn(c, is_dead(0), is_dead(1), is_dead(2),
		is_dead(3), is_dead(4), is_dead(5));
		on_dead(c);
		c = 0 }
	:: atomic { graces > 0 -> /* a session that has been dark too long */
		find_session();
		if
		:: found != NONE && session[found].state == DARK ->
			graces--;
			end_session(found, ENDED_WORD)
		:: else
		fi }
	od
}

/* --- the clients ----------------------------------------------------------- */

/* Dials: with the key if there is one; else it is a start. */
inline dial(me)
{
	assert(!told[me]);
	for (j : 0 .. CONNS - 1) {
		if
		:: !conn[j].used && client_conn[me] == NONE ->
			conn[j].used = true;
			conn[j].hello = true;
			conn[j].start = (client_key[me] == NONE);
			conn[j].key = client_key[me];
			conn[j].who = me;
			conn[j].cut = false;
			conn[j].client_open = true;
			conn[j].session = NONE;
			client_conn[me] = j
		:: else
		fi
	}
	assert(client_conn[me] != NONE);
	client_state[me] = DIALS
}

/* Closes its connection; what was under way may still arrive. */
inline hang_up(me)
{
	conn[client_conn[me]].client_open = false;
	do
	:: word[client_conn[me]]?_, _
	:: empty(word[client_conn[me]]) -> break
	od;
	forget_conn(client_conn[me]);
	client_conn[me] = NONE
}

active [CLIENTS] proctype client()
{
	byte me = _pid - 1, j, arg;
	mtype what;

	/* A person starts it, some time. */
	atomic {
		starts++;
		dial(me)
	}
end:	do
	:: atomic { client_conn[me] != NONE && nempty(word[client_conn[me]]) ->
		word[client_conn[me]]?what, arg;
		if
		:: what == WELCOME ->
			client_key[me] = arg;
			client_state[me] = SERVES;
			assert(!told[me])
		:: what == REPLACED ->
			told[me] = true;
			client_state[me] = STOPPED;
			hang_up(me);
#ifdef DIALS_AGAIN
			dial(me)
#endif
		:: what == ENDED_WORD ->
			hang_up(me);
			dial(me)
		fi;
		arg = 0; what = 0 }
	:: atomic { client_conn[me] != NONE && give_ups > 0 &&
		client_state[me] == DIALS ->
		give_ups--;
		hang_up(me);
		dial(me) }
	:: atomic { client_conn[me] != NONE && empty(word[client_conn[me]]) &&
		(conn[client_conn[me]].cut ||
		(conn[client_conn[me]].session == NONE &&
		!conn[client_conn[me]].hello)) ->
		hang_up(me);
		dial(me) }
	:: atomic { client_conn[me] != NONE && cuts > 0 &&
		!conn[client_conn[me]].cut ->
		cuts--;
		j = client_conn[me];
		conn[j].cut = true;
		do /* what was under way is lost, or its HELLO is not */
		:: word[j]?_, _
		:: empty(word[j]) -> break
		od;
		if
		:: conn[j].hello -> conn[j].hello = false
		:: true
		fi;
		j = 0 }
	od
}

/* --- the end --------------------------------------------------------------- */

/* Nothing can happen any more: who serves, and does everybody know? */
active proctype judge()
{
	timeout;
	atomic {
		find_session();
		assert(found != NONE);
		assert(session[found].state == LIVE);
		for (i : 0 .. CLIENTS - 1) {
			assert(told[i] == (client_state[i] == STOPPED));
			assert(told[i] || (client_state[i] == SERVES &&
			    client_key[i] == found))
		}
		assert(replacements < starts)
	}
}
