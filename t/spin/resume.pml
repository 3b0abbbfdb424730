/*
 * resume: one stream over up to two links at a time, through every order of
 * cuts, closings and messages that the limits allow (docs/PROTOCOL.md, "RESUME,
 * step by step").  t/sim tries the code itself at random; this tries the rules
 * exhaustively, on a stream so small that it can be done: one byte and an end
 * from whoever opens it, an end from the other side.
 *
 * What must hold at every step: no OPEN for a number in use, no gap, no
 * repetition, no frame on a link that the stream is not attached to, nobody
 * judges it broken.  In the end: an unreset stream ended well on both sides, no
 * RESET waits for its answer.
 *
 * -DOPENER=1 lets the client open it, -DRESETS=n lets owners reset it, with
 * -DGIVE_UPS=n dials are given up whose HELLO may still arrive.
 * A rule left out (-DNO_SERIAL, -DNO_CONCERN, -DNO_SNAPSHOT, -DNO_LATE_RESET,
 * -DFIN_ACKED, -DNO_OPEN_AGAIN, -DNO_REWIND, -DNO_LATE_WELCOME) must give an error: t/20-spin.t
 * holds both.
 */
#ifndef OPENER
#define OPENER 0
#endif
#ifndef RESETS
#define RESETS 0
#endif
#ifndef CUTS
#define CUTS 2
#endif
#ifndef GIVE_UPS
#define GIVE_UPS 0
#endif

#define LINKS (CUTS + 2 * GIVE_UPS + 2) /* at most 4 */
#define NO    15
#define R     0
#define C     1
#define BIT(ln) (1 << (ln))
#define QUEUE(ln, to) q[2 * (ln) + (to)]

/* Frames: type, then what it needs. */
mtype = { HELLO, WELCOME, RESUME, LOST, OPEN, DATA, FIN, ACK, RESET, ANSWER };
chan q[2 * LINKS] = [10] of { mtype, byte, byte, byte };

/* A stream, as one side has it. */
#define UNKNOWN	  0
#define FLOWS	  1
#define CLEAN	  2
#define RST	  3 /* reset here, waits for the ANSWER */
#define WAS_RESET 4
#define FORGOTTEN 5

typedef stream_t {
	byte state;
	byte link;
	byte old;
	byte out;	/* bytes that it has to send */
	byte sent;
	byte acked;
	byte received;
	bool opened;
	bool heard;
	bool fin_sent;
	bool fin_acked;
	bool fin_come;
};
stream_t s[2];

typedef link_t {
	bool alive[2];	/* has joined, and has not been closed */
	bool closed[2];
	bool cut;
	byte wround;	/* the round that WELCOME told */
};
link_t link[LINKS];

byte links = 0, dial = NO, cuts = CUTS, give_ups = GIVE_UPS, resets = RESETS;
bool was_reset = false;
byte given = 0;		/* client: links given up, as bits */
byte seen = 0;		/* client: the highest round ... */
byte seen_names = 0;	/* ... and the links that it named */
byte round = 0, round_link = NO, round_entry = 0;
bool round_wanted = false;
byte k, live, e, mine; /* used inside one atomic step only */

inline send(ln, dst, what, x, y, z)
{
	if
	:: !link[ln].cut && !link[ln].closed[dst] ->
		assert(nfull(QUEUE(ln, dst)));
		QUEUE(ln, dst)!what, x, y, z
	:: else
	fi
}

inline flush(ln, to)
{
	do
	:: nempty(QUEUE(ln, to)) -> QUEUE(ln, to)?_, _, _, _
	:: empty(QUEUE(ln, to)) -> break
	od
}

/* Closes a link; what was sent on it may still be read, or not. */
inline close_link(me, ln)
{
	link[ln].alive[me] = false;
	link[ln].closed[me] = true;
	flush(ln, me);
	if
	:: true
	:: !link[ln].cut -> flush(ln, 1 - me); link[ln].cut = true
	fi;
	if
	:: (s[me].state == FLOWS || s[me].state == RST) && s[me].link == ln ->
		s[me].link = NO;
		s[me].old = ln
	:: else
	fi
}

inline live_links(me)
{
	live = 0;
	for (k : 0 .. LINKS - 1) {
		live = live | (link[k].alive[me] -> BIT(k) : 0)
	}
}

inline check(me)
{
	if
	:: s[me].state == FLOWS && s[me].fin_acked && s[me].fin_come ->
		s[me].state = CLEAN;
		s[me].link = NO
	:: else
	fi
}

inline ack(me)
{
	send(s[me].link, 1 - me, ACK, s[me].received, s[me].fin_come, 0)
}

