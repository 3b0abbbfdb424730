#include "plat/term.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/err.h"
#include "tap.h"

/* What the program on the terminal finds; its exit status is a line below. */
enum {
	ALL_WELL,
	NO_DRAW,
	NO_OPEN,
	NO_SIZE,
	NO_WRITE,
	NO_BLOCK,
	DUMB_DRAWN,
	NO_KEY
};

/* A terminal that is read by nobody takes nothing more, and holds nobody up. */
static bool
never_waits(struct term *t)
{
	static char mem[65536];
	int i;

	for (i = 0; i < 1000; i++)
		if (term_write(t, mem, sizeof(mem)) == 0)
			return true;
	return false;
}

static int
on_terminal(int go)
{
	struct term *t;
	unsigned columns, lines;
	struct err e;
	char c;

	setenv("TERM", "dumb", 1);
	if (term_can_draw(1))
		return DUMB_DRAWN;
	setenv("TERM", "xterm", 1);
	if (!term_can_draw(1))
		return NO_DRAW;
	if ((t = term_open(1, &e)) == NULL)
		return NO_OPEN;
	term_size(t, &columns, &lines);
	if (columns != 132 || lines != 50)
		return NO_SIZE;
	if (term_write(t, "drawn", 5) != 5)
		return NO_WRITE;
	if (term_key(t) != 0)
		return NO_KEY;
	if (read(go, &c, 1) != 1) /* the other side looks, and types */
		return NO_WRITE;
	if (term_key(t) != 'i' || term_key(t) != 'y' || term_key(t) != 0)
		return NO_KEY;
	if (!never_waits(t))
		return NO_BLOCK;
	if (read(go, &c, 1) != 1) /* it has read all */
		return NO_WRITE;
	term_close(&t);
	return t == NULL ? ALL_WELL : NO_OPEN;
}

static char seen[1 << 20];
static size_t seen_len;

/* Reads what the terminal shows until text is there, or it is quiet. */
static bool
shows(int fd, const char *text)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	ssize_t n;

	while (seen_len + 1 < sizeof(seen)) {
		seen[seen_len] = '\0';
		if (text != NULL && strstr(seen, text) != NULL)
			return true;
		if (poll(&p, 1, text != NULL ? 5000 : 300) != 1 ||
		    (n = read(fd, seen + seen_len,
			 sizeof(seen) - seen_len - 1)) <= 0)
			break;
		seen_len += (size_t)n;
	}
	return false;
}

static bool
echoes(int fd)
{
	struct termios now;

	return tcgetattr(fd, &now) == 0 && (now.c_lflag & ECHO) != 0;
}

int
main(void)
{
	struct winsize size = { .ws_col = 132, .ws_row = 50 };
	int fd, status, go[2];
	pid_t child;
	size_t i;

	if (pipe(go) != 0 || (child = forkpty(&fd, NULL, NULL, &size)) < 0)
		return tap_skip_all("no terminals here");
	if (child == 0) {
		close(go[1]);
		_exit(on_terminal(go[0]));
	}
	ok(shows(fd, "drawn"), "what is written is shown");
	ok(strstr(seen, "\x1b[?1049h") != NULL, "on a screen of its own");
	ok(!echoes(fd), "keys leave no mark meanwhile");
	ok(write(fd, "iy", 2) == 2, "two keys are pressed");
	ok(write(go[1], "x", 1) == 1, "it goes on");
	/* It fills the terminal before anything is read: wait for NUL bytes. */
	for (i = 0; i < 100 && memchr(seen, 0, seen_len) == NULL; i++)
		(void)shows(fd, NULL);
	seen_len = 0;
	ok(write(go[1], "x", 1) == 1, "and ends");
	ok(shows(fd, "\x1b[?1049l"), "the old screen comes back");
	ok(strstr(seen, "\x1b[?25h") != NULL, "and the cursor");
	ok(waitpid(child, &status, 0) == child && WIFEXITED(status),
	    "it has ended");
	is_int(WEXITSTATUS(status), ALL_WELL, "all was as its header says");
	close(fd);
	ok(!term_can_draw(open("/dev/null", O_WRONLY)),
	    "a file is no terminal");
	return tap_done();
}
