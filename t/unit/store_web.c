#include "store/store_web.h"

#include "store_rig.h"

static const struct web_guess_rule rule = { 3, 60000, 100000, 3600000 };

static void
sessions(struct store *s, int64_t ann, int64_t bob)
{
	char one[WEB_SECRET_LEN + 1], two[WEB_SECRET_LEN + 1];
	char longest[600];
	struct web_session w, *list;
	size_t n;

	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	is_int(store_web_session_add(
		   s, ann, "192.0.2.7", "Firefox", one, &rig_err),
	    0, "a session");
	is_int(strlen(one), WEB_SECRET_LEN, "has a secret");
	is_int(store_web_session_find(s, one, &w, &rig_err), 1, "by which");
	is_int(w.user, ann, "its user is found");
	is_str(w.address, "192.0.2.7", "and its address");
	is_int(store_web_session_find(s, "nonsense", &w, &rig_err), 0,
	    "nonsense is none");
	one[0] = one[0] == '0' ? '1' : '0';
	is_int(store_web_session_find(s, one, &w, &rig_err), 0,
	    "nor is another secret");
	one[0] = one[0] == '0' ? '1' : '0';
	is_int(store_web_session_add(s, ann, longest, longest, two, &rig_err),
	    0, "what a browser says of itself is cut");
	is_int(store_web_session_list(s, ann, &list, &n, &rig_err), 0, "all");
	is_int(n, 2, "are two");
	free(list);
	store_web_session_find(s, two, &w, &rig_err);
	is_int(store_web_session_remove(s, bob, w.id, &rig_err), 0,
	    "another does not end it");
	is_int(store_web_session_remove_others(s, ann, w.id, &rig_err), 1,
	    "the others end");
	is_int(store_web_session_find(s, one, &w, &rig_err), 0, "so it does");
	is_int(store_web_session_find(s, two, &w, &rig_err), 1,
	    "and this one stays");
	rig_sql("UPDATE web_session SET expires_at = 1");
	is_int(store_web_session_find(s, two, &w, &rig_err), 0,
	    "until its time is over");
}

/* The list of them stays whole. */
static void
many_sessions(struct store *s, int64_t ann, int64_t bob)
{
	char first[WEB_SECRET_LEN + 1], last[WEB_SECRET_LEN + 1];
	struct web_session w;

	store_web_session_add(s, bob, "", "", last, &rig_err);
	store_web_session_add(s, ann, "", "", first, &rig_err);
	rig_sql("UPDATE web_session SET seen_at = seen_at - 1");
	for (int i = 0; i < WEB_SESSIONS_MAX; i++)
		store_web_session_add(s, ann, "", "", last, &rig_err);
	is_int(store_web_session_find(s, first, &w, &rig_err), 0,
	    "of too many the one seen longest ago ends");
	is_int(store_web_session_find(s, last, &w, &rig_err), 1,
	    "and not the newest");
	is_int(rig_sql("SELECT count(*) FROM web_session WHERE user_id <> 1"),
	    1, "nor anybody else's");
}

static void
passwords(struct store *s, int64_t ann)
{
	char a[WEB_SECRET_LEN + 1], b[WEB_SECRET_LEN + 1];
	struct web_session keep, w;

	store_web_session_add(s, ann, "", "", a, &rig_err);
	store_web_session_add(s, ann, "", "", b, &rig_err);
	store_web_session_find(s, a, &keep, &rig_err);
	is_int(store_web_set_password(s, ann, "$y$new", keep.id, &rig_err), 1,
	    "a new password");
	is_int(store_web_session_find(s, a, &w, &rig_err), 1,
	    "keeps the session that made it");
	is_int(store_web_session_find(s, b, &w, &rig_err), 0,
	    "and ends the others");
	is_int(store_web_set_password(s, 999, "$y$new", 0, &rig_err), 0,
	    "nobody has none");
}

