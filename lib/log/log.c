#include "log/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef _WIN32
#include <poll.h>
#endif

#include "base/clock.h"
#include "base/str.h"

#ifndef O_CLOEXEC
#define O_CLOEXEC 0
#endif
#ifndef O_NOFOLLOW
#define O_NOFOLLOW 0
#endif

enum {
	TEXT_MAX = 2048, /* bytes of a line before escaping */
	/*
	 * Bytes of a line as written.  A pipe that poll() calls writable takes
	 * this many at once, so that no write ever waits.
	 */
	LINE_MAX_BYTES = 4096,
	KINDS = 64,   /* kinds of lines that are counted at a time */
	SAMPLE = 120, /* bytes of a folded line that are shown */
};

const char *const log_levels[] = { "error", "warn", "info", "debug", NULL };

/* How often a kind of line came within the present second. */
struct kind {
	uint64_t second;
	uint32_t hash;
	uint32_t count;
	uint32_t folded;
	enum log_level level;
	char sample[SAMPLE];
};

static struct {
	pthread_mutex_t lock; /* guards all but level */
	_Atomic int level;
	int fd;
	char *file; /* NULL: standard error */
	uint32_t keep;
	uint32_t alike_per_s;
	uint64_t rotate_at; /* bytes; 0: never */
	uint64_t rotate_step;
	uint64_t size;
	uint64_t dropped;      /* since the start */
	uint64_t dropped_told; /* of them, told in the log */
	bool torn;             /* the last line is there in part */
	struct kind kinds[KINDS];
} the = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.level = LOG_INFO,
	.fd = STDERR_FILENO,
};

/* True when a line can be written without waiting. */
static bool
can_write(int fd)
{
#ifdef _WIN32
	(void)fd;
	return true;
#else
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	return poll(&p, 1, 0) == 1 && p.revents == POLLOUT;
#endif
}

/*
 * A link is not followed: whoever may write into the log's folder would choose
 * what root writes to.
 */
static int
open_file(const char *file)
{
	return open(
	    file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);
}

/* Why that failed. */
static int
refuse_file(const char *file, struct err *e)
{
	if (O_NOFOLLOW != 0 && errno == ELOOP)
		return err_set(e,
		    "log file %s: it is a symbolic link; name the file itself",
		    file);
	return err_sys(e, "log file %s", file);
}

/* Takes over fd in place of what was open. */
static void
use(int fd)
{
	struct stat st;

	if (the.fd != STDERR_FILENO)
		(void)close(the.fd);
	the.fd = fd;
	the.size = fstat(fd, &st) == 0 && S_ISREG(st.st_mode)
	    ? (uint64_t)st.st_size
	    : 0;
	the.rotate_at = the.rotate_step;
	the.torn = false;
}

static int
reopen(void)
{
	int fd;

	if (the.file == NULL)
		return 0;
	if ((fd = open_file(the.file)) < 0)
		return -1;
	use(fd);
	return 0;
}

/* FILE.1 becomes FILE.2, and so on; the oldest is overwritten. */
static void
rotate(void)
{
	char from[4096], to[4096];

	for (uint32_t i = the.keep; i > 1; i--) {
		snprintf(from, sizeof(from), "%s.%u", the.file, i - 1);
		snprintf(to, sizeof(to), "%s.%u", the.file, i);
		(void)rename(from, to);
	}
	snprintf(to, sizeof(to), "%s.1", the.file);
	if ((the.keep == 0 ? unlink(the.file) : rename(the.file, to)) != 0 ||
	    reopen() != 0)
		/* It goes on growing, and is tried again later. */
		the.rotate_at = the.size + the.rotate_step;
}

/* One write for one line.  False when it was not written whole. */
static bool
put(const char *line, size_t len)
{
	ssize_t done;

	if (!can_write(the.fd))
		return false;
	do
		done = write(the.fd, line, len);
	while (done < 0 && errno == EINTR);
	if (done > 0)
		the.size += (uint64_t)done;
	if (done == (ssize_t)len) {
		the.torn = false;
		return true;
	}
	the.torn = the.torn || done > 0;
	return false;
}

/* Escapes text, but leaves quotes and backslashes as they are. */
static size_t
escape(char *to, size_t cap, const char *text, size_t len)
{
	size_t done = 0;

	while (len > 0 && done + 2 < cap) {
		size_t n = 0;

		while (n < len && strchr("\"'\\", text[n]) == NULL)
			n++;
		str_escape(to + done, cap - done, text, n);
		done += strlen(to + done);
		text += n;
		len -= n;
		if (len > 0 && done + 2 < cap) {
			to[done++] = *text++;
			len--;
		}
	}
	to[done] = '\0';
	return done;
}

/* Writes a line whose text is made; counts it when that fails. */
static void
write_line(enum log_level level, const char *text, size_t len)
{
	char line[LINE_MAX_BYTES], when[32];
	size_t n = 0;

	if (the.torn)
		line[n++] = '\n';
	clock_rfc3339(when, sizeof(when), clock_wall_ms());
	n += (size_t)snprintf(
	    line + n, sizeof(line) - n, "%s %-5s ", when, log_levels[level]);
	n += escape(line + n, sizeof(line) - n - 1, text, len);
	line[n++] = '\n';
	if (the.rotate_at > 0 && the.size + n > the.rotate_at)
		rotate();
	if (!put(line, n))
		the.dropped++;
}

