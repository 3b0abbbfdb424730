#include "store/store_verify.h"

#include <fcntl.h>
#include <sys/wait.h>

#include "store_rig.h"

static uint8_t key[VERIFY_KEY_LEN];

static void
the_key(void)
{
	uint8_t again[VERIFY_KEY_LEN];
	char path[128], copy[128];
	struct stat st;
	FILE *f;

	is_int(store_verify_key(rig_db, key, &rig_err), 0, "a key");
	is_int(store_verify_key(rig_db, again, &rig_err), 0, "asked again");
	is_mem(key, again, sizeof(key), "is the same");
	snprintf(path, sizeof(path), "%s/adit.key", rig_dir);
	stat(path, &st);
	is_int(st.st_mode & 0777, 0600, "nobody else may read it");
	snprintf(copy, sizeof(copy), "%s/copy.key", rig_dir);
	is_int(store_verify_key_copy(rig_db, copy, &rig_err), 0, "a copy");
	stat(copy, &st);
	is_int(st.st_mode & 0777, 0600, "is as secret");
	is_int(store_verify_key_copy(rig_db, copy, &rig_err), -1, "once");
	chmod(path, 0644);
	is_int(store_verify_key(rig_db, again, &rig_err), -1, "an open key");
	ok(strstr(rig_err.text, "chmod 600") != NULL, "is refused, and said");
	chmod(path, 0600);
	f = fopen(path, "w");
	fputs("short\n", f);
	fclose(f);
	is_int(store_verify_key(rig_db, again, &rig_err), -1, "a broken key");
	rename(copy, path);
	is_int(store_verify_key(rig_db, again, &rig_err), 0, "the copy helps");
	is_mem(key, again, sizeof(key), "it is the same key");
}

/* Eight programs come first at once. */
static void
race(void)
{
	uint8_t mine[VERIFY_KEY_LEN], first[VERIFY_KEY_LEN];
	int i, pipes[2], same = 0;

	rig_clear();
	if (pipe(pipes) == -1)
		return;
	for (i = 0; i < 8; i++) {
		if (fork() == 0) {
			memset(mine, 0, sizeof(mine));
			store_verify_key(rig_db, mine, &rig_err);
			_exit(write(pipes[1], mine, sizeof(mine)) == -1);
		}
	}
	close(pipes[1]);
	store_verify_key(rig_db, first, &rig_err);
	for (i = 0; i < 8; i++) {
		if (read(pipes[0], mine, sizeof(mine)) == sizeof(mine) &&
		    memcmp(mine, first, sizeof(mine)) == 0)
			same++;
	}
	while (wait(NULL) > 0)
		continue;
	close(pipes[0]);
	is_int(same, 8, "eight at once make one key");
}

int
main(void)
{
	static const uint8_t zero[VERIFY_KEY_LEN];
	char code[VERIFY_CODE_LEN + 1], other[VERIFY_CODE_LEN + 1];
	struct tunnel_wish w = rig_wish("x");
	struct tunnel t, found;
	struct store *s;
	int64_t user;
	size_t i;

	rig_start();
	the_key();
	store_verify_code(code, zero, 1, 1);
	/* HMAC-SHA256 with 32 zero bytes over "verify", 1 and 1 */
	is_str(code, "visx332e4balrh4oorle5ftxeu", "a code that is known");
	s = rig_open(0);
	user = rig_user(s, "a@example.com");
	store_tunnel_add(s, user, &w, &rig_ports, false, false, &t, &rig_err);
	store_verify_code(code, key, t.id, t.verify_serial);
	is_int(strlen(code), VERIFY_CODE_LEN, "26 letters");
	is_int(store_verify_find(s, key, code, &found, &rig_err), 1, "found");
	is_int(found.id, t.id, "the tunnel");
	for (i = 0; code[i] != '\0'; i++)
		other[i] = code[i] >= 'a' ? (char)(code[i] - 32) : code[i];
	other[i] = '\0';
	is_int(store_verify_find(s, key, other, &found, &rig_err), 1,
	    "in capitals, too");
	other[0] = other[0] == 'A' ? 'B' : 'A';
	is_int(store_verify_find(s, key, other, &found, &rig_err), 0,
	    "a wrong one is not");
	is_int(store_verify_find(s, key, "", &found, &rig_err), 0, "no code");
	is_int(store_verify_find(s, zero, code, &found, &rig_err), 0,
	    "nor with another key");

	is_int(store_verify_renew(s, user + 1, t.id, &rig_err), 0,
	    "another gets no new link");
	is_int(store_verify_renew(s, user, t.id, &rig_err), 1, "a new link");
	is_int(store_verify_find(s, key, code, &found, &rig_err), 0,
	    "the old one is void");
	is_int(store_verify(s, t.id, 1, &rig_err), 0, "it verifies nothing");
	store_verify_code(code, key, t.id, 2);
	rig_sql("UPDATE tunnel SET verify_until = 1");
	is_int(store_verify_find(s, key, code, &found, &rig_err), 0, "late");
	is_int(store_verify(s, t.id, 2, &rig_err), 0, "for both");
	store_verify_renew(s, user, t.id, &rig_err);
	store_verify_code(code, key, t.id, 3);
	is_int(store_verify_find(s, key, code, &found, &rig_err), 1, "in time");
	is_int(store_verify(s, t.id, found.verify_serial, &rig_err), 1,
	    "verified");
	is_int(store_verify_find(s, key, code, &found, &rig_err), 0, "once");
	is_int(store_verify(s, t.id, 0, &rig_err), 1, "an admin's word");
	store_tunnel_by_id(s, user, t.id, &found, &rig_err);
	is_int(found.revision, 5, "changes nothing any more");
	is_int(store_verify_renew(s, user, t.id, &rig_err), 0, "no new link");
	is_int(store_verify(s, 99, 0, &rig_err), 0, "no such tunnel");
	store_close(&s);
	race();
	rig_end();
	return tap_done();
}