static void
invitations(struct store *s)
{
	char secret[WEB_SECRET_LEN + 1], other[WEB_SECRET_LEN + 1];
	struct invitation *list;
	int64_t id;
	size_t n;

	is_int(store_web_invite(s, "Jonas", secret, &rig_err), 0, "invited");
	is_int(store_web_invite(s, "", other, &rig_err), 0, "and somebody");
	is_int(
	    store_web_invite(s, "a\nb", other, &rig_err), -1, "a note is text");
	is_int(store_web_invited(s, secret, &rig_err), 1, "the link is good");
	is_int(store_web_invitation_list(s, &list, &n, &rig_err), 0, "all");
	is_int(n, 2, "are two");
	is_str(list[1].note, "Jonas", "the older one last");
	id = list[0].id;
	free(list);
	is_int(store_web_uninvite(s, id, &rig_err), 1, "one is void");
	is_int(store_web_join(s, secret, "no address", "$y$h", &id, &rig_err),
	    -1, "who joins has an address");
	is_int(store_why(s), STORE_REFUSED, "which is refused");
	is_int(
	    store_web_join(s, secret, "ANN@example.org", "$y$h", &id, &rig_err),
	    -1, "of their own");
	is_int(store_web_join(
		   s, secret, "jonas@example.org", "$y$h", &id, &rig_err),
	    1, "then it is an account");
	is_int(store_web_join(
		   s, secret, "more@example.org", "$y$h", &id, &rig_err),
	    0, "once");
	is_int(store_web_invited(s, secret, &rig_err), 0, "the link is spent");
}

static void
guesses(struct store *s)
{
	uint32_t left;
	int64_t wait;

	is_int(store_web_guess_wait(s, "k", &wait, &rig_err), 0,
	    "nobody has guessed");
	store_web_guess_wrong(s, "k", &rule, &left, &rig_err);
	is_int(left, 2, "two more are free");
	store_web_guess_wrong(s, "k", &rule, &left, &rig_err);
	is_int(store_web_guess_wait(s, "k", &wait, &rig_err), 0, "still free");
	store_web_guess_wrong(s, "k", &rule, &left, &rig_err);
	is_int(left, 0, "the third is the last");
	is_int(store_web_guess_wait(s, "k", &wait, &rig_err), 1, "it costs");
	ok(wait > 50000 && wait <= 60000, "a minute");
	store_web_guess_wrong(s, "k", &rule, &left, &rig_err);
	store_web_guess_wait(s, "k", &wait, &rig_err);
	ok(wait > 90000 && wait <= 100000, "then more, and never too much");
	is_int(store_web_guess_wait(s, "other", &wait, &rig_err), 0,
	    "others are free");
	rig_sql("UPDATE guess SET at = 1");
	store_web_guess_wrong(s, "other", &rule, &left, &rig_err);
	is_int(store_web_guess_wait(s, "k", &wait, &rig_err), 0,
	    "it is forgotten in time");
	is_int(store_web_guess_right(s, "other", &rig_err), 0, "a right one");
	is_int(rig_sql("SELECT count(*) FROM guess"), 0, "forgets at once");
}

int
main(void)
{
	char contact[WEB_CONTACT_MAX + 1], longest[WEB_CONTACT_MAX + 2];
	struct store *s;
	int64_t ann = 0, bob;
	bool has = true;

	rig_start();
	s = rig_open(0);
	is_int(store_web_has_users(s, &has, &rig_err), 0, "asked");
	ok(!has, "there is nobody");
	is_int(store_web_first_user(s, "nobody", "$y$h", &ann, &rig_err), -1,
	    "the first one has an address");
	is_int(
	    store_web_first_user(s, "ann@example.org", "$y$h", &ann, &rig_err),
	    1, "the first account");
	is_int(
	    store_web_first_user(s, "bob@example.org", "$y$h", &bob, &rig_err),
	    0, "is made once");
	is_int(rig_sql("SELECT count(*) FROM user WHERE role = 'admin'"), 1,
	    "and is an admin");
	bob = rig_user(s, "bob@example.org");
	sessions(s, ann, bob);
	many_sessions(s, ann, bob);
	passwords(s, ann);
	invitations(s);
	guesses(s);
	is_int(store_web_contact(s, contact, &rig_err), 0, "no contact");
	is_str(contact, "", "is none");
	is_int(
	    store_web_set_contact(s, "abuse@example.org", &rig_err), 0, "one");
	is_int(store_web_contact(s, contact, &rig_err), 1, "is there");
	is_str(contact, "abuse@example.org", "as it was said");
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	is_int(store_web_set_contact(s, longest, &rig_err), -1,
	    "and not too long");
	store_close(&s);
	rig_end();
	return tap_done();
}
