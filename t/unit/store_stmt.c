/* Statements that are kept: asked again, inside each other, after changes. */
#include "store_rig.h"

#include "store/store_sql.h"

static const char one[] = "SELECT ?1";

/* What the first row says; -1 without one. */
static int64_t
value_of(struct store *s, sqlite3_stmt *q)
{
	if (q == NULL || store_step(s, q, &rig_err) != 1)
		return -1;
	return sqlite3_column_int64(q, 0);
}

static void
again(struct store *s)
{
	sqlite3_stmt *q, *inner;
	char text[32] = "SELECT 7";

	q = store_query(s, one, &rig_err);
	sqlite3_bind_int64(q, 1, 41);
	is_int(value_of(s, q), 41, "a statement answers");
	inner = store_query(s, one, &rig_err);
	ok(inner != NULL && inner != q, "one that is busy is not given again");
	is_int(value_of(s, inner), 0, "nor its values");
	is_int(sqlite3_column_int64(q, 0), 41, "and it goes on undisturbed");
	store_query_end(s, inner);
	store_query_end(s, q);
	ok(sqlite3_stmt_busy(q) == 0, "at its end it stands still");

	inner = store_query(s, one, &rig_err);
	ok(inner == q, "asked again it is the same");
	store_step(s, inner, &rig_err);
	is_int(sqlite3_column_type(inner, 0), SQLITE_NULL, "without values");
	store_query_end(s, inner);

	q = store_query(s, text, &rig_err);
	is_int(value_of(s, q), 7, "a text that is no literal");
	store_query_end(s, q);
	text[7] = '8';
	q = store_query(s, text, &rig_err);
	is_int(value_of(s, q), 8, "is looked at again");
	store_query_end(s, q);

	q = store_query(s, "SELECT nonsense", &rig_err);
	ok(q == NULL, "a wrong one is refused");
	store_query_end(s, q);
}

/* More at once than are kept; afterwards all can be asked again. */
static void
crowd(struct store *s)
{
	enum { N = STORE_KEPT + 10 };
	static char text[N][32];
	sqlite3_stmt *q[N];
	int i, right = 0;

	for (i = 0; i < N; i++) {
		snprintf(text[i], sizeof(text[i]), "SELECT %d", i);
		q[i] = store_query(s, text[i], &rig_err);
	}
	for (i = 0; i < N; i++) {
		right += value_of(s, q[i]) == i;
		store_query_end(s, q[i]);
	}
	is_int(right, N, "a crowd at once");
	for (right = i = 0; i < 3 * N; i++) {
		q[0] = store_query(s, text[i % N], &rig_err);
		right += value_of(s, q[0]) == i % N;
		store_query_end(s, q[0]);
	}
	is_int(right, 3 * N, "and one after another");
}

/* Another program changes the tables below a kept statement. */
static void
changes(struct store *s)
{
	static const char all[] = "SELECT * FROM side";
	sqlite3_stmt *q;

	rig_sql("CREATE TABLE side (a)");
	rig_sql("INSERT INTO side VALUES (1)");
	q = store_query(s, all, &rig_err);
	is_int(value_of(s, q), 1, "a row");
	store_query_end(s, q);
	rig_sql("ALTER TABLE side ADD COLUMN b DEFAULT 5");
	q = store_query(s, all, &rig_err);
	is_int(value_of(s, q), 1, "a row of the table as it is now");
	is_int(sqlite3_column_int64(q, 1), 5, "with its new column");
	store_query_end(s, q);
	rig_sql("DROP TABLE side");
	q = store_query(s, all, &rig_err);
	is_int(value_of(s, q), -1, "a table that is gone is an error");
	store_query_end(s, q);
	rig_sql("CREATE TABLE side (a)");
	rig_sql("INSERT INTO side VALUES (9)");
	q = store_query(s, all, &rig_err);
	is_int(value_of(s, q), 9, "until it is there again");
	store_query_end(s, q);
}

int
main(void)
{
	struct store *s;

	rig_start();
	s = rig_open(0);
	again(s);
	crowd(s);
	changes(s);
	store_query_forget(s);
	ok(sqlite3_next_stmt(s->db, NULL) == s->data_version,
	    "forgotten, none is left");
	store_close(&s);
	rig_end();
	return tap_done();
}
