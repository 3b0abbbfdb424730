#include "log/log.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <pthread.h>

#include "tap.h"

static struct err e;
static char dir[] = "/tmp/log-XXXXXX";
static char path[64];
static struct log_options plain = { .file = path, .level = LOG_INFO };

/* All of a file, in memory that stays until the next call. */
static const char *
slurp(const char *name)
{
	static char text[4 << 20];
	FILE *f = fopen(name, "r");
	size_t n = 0;

	if (f != NULL) {
		n = fread(text, 1, sizeof(text) - 1, f);
		fclose(f);
	}
	text[n] = '\0';
	return text;
}

static size_t
count_of(const char *text, const char *words)
{
	size_t n = 0;

	while ((text = strstr(text, words)) != NULL) {
		text += strlen(words);
		n++;
	}
	return n;
}

/* The text of the file's only line, without the time; checks its form. */
static const char *
only_line(void)
{
	static char line[5000];
	const char *text = slurp(path);

	if (count_of(text, "\n") != 1 || strlen(text) < 26 || text[10] != 'T' ||
	    text[23] != 'Z' || text[24] != ' ')
		return text;
	snprintf(line, sizeof(line), "%.*s", (int)strlen(text) - 26, text + 25);
	return line;
}

static void
fresh(const struct log_options *o)
{
	log_close();
	unlink(path);
	is_int(log_open(o, &e), 0, "a fresh log");
}

static void
test_line(void)
{
	static char longer[4000];

	fresh(&plain);
	log_info("link %d (%s): ended", 42, "192.0.2.7");
	is_str(only_line(), "info  link 42 (192.0.2.7): ended", "a line");
	fresh(&plain);
	log_debug("not %s", "shown");
	is_str(slurp(path), "", "a level that is not logged");
	ok(log_has(LOG_INFO) && !log_has(LOG_DEBUG), "can be asked for");
	log_error("key \"x\" 'y' \\ \n\x1b[31m \xff \xc3\xa4 \xc2\x9b");
	is_str(only_line(),
	    "error key \"x\" 'y' \\ \\x0a\\x1b[31m \\xff \xc3\xa4 "
	    "\\xc2\\x9b",
	    "what could do harm is spelled, quotes are not");
	fresh(&plain);
	memset(longer, '\n', sizeof(longer) - 1);
	log_warn("%s", longer);
	ok(strlen(slurp(path)) <= 4096, "a line has an end");
	is_int(count_of(slurp(path), "\n"), 1, "and is one line");
}

static void
test_rotation(void)
{
	struct log_options o = { path, LOG_INFO, 1, 2, 0 };
	char name[80], filler[1001];
	struct stat st;

	memset(filler, 'x', sizeof(filler) - 1);
	filler[sizeof(filler) - 1] = '\0';
	fresh(&o);
	for (int i = 0; i < 3500; i++)
		log_info("line %d %s", i, filler);
	ok(stat(path, &st) == 0 && st.st_size <= 1000000, "no file is larger");
	ok(strstr(slurp(path), "line 3499 ") != NULL, "the newest is here");
	snprintf(name, sizeof(name), "%s.1", path);
	ok(stat(name, &st) == 0 && st.st_size > 990000, "FILE.1 is full");
	unlink(name);
	snprintf(name, sizeof(name), "%s.2", path);
	ok(stat(name, &st) == 0, "FILE.2 is there");
	unlink(name);
	snprintf(name, sizeof(name), "%s.3", path);
	ok(stat(name, &st) != 0, "FILE.3 is not");
	o.keep = 0;
	fresh(&o);
	for (int i = 0; i < 1500; i++)
		log_info("line %d %s", i, filler);
	ok(stat(path, &st) == 0 && st.st_size < 1000000, "keep 0 keeps none");
	snprintf(name, sizeof(name), "%s.1", path);
	ok(stat(name, &st) != 0, "at all");
}

static void
test_reopen(void)
{
	char moved[80];

	fresh(&plain);
	snprintf(moved, sizeof(moved), "%s.moved", path);
	log_info("first");
	rename(path, moved);
	is_int(log_reopen(&e), 0, "opened anew");
	log_info("second");
	is_str(only_line(), "info  second", "in its place");
	ok(strstr(slurp(moved), "first") != NULL, "the old one is left alone");
	unlink(moved);
	unlink(path);
	log_tick();
	log_info("third");
	is_str(only_line(), "info  third", "a deleted file is noticed");
	log_tick();
	log_info("fourth");
	is_int(count_of(slurp(path), "\n"), 2, "one that is there stays");
}

static void
test_open_fails(void)
{
	struct log_options o = plain;

	fresh(&plain);
	o.file = "/nonexistent/x/log";
	is_int(log_open(&o, &e), -1, "a place that is not there");
	is_str(e.text, "log file /nonexistent/x/log: No such file or directory",
	    "is told");
	log_info("still");
	is_str(only_line(), "info  still", "the log stays as it was");
}

/* A link in place of the file would choose where root writes. */
static void
test_link(void)
{
	struct log_options o = plain;
	char link[80], victim[80], want[160];

	snprintf(link, sizeof(link), "%s/link", dir);
	snprintf(victim, sizeof(victim), "%s/victim", dir);
	snprintf(want, sizeof(want),
	    "log file %s: it is a symbolic link; name the file itself", link);
	fresh(&plain);
	ok(symlink(victim, link) == 0, "a link");
	o.file = link;
	is_int(log_open(&o, &e), -1, "is no log file");
	is_str(e.text, want, "which is told");
	log_info("one");
	ok(rename(path, victim) == 0 && symlink(victim, path) == 0,
	    "a link in place of a file that is open");
	is_int(log_reopen(&e), -1, "is not opened");
	ok(strstr(e.text, "it is a symbolic link") != NULL, "which is told");
	log_tick();
	log_info("two");
	ok(strstr(slurp(victim), "two") != NULL,
	    "lines go where they went before");
	unlink(path);
	log_tick();
	log_info("three");
	is_str(only_line(), "info  three", "until the file is a file again");
	unlink(link);
	unlink(victim);
}