/* --- RESUME ---------------------------------------------------------------- */

/* An entry: 0 not listed, 1 reset, else 2 + 2 * received + END. */
#define ENTRY(me) (s[me].state == RST -> 1 : \
	2 + 2 * s[me].received + s[me].fin_come)
#define DETACHED(me) ((s[me].state == FLOWS || s[me].state == RST) && \
	s[me].opened && s[me].link == NO)

/* Any living link of the relay. */
inline choose_link(me, to)
{
	if
	:: link[0].alive[me] -> to = 0
	:: link[1].alive[me] -> to = 1
	:: link[2].alive[me] -> to = 2
#if LINKS > 3
	:: link[3].alive[me] -> to = 3
#endif
	fi
}

inline begin_round()
{
	live_links(R);
	if
	:: live == 0 -> round_wanted = true; round_link = NO
#ifndef NO_SERIAL
	:: live != 0 && round_link != NO -> round_wanted = true
	:: live != 0 && round_link == NO ->
#else
	:: live != 0 ->
#endif
		round_wanted = false;
		round++;
		choose_link(R, round_link);
		round_entry = (DETACHED(R) -> ENTRY(R) : 0);
		send(round_link, C, RESUME, round, live, round_entry)
	fi
}

/* What the other listed (e) against what I listed (mine; 0: nothing). */
inline judge(me, ln)
{
	if
	:: e == 1 && s[me].state == FLOWS ->
		s[me].state = WAS_RESET;
		s[me].link = NO;
		send(ln, 1 - me, ANSWER, 0, 0, 0)
	:: e == 1 && s[me].state != FLOWS -> send(ln, 1 - me, ANSWER, 0, 0, 0)
	:: else
	fi;
	if
	:: mine == 0 || !DETACHED(me) -> skip
	:: mine != 0 && DETACHED(me) && s[me].state == RST ->
		s[me].link = ln;
		if
#ifndef NO_LATE_RESET
		:: mine != 1 -> send(ln, 1 - me, RESET, 0, 0, 0)
#endif
		:: else
		fi
	:: mine != 0 && DETACHED(me) && s[me].state == FLOWS && e == 0 ->
		judge_missing(me, ln)
	:: mine != 0 && DETACHED(me) && s[me].state == FLOWS && e >= 2 ->
		judge_listed(me, ln)
	fi
}

inline judge_missing(me, ln)
{
	if
#ifdef FIN_ACKED
	:: s[me].fin_acked && s[me].fin_come ->
#else
	:: s[me].fin_sent && s[me].fin_come ->
#endif
		s[me].fin_acked = true;
		s[me].link = ln;
		check(me)
#ifndef NO_OPEN_AGAIN
	:: !s[me].fin_come && me == OPENER && !s[me].heard ->
		s[me].opened = false;
		s[me].sent = 0;
		s[me].fin_sent = false;
		s[me].link = ln
#endif
	:: else -> assert(false) /* broken */
	fi
}

inline judge_listed(me, ln)
{
	s[me].link = ln;
	s[me].heard = true;
	assert(s[me].acked <= (e - 2) / 2 && (e - 2) / 2 <= s[me].out);
	s[me].acked = (e - 2) / 2;
#ifndef NO_REWIND
	s[me].sent = s[me].acked;
#endif
	s[me].fin_sent = (e - 2) % 2;
	s[me].fin_acked = (e - 2) % 2;
	ack(me);
	check(me)
}

/* --- frames ---------------------------------------------------------------- */

inline on_hello(ln, named)
{
	for (k : 0 .. LINKS - 1) {
		if
		:: link[k].alive[R] && !(named & BIT(k)) ->
			close_link(R, k);
			if
			:: round_link == k -> round_link = NO
			:: else
			fi
		:: else
		fi
	}
	link[ln].alive[R] = true;
	send(ln, C, WELCOME, round, 0, 0);
	begin_round()
}

inline on_welcome(ln, told)
{
	dial = NO;
	if
#ifndef NO_LATE_WELCOME
	:: told < seen && !(seen_names & BIT(ln)) -> close_link(C, ln)
#endif
	:: else ->
		link[ln].alive[C] = true;
		link[ln].wround = told;
		say_lost_again(ln, 255)
	fi
}

/* LOST again for what was given up and the relay may still name. */
inline say_lost_again(ln, names)
{
	for (k : 0 .. LINKS - 1) {
		if
		:: (given & BIT(k)) && (names & BIT(k)) ->
			send(ln, R, LOST, k, 0, 0)
		:: else
		fi
	}
}

