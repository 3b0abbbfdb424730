#include "store/store.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>

#include "store_rig.h"

static int faults;
static int64_t newest; /* step of the schema */

static void
on_fault(void *arg, const char *fault)
{
	(void)arg;
	(void)fault;
	faults++;
}

static void
opening(void)
{
	struct store *s, *t;
	struct stat st;
	int64_t a, b, c;

	s = rig_open(0);
	is_str(store_path(s), rig_db, "a store knows its path");
	is_int(store_why(s), STORE_FINE, "and that nothing has failed");
	is_int(store_schema_version(s, &a, &rig_err), 0, "it has a schema");
	ok(a >= 1, "the newest");
	newest = a;
	is_int(rig_sql("PRAGMA journal_mode") == -1, 0, "others may read it");
	stat(rig_db, &st);
	is_int(st.st_mode & 0777, 0600, "nobody else may read the file");
	is_int(store_check(s, on_fault, NULL, &rig_err), 0, "it is sound");
	is_int(faults, 0, "no fault is told");

	t = rig_open(0);
	is_int(store_data_version(s, &a, &rig_err), 0, "a data version");
	is_int(store_change_max(s, &b, &rig_err), 0, "a newest change");
	is_int(b, 0, "none yet");
	rig_user(t, "a@example.com");
	is_int(store_data_version(s, &c, &rig_err), 0, "asked again");
	ok(c != a, "it moved when another wrote");
	store_change_max(s, &c, &rig_err);
	is_int(c, 1, "and a change is there");
	is_int(store_data_version(s, &a, &rig_err) == 0 &&
		store_data_version(s, &c, &rig_err) == 0 && a == c,
	    true, "it stands while nothing happens");
	store_close(&t);
	store_close(&s);
	ok(s == NULL, "closing leaves NULL");
	store_close(&s);
	rig_clear();
}

/* Files that are not for us. */
static void
strangers(void)
{
	enum store_why why;
	struct store *s;
	FILE *f;

	s = rig_open(0);
	store_close(&s);
	rig_sql("PRAGMA user_version = 99");
	ok(store_open(rig_db, 0, &why, &rig_err) == NULL, "a later schema");
	is_int(why, STORE_NEWER, "is told from other troubles");
	ok(strstr(rig_err.text, "later Adit") != NULL, "and said");
	is_int(rig_sql("PRAGMA user_version"), 99, "it is left as it is");
	rig_clear();

	rig_sql("CREATE TABLE other (x)");
	ok(store_open(rig_db, 0, &why, &rig_err) == NULL, "another's tables");
	ok(strstr(rig_err.text, "another program") != NULL, "are not touched");
	rig_clear();

	f = fopen(rig_db, "w");
	fprintf(f, "%04096d", 7);
	fclose(f);
	ok(store_open(rig_db, 0, &why, &rig_err) == NULL, "no database");
	is_int(why, STORE_BROKEN, "is broken");
	ok(strstr(rig_err.text, "damaged") != NULL, "and said");
	rig_clear();

	ok(store_open("/nonexistent/x/adit.db", 0, &why, &rig_err) == NULL,
	    "no folder");
	is_int(why, STORE_LOST, "is lost");
	ok(strstr(rig_err.text, "folder") != NULL, "and said");
}

/* The file goes away under an open store. */
static void
vanishing(void)
{
	char other[128];
	struct store *s;
	int64_t id;

	s = rig_open(0);
	rig_user(s, "a@example.com");
	is_int(store_file_check(s, &rig_err), 0, "the file is there");
	snprintf(other, sizeof(other), "%s/kept", rig_dir);
	rename(rig_db, other);
	is_int(store_file_check(s, &rig_err), -1, "it was removed");
	is_int(store_why(s), STORE_LOST, "that is noticed");
	is_int(store_user_add(s, "b@example.com", "h", false, &id, &rig_err),
	    -1, "nothing is written into a removed file");
	ok(strstr(rig_err.text, "removed") != NULL, "and said");
	fclose(fopen(rig_db, "w"));
	is_int(store_file_check(s, &rig_err), -1, "another took its place");
	ok(strstr(rig_err.text, "replaced") != NULL, "and said");
	rename(other, rig_db);
	is_int(store_file_check(s, &rig_err), 0, "it is back");
	is_int(store_user_add(s, "b@example.com", "h", false, &id, &rig_err), 0,
	    "and written again");
	store_close(&s);
	rig_clear();
}

static void
never_waiting(void)
{
	struct store *s, *busy;
	sqlite3 *db;
	char lock[128];
	int64_t id;
	int fd;

	busy = rig_open(0);
	s = rig_open(STORE_NEVER_WAIT);
	snprintf(lock, sizeof(lock), "%s.lock", rig_db);
	fd = open(lock, O_RDWR);
	flock(fd, LOCK_EX);
	is_int(store_user_add(s, "b@example.com", "h", false, &id, &rig_err),
	    -1, "while a writer has the lock");
	is_int(store_why(s), STORE_BUSY, "it is busy now");
	flock(fd, LOCK_UN);
	close(fd);
	is_int(sqlite3_open(rig_db, &db), SQLITE_OK, "a stranger");
	sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	is_int(store_user_add(s, "b@example.com", "h", false, &id, &rig_err),
	    -1, "while a stranger writes");
	is_int(store_why(s), STORE_BUSY, "it is busy now, too");
	sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	sqlite3_close(db);
	is_int(store_user_add(s, "b@example.com", "h", false, &id, &rig_err), 0,
	    "then it is done");
	/* one that waits: until the lock is given back, or too long */
	fd = open(lock, O_RDWR);
	flock(fd, LOCK_EX);
	alarm(60);
	is_int(store_user_add(busy, "c@example.com", "h", false, &id, &rig_err),
	    -1, "a writer that keeps the lock");
	is_int(store_why(busy), STORE_BUSY, "is not waited for for ever");
	alarm(0);
	close(fd);
	is_int(store_user_add(busy, "c@example.com", "h", false, &id, &rig_err),
	    0, "then it is done");
	store_close(&s);
	store_close(&busy);
	rig_clear();
}