/* Tells how many lines were lost, as soon as that can be told. */
static void
tell_dropped(void)
{
	uint64_t lost = the.dropped - the.dropped_told;
	uint64_t before = the.dropped;
	char text[96];
	int len;

	if (lost == 0)
		return;
	len = snprintf(text, sizeof(text),
	    "log: %llu lines could not be written and are lost",
	    (unsigned long long)lost);
	write_line(LOG_WARN, text, (size_t)len);
	if (the.dropped == before)
		the.dropped_told = the.dropped;
	else
		the.dropped = before; /* this line was none of theirs */
}

/*
 * The hash of a line's kind: its text without the words that hold a digit
 * (numbers, addresses, ports).
 */
static uint32_t
kind_of(enum log_level level, const char *text)
{
	uint32_t h = 2166136261u + (uint32_t)level;

	while (*text != '\0') {
		size_t word = strcspn(text, " ,()");
		uint32_t before = h;

		for (size_t i = 0; i < word; i++) {
			if (text[i] >= '0' && text[i] <= '9') {
				h = before;
				break;
			}
			h = (h ^ (unsigned char)text[i]) * 16777619u;
		}
		text += word;
		if (*text != '\0')
			h = (h ^ (unsigned char)*text++) * 16777619u;
	}
	return h;
}

static void
tell_folded(struct kind *k)
{
	char text[SAMPLE + 64];
	int len;

	if (k->folded == 0)
		return;
	len = snprintf(text, sizeof(text), "%s ... and %u more like it",
	    k->sample, k->folded);
	k->folded = 0;
	write_line(k->level, text, (size_t)len);
}

/* Counts the line; true when enough like it were written in this second. */
static bool
is_folded(enum log_level level, const char *text)
{
	uint64_t now = clock_ms() / 1000;
	uint32_t h = kind_of(level, text);
	struct kind *k = &the.kinds[h % KINDS];

	if (the.alike_per_s == 0)
		return false;
	if (k->hash != h || k->second != now) {
		tell_folded(k);
		k->hash = h;
		k->second = now;
		k->count = 0;
	}
	if (k->count++ < the.alike_per_s)
		return false;
	if (k->folded++ == 0) {
		k->level = level;
		(void)str_copy(k->sample, sizeof(k->sample), text);
	}
	return true;
}

void
log_line(enum log_level level, const char *fmt, ...)
{
	int saved = errno;
	char text[TEXT_MAX];
	va_list ap;
	int len;

	if (!log_has(level))
		return;
	va_start(ap, fmt);
	len = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (len < 0)
		return;
	pthread_mutex_lock(&the.lock);
	tell_dropped();
	if (!is_folded(level, text))
		write_line(level, text, strlen(text));
	pthread_mutex_unlock(&the.lock);
	errno = saved;
}

bool
log_has(enum log_level level)
{
	return (int)level <=
	    atomic_load_explicit(&the.level, memory_order_relaxed);
}

uint64_t
log_dropped(void)
{
	uint64_t n;

	pthread_mutex_lock(&the.lock);
	n = the.dropped;
	pthread_mutex_unlock(&the.lock);
	return n;
}

static void
tell_all(void)
{
	tell_dropped();
	for (size_t i = 0; i < KINDS; i++)
		tell_folded(&the.kinds[i]);
}

int
log_open(const struct log_options *o, struct err *e)
{
	char *file = NULL;
	int fd = STDERR_FILENO;

	if (o->file != NULL) {
		if ((file = strdup(o->file)) == NULL)
			return err_sys(e, "log");
		if ((fd = open_file(file)) < 0) {
			refuse_file(file, e);
			free(file);
			return -1;
		}
	}
	pthread_mutex_lock(&the.lock);
	tell_all();
	free(the.file);
	the.file = file;
	the.keep = o->keep;
	the.alike_per_s = o->alike_per_s;
	the.rotate_step =
	    file == NULL ? 0 : (uint64_t)o->rotate_mb * 1000 * 1000;
	use(fd);
	pthread_mutex_unlock(&the.lock);
	atomic_store_explicit(&the.level, (int)o->level, memory_order_relaxed);
	return 0;
}

int
log_reopen(struct err *e)
{
	int rc = 0;

	pthread_mutex_lock(&the.lock);
	if (reopen() != 0)
		rc = refuse_file(the.file, e);
	pthread_mutex_unlock(&the.lock);
	return rc;
}

void
log_tick(void)
{
	struct stat here, there;
	uint64_t now = clock_ms() / 1000;

	pthread_mutex_lock(&the.lock);
	if (the.file != NULL && fstat(the.fd, &here) == 0 &&
	    (stat(the.file, &there) != 0 || here.st_ino != there.st_ino ||
		here.st_dev != there.st_dev))
		(void)reopen();
	tell_dropped();
	for (size_t i = 0; i < KINDS; i++)
		if (the.kinds[i].second != now)
			tell_folded(&the.kinds[i]);
	pthread_mutex_unlock(&the.lock);
}

void
log_close(void)
{
	pthread_mutex_lock(&the.lock);
	tell_all();
	free(the.file);
	the.file = NULL;
	the.rotate_step = 0;
	use(STDERR_FILENO);
	pthread_mutex_unlock(&the.lock);
}
