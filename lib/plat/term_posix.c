#include "plat/term.h"

#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/err.h"

/* Another screen, cleared, without a cursor; and back. */
#define ENTER "\x1b[?1049h\x1b[?25l\x1b[2J"
#define LEAVE "\x1b[0m\x1b[?25h\x1b[?1049l"

struct term {
	int fd; /* our own, which never waits */
	struct termios was;
};

bool
term_can_draw(int fd)
{
	const char *kind = getenv("TERM");

	return isatty(fd) == 1 && tcgetpgrp(fd) == getpgrp() && kind != NULL &&
	    strcmp(kind, "") != 0 && strcmp(kind, "dumb") != 0;
}

bool
term_is_utf8(void)
{
	const char *set;

	if (setlocale(LC_CTYPE, "") == NULL)
		return false;
	set = nl_langinfo(CODESET);
	return strcasecmp(set, "UTF-8") == 0 || strcasecmp(set, "utf8") == 0;
}

/*
 * Keys that are pressed leave no mark, and only Ctrl-C does something: a Ctrl-Z
 * would leave the shell on our screen.
 */
static void
quieten(const struct term *t)
{
	struct termios quiet = t->was;

	quiet.c_lflag &= ~(tcflag_t)(ECHO | ICANON);
	quiet.c_lflag |= ISIG;
	quiet.c_cc[VSUSP] = _POSIX_VDISABLE;
	(void)tcsetattr(t->fd, TCSANOW, &quiet);
}

struct term *
term_open(int fd, struct err *e)
{
	const char *name = ttyname(fd);
	struct term *t;

	if (name == NULL) {
		err_sys(e, "terminal");
		return NULL;
	}
	if ((t = calloc(1, sizeof(*t))) == NULL) {
		err_sys(e, "terminal");
		return NULL;
	}
	/* Opened anew: O_NONBLOCK on fd itself would be the shell's too. */
	t->fd = open(name, O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (t->fd < 0 || tcgetattr(t->fd, &t->was) != 0) {
		err_sys(e, "%s", name);
		if (t->fd >= 0)
			(void)close(t->fd);
		free(t);
		return NULL;
	}
	quieten(t);
	(void)term_write(t, ENTER, strlen(ENTER));
	return t;
}

void
term_restore(const struct term *t)
{
	ssize_t n;

	do
		n = write(t->fd, LEAVE, strlen(LEAVE));
	while (n < 0 && errno == EINTR);
	(void)tcsetattr(t->fd, TCSANOW, &t->was);
	/* What was typed meanwhile was not meant for the shell. */
	(void)tcflush(t->fd, TCIFLUSH);
}

void
term_close(struct term **tp)
{
	struct term *t = *tp;

	if (t == NULL)
		return;
	*tp = NULL;
	term_restore(t);
	(void)close(t->fd);
	free(t);
}

size_t
term_write(struct term *t, const char *p, size_t n)
{
	ssize_t done;

	do
		done = write(t->fd, p, n);
	while (done < 0 && errno == EINTR);
	return done > 0 ? (size_t)done : 0;
}

int
term_key(const struct term *t)
{
	unsigned char key;

	/* Who reads a terminal that is another's is stopped. */
	if (tcgetpgrp(t->fd) != getpgrp() || read(t->fd, &key, 1) != 1)
		return 0;
	return key;
}

void
term_size(const struct term *t, unsigned *columns, unsigned *lines)
{
	struct winsize w;

	*columns = 80;
	*lines = 24;
	if (ioctl(t->fd, TIOCGWINSZ, &w) != 0 || w.ws_col == 0 || w.ws_row == 0)
		return;
	*columns = w.ws_col;
	*lines = w.ws_row;
}

void
term_again(struct term *t)
{
	if (tcgetpgrp(t->fd) != getpgrp())
		return;
	quieten(t);
	(void)term_write(t, ENTER, strlen(ENTER));
}