inline on_lost(n)
{
	if
	:: link[n].alive[R] ->
		close_link(R, n);
		if
		:: round_link == n -> round_link = NO
		:: else
		fi;
		begin_round()
	:: else
	fi
}

inline client_answers(ln, r, names)
{
	seen = r;
	seen_names = names;
	for (k : 0 .. LINKS - 1) {
		if
		:: link[k].alive[C] && !(names & BIT(k)) &&
		    link[k].wround < r -> close_link(C, k)
		:: else
		fi
	}
	assert(link[ln].alive[C]);
	given = given & names;
	say_lost_again(ln, names);
	mine = 0;
	if
	:: DETACHED(C) &&
#ifndef NO_CONCERN
	    (s[C].old == NO || (!(names & BIT(s[C].old)) &&
	    link[s[C].old].wround < r)) ->
#else
	    true ->
#endif
		mine = ENTRY(C)
	:: else
	fi;
	live_links(C);
	send(ln, R, RESUME, r, live, mine);
	judge(C, ln)
}

inline relay_judges(ln)
{
#ifndef NO_SNAPSHOT
	mine = round_entry;
#else
	mine = (DETACHED(R) -> ENTRY(R) : 0);
#endif
	round_link = NO;
	judge(R, ln);
	if
	:: round_wanted -> begin_round()
	:: else
	fi
}

/* A frame of a stream that is there, on a link that it is attached to. */
inline on_stream(me, ln, what, x, y)
{
	assert(s[me].link == ln);
	s[me].heard = true;
	if
	:: what == DATA ->
		assert(s[me].received == x);
		s[me].received++;
		ack(me)
	:: what == FIN ->
		assert(s[me].received == x && !s[me].fin_come);
		s[me].fin_come = true;
		ack(me);
		check(me)
	:: what == ACK ->
		assert(s[me].acked <= x && x <= s[me].sent);
		s[me].acked = x;
		if
		:: y == 1 -> assert(s[me].fin_sent); s[me].fin_acked = true
		:: else
		fi;
		check(me)
	fi
}

inline on_open(me, ln)
{
	assert(s[me].state == UNKNOWN);
	s[me].state = FLOWS;
	s[me].opened = true;
	s[me].heard = true;
	s[me].link = ln;
	ack(me)
}

inline on_reset(me, ln)
{
	if
	:: s[me].state == FLOWS -> s[me].state = WAS_RESET; s[me].link = NO
	:: else
	fi;
	send(ln, 1 - me, ANSWER, 0, 0, 0)
}

/* DATA for a number that is not known here: RESET, once. */
inline on_stray(me, ln)
{
	assert(was_reset);
	s[me].state = RST;
	s[me].opened = true;
	s[me].link = ln;
	send(ln, 1 - me, RESET, 0, 0, 0)
}

inline deliver(me, ln)
{
	QUEUE(ln, me)?t, a, b, c;
	if
	:: t == HELLO -> on_hello(ln, a)
	:: t == WELCOME -> on_welcome(ln, a)
	:: t == LOST -> on_lost(a)
	:: t == RESUME && me == C && a >= seen ->
		e = c;
		client_answers(ln, a, b)
	:: t == RESUME && me == R && round_link == ln && a == round ->
		e = c;
		relay_judges(ln)
	:: t == OPEN -> on_open(me, ln)
	:: t == RESET -> on_reset(me, ln)
	:: t == ANSWER && s[me].state == RST ->
		s[me].state = FORGOTTEN;
		s[me].link = NO
	:: (t == DATA || t == FIN || t == ACK) && s[me].state == FLOWS ->
		on_stream(me, ln, t, a, b)
	:: t == DATA && s[me].state != FLOWS && s[me].state != RST ->
		on_stray(me, ln)
	:: else /* a word too late */
	fi;
	t = 0; a = 0; b = 0; c = 0; e = 0; mine = 0; k = 0; live = 0
}

/* --- what else may happen -------------------------------------------------- */

#define DEAD(ln) (link[ln].cut || link[ln].closed[R] || link[ln].closed[C])

inline notice(me, ln)
{
	if
	:: me == C && dial == ln ->
		dial = NO;
		close_link(C, ln)
	:: me == C && dial != ln ->
		close_link(C, ln);
		given = given | BIT(ln);
		live_links(C);
		if
		:: live != 0 -> choose_link(C, a); send(a, R, LOST, ln, 0, 0)
		:: else
		fi
	:: me == R ->
		close_link(R, ln);
		if
		:: round_link == ln -> round_link = NO
		:: else
		fi;
		begin_round()
	fi;
	a = 0; k = 0; live = 0
}