/* Eight programs open a database that is not there; how many could. */
static int
open_at_once(void)
{
	struct store *s;
	int i, status, good = 0;

	for (i = 0; i < 8; i++) {
		if (fork() == 0) {
			s = store_open(rig_db, 0, NULL, &rig_err);
			if (s == NULL)
				fprintf(stderr, "# %s\n", rig_err.text);
			status = s == NULL;
			store_close(&s);
			_exit(status);
		}
	}
	for (i = 0; i < 8; i++) {
		if (wait(&status) > 0 && status == 0)
			good++;
	}
	return good;
}

static void
all_first(void)
{
	int round, good = 0, whole = 0;

	for (round = 0; round < 20; round++) {
		good += open_at_once();
		whole += rig_sql("PRAGMA user_version") == newest;
		rig_clear();
	}
	is_int(good, 160, "eight at once make one database, 20 times");
	is_int(whole, 20, "with one schema");
}

/* Writes users until it is killed, telling each that was promised. */
static void
write_on(int to)
{
	struct store *s = rig_open(0);
	char email[32];
	int64_t id;
	int i;

	for (i = 0; i < 100000; i++) {
		snprintf(email, sizeof(email), "u%d@example.com", i);
		if (store_user_add(s, email, "h", false, &id, &rig_err) == -1)
			break;
		if (write(to, &i, sizeof(i)) != sizeof(i))
			break;
	}
	_exit(1);
}

static void
killing(void)
{
	struct store *s;
	int round, pipes[2], last, i, lost = 0, unsound = 0;
	int64_t have;
	pid_t pid;

	for (round = 0; round < 10; round++) {
		s = rig_open(0);
		store_close(&s);
		if (pipe(pipes) == -1)
			break;
		if ((pid = fork()) == 0)
			write_on(pipes[1]);
		close(pipes[1]);
		last = -1;
		for (i = 0; i < 3 + round * 2; i++) {
			if (read(pipes[0], &last, sizeof(last)) < 1)
				break;
		}
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		while (read(pipes[0], &last, sizeof(last)) == sizeof(last))
			continue;
		close(pipes[0]);
		s = rig_open(0);
		have = rig_sql("SELECT count(*) FROM user");
		lost += have < last + 1 || have > last + 2;
		unsound += store_check(s, on_fault, NULL, &rig_err) != 0;
		store_close(&s);
		rig_clear();
	}
	is_int(lost, 0, "killed at any moment, no promised row is missing");
	is_int(unsound, 0, "and the file is sound");
}

static void
backups(void)
{
	char to[128];
	struct store *s, *copy;
	struct user *list;
	struct stat st;
	size_t n;

	s = rig_open(0);
	rig_user(s, "a@example.com");
	snprintf(to, sizeof(to), "%s/copy.db", rig_dir);
	is_int(store_backup(s, to, &rig_err), 0, "a backup");
	stat(to, &st);
	is_int(st.st_mode & 0777, 0600, "is nobody else's");
	is_int(store_backup(s, to, &rig_err), -1, "and is not overwritten");
	is_int(store_why(s), STORE_REFUSED, "but refused");
	copy = store_open(to, 0, NULL, &rig_err);
	ok(copy != NULL, "it opens");
	is_int(store_user_list(copy, 0, 9, &list, &n, &rig_err), 0, "is read");
	is_int(n, 1, "and holds what was there");
	free(list);
	store_close(&copy);
	store_close(&s);
	rig_clear();
}

static void
purging(void)
{
	struct store *s = rig_open(0);
	int64_t user = rig_user(s, "a@example.com"), id;

	id = rig_tunnel(s, user, "old");
	rig_tunnel(s, user, "new");
	is_int(store_tunnel_remove(s, user, id, &rig_err), 1, "deleted");
	is_int(store_purge(s, &rig_err), 0, "purged");
	is_int(rig_sql("SELECT count(*) FROM tunnel"), 2, "too early");
	is_int(rig_sql("SELECT count(*) FROM port_rest"), 1, "the port rests");
	rig_sql("UPDATE tunnel SET deleted_at = 1 WHERE deleted_at > 0");
	rig_sql("UPDATE port_rest SET until = 1");
	is_int(store_purge(s, &rig_err), 0, "purged again");
	is_int(rig_sql("SELECT count(*) FROM tunnel"), 1, "the old one went");
	is_int(rig_sql("SELECT count(*) FROM port_rest"), 0, "so did its rest");
	store_close(&s);
	rig_clear();
}

/* Changes are kept for a bounded number, and their numbers rise on. */
static void
changes(void)
{
	struct store *s = rig_open(0);
	int64_t max;

	rig_sql("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1"
		" FROM n WHERE i < 3000) INSERT INTO user (email, password,"
		" role, created_at) SELECT i || '@x.y', 'h', 'member', 1"
		" FROM n");
	is_int(rig_sql("SELECT count(*) FROM change"), 1000, "a thousand kept");
	store_change_max(s, &max, &rig_err);
	is_int(max, 3000, "of three thousand");
	store_close(&s);
	rig_clear();
}

int
main(void)
{
	rig_start();
	opening();
	strangers();
	vanishing();
	never_waiting();
	all_first();
	killing();
	backups();
	purging();
	changes();
	rig_end();
	return tap_done();
}
