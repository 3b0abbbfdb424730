#include "ask.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "http/http.h"
#include "http/http_write.h"

enum { REQUEST_MAX = 20000, CHUNK = 16384, ANSWER_MAX = 4 << 20 };

/* Waits for the socket; -1 when the time is over. */
static int
wait_for(int fd, short events, uint64_t until)
{
	struct pollfd p = { .fd = fd, .events = events };
	uint64_t now;
	int n;

	do {
		if ((now = clock_ms()) >= until) {
			errno = ETIMEDOUT;
			return -1;
		}
		n = poll(&p, 1, (int)(until - now));
	} while (n == 0 || (n == -1 && errno == EINTR));
	return n == -1 ? -1 : 0;
}

static int
dial(const char *path, struct err *e)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(to.sun_path))
		return err_set(e, "%s: the path is too long", path);
	memcpy(to.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return err_sys(e, "%s", path);
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) == -1) {
		err_sys(e, "%s", path);
		close(fd);
		return -1;
	}
	return fd;
}

static int
send_all(int fd, struct buf *b, uint64_t until)
{
	ssize_t n;

	while (buf_len(b) > 0) {
		n = send(fd, buf_data(b), buf_len(b), MSG_NOSIGNAL);
		if (n > 0)
			buf_drop(b, (size_t)n);
		else if ((errno != EAGAIN && errno != EINTR) ||
		    wait_for(fd, POLLOUT, until) == -1)
			return -1;
	}
	return 0;
}

/* Feeds h until the answer is whole. */
static int
read_all(int fd, struct http *h, uint64_t until, struct err *e)
{
	char chunk[CHUNK];
	size_t used;
	ssize_t n;
	int rc = 0;

	while (rc == 0) {
		if (wait_for(fd, POLLIN, until) == -1)
			return err_sys(e, "no answer");
		n = recv(fd, chunk, sizeof(chunk), 0);
		if (n == -1 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n == -1)
			return err_sys(e, "no answer");
		if (n == 0 && http_end(h, e) != 1)
			return err_set(e, "the answer was cut");
		if (n == 0)
			return 0;
		rc = http_feed(h, chunk, (size_t)n, &used, e);
	}
	return rc == 1 ? 0 : -1;
}

static int
converse(int fd, struct buf *request, uint64_t until, struct buf *body,
    struct err *e)
{
	struct http_limits limits = http_usual;
	struct http *h;
	const void *p;
	size_t n;
	int rc = -1;

	limits.body_max = ANSWER_MAX;
	if (send_all(fd, request, until) == -1)
		return err_sys(e, "asking");
	if ((h = http_new(HTTP_SIDE_RESPONSE, &limits, e)) == NULL)
		return -1;
	if (read_all(fd, h, until, e) == 0) {
		p = http_body(h, &n);
		rc = n == 0 || buf_add(body, p, n, e) == 0 ? (int)http_status(h)
							   : -1;
	}
	http_free(&h);
	return rc;
}

int
ask(const char *path, const char *method, const char *target, uint64_t until,
    struct buf *body, struct err *e)
{
	struct buf request;
	int fd, rc = -1;

	buf_init(&request, REQUEST_MAX);
	if (http_write_request(
		&request, method, target, "localhost", NULL, 0, e) == 0 &&
	    (fd = dial(path, e)) != -1) {
		rc = converse(fd, &request, until, body, e);
		close(fd);
	}
	buf_free(&request);
	return rc;
}