/* The client dials, while it has fewer than two links. */
inline dial_one()
{
	dial = links;
	links++;
	live_links(C);
	QUEUE(dial, R)!HELLO, live, 0, 0;
	live = 0;
	k = 0
}

#define MAY_SEND(me) (s[me].state == FLOWS && s[me].opened && s[me].link != NO)

inline open_it()
{
	live_links(OPENER);
	if
	:: s[OPENER].link == NO -> choose_link(OPENER, s[OPENER].link)
	:: else
	fi;
	s[OPENER].opened = true;
	send(s[OPENER].link, 1 - OPENER, OPEN, 0, 0, 0);
	live = 0;
	k = 0
}

inline reset_it(me)
{
	resets--;
	was_reset = true;
	if
	:: !s[me].opened -> s[me].state = FORGOTTEN
	:: s[me].opened ->
		s[me].state = RST;
		if
		:: s[me].link != NO ->
			send(s[me].link, 1 - me, RESET, 0, 0, 0)
		:: else
		fi
	fi
}

#define IS_LAST(me) (s[me].state != FLOWS && s[me].state != RST)

inline judge_the_end()
{
	assert(IS_LAST(R) && IS_LAST(C));
	assert(was_reset || (s[R].state == CLEAN && s[C].state == CLEAN));
	assert(s[R].state != CLEAN || (s[C].fin_come &&
	    s[C].received == s[R].out));
	assert(s[C].state != CLEAN || (s[R].fin_come &&
	    s[R].received == s[C].out));
	assert(round_link == NO)
}

/* One end of a link of which the claim is true: whose, and of which link. */
#define ENDS_OF(ln, claim) \
	:: claim(R, ln) -> me = R; on = ln \
	:: claim(C, ln) -> me = C; on = ln

#if LINKS > 3
#define ALL_ENDS(claim) ENDS_OF(0, claim) ENDS_OF(1, claim) \
	ENDS_OF(2, claim) ENDS_OF(3, claim)
#define LIVE_COUNT(me) (link[0].alive[me] + link[1].alive[me] + \
	link[2].alive[me] + link[3].alive[me])
#else
#define ALL_ENDS(claim) ENDS_OF(0, claim) ENDS_OF(1, claim) ENDS_OF(2, claim)
#define LIVE_COUNT(me) (link[0].alive[me] + link[1].alive[me] + \
	link[2].alive[me])
#endif

#define HAS_NEWS(me, ln) (nempty(QUEUE(ln, me)) && !link[ln].closed[me])
#define MAY_NOTICE(me, ln) ((link[ln].alive[me] && DEAD(ln)) || \
	(me == C && dial == ln && (DEAD(ln) || give_ups > 0)))
#define MAY_CUT(me, ln) (me == R && cuts > 0 && ln < links && !DEAD(ln))

#define MOVES_OF_SIDE(me) \
	:: atomic { MAY_SEND(me) && s[me].sent < s[me].out -> \
		send(s[me].link, 1 - me, DATA, s[me].sent, 0, 0); \
		s[me].sent++ } \
	:: atomic { MAY_SEND(me) && s[me].sent == s[me].out && \
		!s[me].fin_sent -> \
		send(s[me].link, 1 - me, FIN, s[me].out, 0, 0); \
		s[me].fin_sent = true } \
	:: atomic { resets > 0 && s[me].state == FLOWS -> reset_it(me) }

active proctype world()
{
	mtype t;
	byte a, b, c, me, on;

	d_step {
		s[OPENER].state = FLOWS;
		s[OPENER].out = 1;
		s[R].link = NO; s[C].link = NO;
		s[R].old = NO; s[C].old = NO
	}
	do
	:: atomic { if ALL_ENDS(HAS_NEWS) fi; deliver(me, on); me = 0; on = 0 }
	:: atomic { if ALL_ENDS(MAY_NOTICE) fi;
		if
		:: dial == on && me == C && !DEAD(on) -> give_ups--
		:: else
		fi;
		notice(me, on); me = 0; on = 0 }
	:: atomic { if ALL_ENDS(MAY_CUT) fi;
		cuts--; link[on].cut = true;
		flush(on, R); flush(on, C);
		me = 0; on = 0 }
	MOVES_OF_SIDE(R)
	MOVES_OF_SIDE(C)
	:: atomic { s[OPENER].state == FLOWS && !s[OPENER].opened &&
		(s[OPENER].link != NO || LIVE_COUNT(OPENER) > 0) -> open_it() }
	:: atomic { dial == NO && links < LINKS && LIVE_COUNT(C) < 2 ->
		dial_one() }
	:: timeout -> break
	od;
	judge_the_end()
}