/* A full disk: lines are lost, counted, and told of when it has room again. */
static void
test_full(void)
{
	struct log_options o = plain;
	uint64_t before = log_dropped();

	fresh(&plain);
	o.file = "/dev/full";
	is_int(log_open(&o, &e), 0, "a full disk");
	log_info("one");
	log_info("two");
	log_tick();
	is_int(log_dropped() - before, 2, "two lines are lost");
	is_int(log_open(&plain, &e), 0, "a disk with room");
	log_info("three");
	ok(strstr(slurp(path),
	       "warn  log: 2 lines could not be written and are lost\n") !=
		NULL,
	    "the loss is told");
	ok(strstr(slurp(path), "info  three\n") != NULL, "it goes on");
	log_info("four");
	is_int(count_of(slurp(path), "\n"), 3, "and is told once");
}

/* A pipe that nobody reads: no line waits for it. */
static void
test_pipe(void)
{
	static char out[1 << 20];
	struct log_options o = plain;
	char fifo[80];
	uint64_t before = log_dropped(), lost;
	size_t len = 0, lines;
	ssize_t n;
	int fd;

	snprintf(fifo, sizeof(fifo), "%s/fifo", dir);
	ok(mkfifo(fifo, 0600) == 0, "a pipe");
	fd = open(fifo, O_RDONLY | O_NONBLOCK);
	o.file = fifo;
	is_int(log_open(&o, &e), 0, "is logged to");
	for (int i = 0; i < 5000; i++)
		log_info("line %d that nobody reads until much later", i);
	lost = log_dropped() - before;
	ok(lost > 0 && lost < 5000, "some lines are lost");
	while (len < sizeof(out) - 1 &&
	    (n = read(fd, out + len, sizeof(out) - 1 - len)) > 0)
		len += (size_t)n;
	out[len] = '\0';
	lines = count_of(out, "\n");
	is_int(lines, 5000 - lost, "the others are all there");
	is_int(count_of(out, " info  line "), lines, "and whole");
	log_tick();
	n = read(fd, out, sizeof(out) - 1);
	out[n < 0 ? 0 : n] = '\0';
	ok(strstr(out, "lines could not be written and are lost") != NULL,
	    "the count is told when there is room");
	close(fd);
	before = log_dropped();
	log_info("nobody is there");
	is_int(log_dropped() - before, 1, "a pipe without reader is no harm");
	log_close();
	unlink(fifo);
}

static void
test_folding(void)
{
	struct log_options o = plain;
	const char *text;
	size_t shown, more = 0;

	o.alike_per_s = 10;
	fresh(&o);
	for (int i = 0; i < 1000; i++)
		log_warn("link %d (192.0.2.%d:%d): ended, hello took too long",
		    i, i % 250, 1024 + i);
	log_warn("tunnel 3: port 25565 is taken");
	log_close();
	text = slurp(path);
	ok(strstr(text, "tunnel 3: port") != NULL, "another kind is shown");
	shown = count_of(text, "too long\n");
	/* The loop may have run over the edge of a second. */
	ok(shown >= 10 && shown <= 100, "of those alike a few are shown");
	for (const char *at = text; (at = strstr(at, " ... and ")) != NULL;
	     at++)
		more += (size_t)atoi(at + 9);
	is_int(shown + more, 1000, "and the others counted");
	ok(strstr(text, "more like it\n") != NULL, "in words");
	is_int(log_open(&plain, &e), 0, "without that limit");
	for (int i = 0; i < 100; i++)
		log_warn("again %d", i);
	is_int(count_of(slurp(path), "again"), 100, "all are shown");
}

static void *
work(void *arg)
{
	const char *name = arg;

	for (int i = 0; i < 2000; i++)
		log_info("%s %d: a line of its own", name, i);
	return NULL;
}

static void
test_threads(void)
{
	struct log_options o = { path, LOG_INFO, 1, 9, 1500 };
	static char names[4][8] = { "anna", "bert", "carl", "dora" };
	pthread_t t[4];
	const char *text;

	o.alike_per_s = 0;
	fresh(&o);
	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, work, names[i]);
	for (int i = 0; i < 100; i++) {
		log_tick();
		(void)log_reopen(NULL);
	}
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	log_close();
	text = slurp(path);
	is_int(count_of(text, ": a line of its own\n"), 8000, "8,000 lines");
	is_int(count_of(text, "Z info  "), 8000, "each whole");
}

int
main(void)
{
	signal(SIGPIPE, SIG_IGN);
	ok(mkdtemp(dir) != NULL, "a folder");
	snprintf(path, sizeof(path), "%s/log", dir);
	test_line();
	test_rotation();
	test_reopen();
	test_open_fails();
	test_link();
	test_full();
	test_pipe();
	test_folding();
	test_threads();
	unlink(path);
	rmdir(dir);
	is_str(log_levels[LOG_DEBUG], "debug", "levels have names");
	ok(log_levels[LOG_DEBUG + 1] == NULL, "four of them");
	return tap_done();
}
