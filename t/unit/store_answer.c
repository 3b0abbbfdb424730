/*
 * Answers that are kept: the same request gets the same answer, another one is
 * refused, and the file shows nothing of it.
 */
#include "store/store_answer.h"

#include "base/random.h"
#include "store/store_key.h"
#include "store_rig.h"

static char key[KEY_LEN + 1], other[KEY_LEN + 1];
static const char body[] = "{\"token\":\"a secret that is shown only once, and "
			   "longer than a block of the cipher\"}";

static struct answer
asked(const char *with, const char *name, const char *request)
{
	struct answer a = { .key = with, .name = name };

	random_sha256(a.request, request, strlen(request));
	return a;
}

static int
keep(struct store *s, const char *with, const char *name, const char *request)
{
	struct answer a = asked(with, name, request);

	a.status = 201;
	a.body = (uint8_t *)(uintptr_t)body;
	a.body_len = sizeof(body) - 1;
	return store_answer_add(s, &a, &rig_err);
}

/* 1 when the kept answer is the whole one. */
static int
find(struct store *s, const char *with, const char *name, const char *request)
{
	struct answer a = asked(with, name, request);
	int rc = store_answer_find(s, &a, &rig_err);

	if (rc == 1)
		rc = a.status == 201 && a.body_len == sizeof(body) - 1 &&
		    memcmp(a.body, body, a.body_len) == 0;
	free(a.body);
	return rc;
}

static void
test_kept(struct store *s)
{
	is_int(find(s, key, "one", "a"), 0, "nothing is there at first");
	is_int(keep(s, key, "one", "a"), 0, "it is kept");
	is_int(find(s, key, "one", "a"), 1, "and found, whole");
	is_int(find(s, key, "two", "a"), 0, "under its name alone");
	is_int(find(s, other, "one", "a"), 0, "by its key alone");
	is_int(find(s, key, "one", "b"), -1, "another request is refused");
	is_int(store_why(s), STORE_REFUSED, "as a wish");
	is_int(rig_sql("SELECT count(*) FROM answer WHERE"
		       " instr(body, CAST('secret' AS BLOB)) > 0"),
	    0, "the file does not show it");
	is_int(keep(s, key, "two", "a"), 0, "a second one");
	is_int(rig_sql("SELECT count(DISTINCT body) FROM answer"), 2,
	    "the same answer does not look the same twice");
}

static void
test_ends(struct store *s, int64_t id)
{
	rig_sql("UPDATE answer SET at = at - 86400001");
	is_int(find(s, key, "one", "a"), 0, "a day later it is forgotten");
	is_int(keep(s, key, "three", "a"), 0, "the next one comes");
	is_int(rig_sql("SELECT count(*) FROM answer"), 1,
	    "and the forgotten ones go");
	is_int(store_key_remove(s, STORE_ANYBODY, id, &rig_err), 1,
	    "its API key is revoked");
	is_int(rig_sql("SELECT count(*) FROM answer"), 0,
	    "its answers go with it");
}

/* A change and what is said of it are kept together, or neither is. */
static void
test_group(struct store *s, int64_t user)
{
	char k[KEY_LEN + 1];
	int64_t id;

	is_int(store_group(s, &rig_err), 0, "a group begins");
	is_int(store_key_add(s, user, "in a group", &id, k, &rig_err), 0,
	    "a change in it");
	is_int(keep(s, k, "g", "a"), 0, "and its answer");
	is_int(store_group_end(s, false, &rig_err), 0, "it is undone");
	is_int(
	    rig_sql("SELECT count(*) FROM api_key WHERE name = 'in a group'"),
	    0, "nothing of it is there");
	store_group(s, &rig_err);
	is_int(store_key_add(s, user, "", &id, k, &rig_err), -1,
	    "a step that is refused");
	is_int(store_key_add(s, 999, "x", &id, k, &rig_err), -1,
	    "and one that fails inside");
	is_int(store_key_add(s, user, "in a group", &id, k, &rig_err), 0,
	    "do not hinder the next");
	is_int(store_group_end(s, true, &rig_err), 0, "it is kept");
	is_int(
	    rig_sql("SELECT count(*) FROM api_key WHERE name = 'in a group'"),
	    1, "and is there");
}

int
main(void)
{
	struct store *s;
	int64_t user = 0, id = 0, id2;

	rig_start();
	s = rig_open(0);
	if (store_user_add(s, "a@example.org", "x", false, &user, &rig_err) ==
		-1 ||
	    store_key_add(s, user, "key", &id, key, &rig_err) == -1 ||
	    store_key_add(s, user, "other", &id2, other, &rig_err) == -1)
		printf("Bail out! %s\n", rig_err.text);
	test_kept(s);
	test_ends(s, id);
	test_group(s, user);
	store_close(&s);
	rig_end();
	return tap_done();
}
