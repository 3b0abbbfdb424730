/* aditctl relay: what the running relayd says, and what clients trust. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "cmd.h"
#include "http/http.h"
#include "http/http_write.h"
#include "out.h"
#include "tls/tls_cert.h"

enum {
	ANSWER_MS = 5000, /* a busy computer may need some of it */
	REQUEST_MAX = 1024,
	CHUNK = 16384,
	SHOWN_MAX = 64, /* keys of an answer that people are shown */
};

/* Waits for the socket until end; -1 when the time is over. */
static int
wait_for(int fd, short events, uint64_t end)
{
	struct pollfd p = { .fd = fd, .events = events };
	uint64_t now;
	int n;

	do {
		if ((now = clock_ms()) >= end) {
			errno = ETIMEDOUT;
			return -1;
		}
		n = poll(&p, 1, (int)(end - now));
	} while (n == 0 || (n == -1 && errno == EINTR));
	return n == -1 ? -1 : 0;
}

/* Nobody there, or nobody who answers: the same to whoever asks. */
static int
not_running(const char *path, struct err *e)
{
	if (errno == EACCES || errno == EPERM)
		return err_sys(e,
		    "control socket %s (run this as the relay's user or as "
		    "root)",
		    path);
	return err_set(e, "relayd is not running (control socket %s)", path);
}

static int
dial(const char *path, uint64_t end, struct err *e)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(to.sun_path))
		return err_set(
		    e, "control socket %s: the path is too long", path);
	memcpy(to.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return err_sys(e, "control socket %s", path);
	/* EAGAIN: its queue is full, nobody is taking from it */
	while (connect(fd, (const struct sockaddr *)&to, sizeof(to)) == -1) {
		if (errno == EAGAIN && clock_ms() < end) {
			poll(NULL, 0, 10);
			continue;
		}
		not_running(path, e);
		close(fd);
		return -1;
	}
	return fd;
}

static int
send_request(int fd, const char *path, uint64_t end, struct err *e)
{
	struct buf b;
	ssize_t n;
	int rc = 0;

	buf_init(&b, REQUEST_MAX);
	if (http_write_request(&b, "GET", "/status", "localhost", NULL, 0, e) ==
	    -1)
		rc = -1;
	while (rc == 0 && buf_len(&b) > 0) {
		n = send(fd, buf_data(&b), buf_len(&b), MSG_NOSIGNAL);
		if (n > 0)
			buf_drop(&b, (size_t)n);
		else if (errno != EAGAIN || wait_for(fd, POLLOUT, end) == -1)
			rc = not_running(path, e);
	}
	buf_free(&b);
	return rc;
}

/* Reads until the answer is whole. */
static int
read_answer(
    int fd, const char *path, struct http *h, uint64_t end, struct err *e)
{
	static char chunk[CHUNK];
	size_t used;
	ssize_t n;
	int rc = 0;

	while (rc == 0) {
		if (wait_for(fd, POLLIN, end) == -1)
			return not_running(path, e);
		n = recv(fd, chunk, sizeof(chunk), 0);
		if (n == -1 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n == -1)
			return not_running(path, e);
		if (n == 0)
			rc = http_end(h, e) == 1 ? 1 : not_running(path, e);
		else
			rc = http_feed(h, chunk, (size_t)n, &used, e);
	}
	return rc == 1 ? 0 : -1;
}

static json_t *
read_status(const struct http *h, struct err *e)
{
	json_error_t fault;
	const void *body;
	size_t n;
	json_t *v;

	body = http_body(h, &n);
	if (http_status(h) != 200) {
		err_set(e, "relayd answered %u", http_status(h));
		return NULL;
	}
	v = json_loadb(body, n, JSON_REJECT_DUPLICATES, &fault);
	if (v == NULL || !json_is_object(v)) {
		json_decref(v);
		err_set(e, "relayd answered something that is not JSON");
		return NULL;
	}
	return v;
}

/* The status that relayd tells; NULL with e. */
static json_t *
ask(const char *path, struct err *e)
{
	uint64_t end = clock_ms() + ANSWER_MS;
	json_t *v = NULL;
	struct http *h;
	int fd;

	if ((h = http_new(HTTP_SIDE_RESPONSE, &http_usual, e)) == NULL)
		return NULL;
	if ((fd = dial(path, end, e)) != -1) {
		if (send_request(fd, path, end, e) == 0 &&
		    read_answer(fd, path, h, end, e) == 0)
			v = read_status(h, e);
		close(fd);
	}
	http_free(&h);
	return v;
}

/* People see whatever relayd tells, in its order. */
int
relay_status(struct cmd *c)
{
	struct out_column columns[SHOWN_MAX + 1];
	struct err e;
	const char *key;
	json_t *v, *value;
	size_t n = 0;

	if ((v = ask(c->conf.relay.control, &e)) == NULL)
		return cmd_fail(&e);
	json_object_foreach(v, key, value)
	{
		if (n == SHOWN_MAX)
			break;
		columns[n].key = key;
		columns[n++].title = key;
	}
	columns[n].title = NULL;
	return out_lines(c, v, columns);
}

int
relay_pin(struct cmd *c)
{
	static const struct out_column columns[] = { { "pin", "pin" },
		{ "next", "next" }, { NULL, NULL } };
	char now[TLS_PIN_TEXT], next[TLS_PIN_TEXT] = "";
	const char *next_key = c->conf.relay.next_key;
	struct tls_pin pin;
	struct err e;

	if (tls_pin_of_cert_file(&pin, c->conf.relay.cert, &e) == -1) {
		if (access(c->conf.relay.cert, F_OK) == -1 && errno == ENOENT)
			err_set(&e,
			    "%s: not made yet; relayd makes it when it starts",
			    c->conf.relay.cert);
		return cmd_fail(&e);
	}
	tls_pin_text(now, &pin);
	if (next_key != NULL) {
		if (tls_pin_of_key_file(&pin, next_key, &e) == -1)
			return cmd_fail(&e);
		tls_pin_text(next, &pin);
	}
	return out_lines(c,
	    json_pack("{s:s, s:o}", "pin", now, "next",
		next_key != NULL ? json_string(next) : json_null()),
	    columns);
}
