#include "plat/term.h"

#include <stdlib.h>
#include <string.h>
#include <windows.h>

#include "base/err.h"

/*
 * Another screen, cleared, without a cursor; and back.  What a command shell
 * had as the window's title it sets again by itself.
 */
#define ENTER "\x1b]0;Adit\x1b\\\x1b[?1049h\x1b[?25l\x1b[2J"
#define LEAVE "\x1b[0m\x1b[?25h\x1b[?1049l"

#ifndef ENABLE_VIRTUAL_TERMINAL_PROCESSING
#define ENABLE_VIRTUAL_TERMINAL_PROCESSING 4
#endif

enum { BLOCK_MAX = 64 << 10 };

/*
 * While somebody marks text in the window, whoever writes to it waits.  That
 * is a thread here, which has one block at a time.
 */
struct term {
	HANDLE out;
	HANDLE in;
	DWORD out_mode;
	DWORD in_mode; /* 0: there is no keyboard */
	UINT code_page;
	HANDLE thread;
	CRITICAL_SECTION lock; /* of what follows */
	CONDITION_VARIABLE filled;
	char block[BLOCK_MAX];
	size_t len;
	bool ends;
};

static HANDLE
handle_of(int fd)
{
	return GetStdHandle(fd == 2 ? STD_ERROR_HANDLE : STD_OUTPUT_HANDLE);
}

bool
term_can_draw(int fd)
{
	HANDLE out = handle_of(fd);
	DWORD mode;

	/* Windows before 10 cannot be drawn on in this way. */
	if (!GetConsoleMode(out, &mode) ||
	    !SetConsoleMode(out, mode | ENABLE_VIRTUAL_TERMINAL_PROCESSING))
		return false;
	(void)SetConsoleMode(out, mode);
	return true;
}

bool
term_is_utf8(void)
{
	return true; /* term_open() sees to it */
}

static void
write_all(HANDLE out, const char *p, size_t n)
{
	DWORD done;

	while (n > 0) {
		if (!WriteFile(out, p, (DWORD)n, &done, NULL) || done == 0)
			return;
		p += done;
		n -= done;
	}
}

static DWORD WINAPI
write_blocks(void *arg)
{
	struct term *t = arg;

	EnterCriticalSection(&t->lock);
	for (;;) {
		while (t->len == 0 && !t->ends)
			(void)SleepConditionVariableCS(
			    &t->filled, &t->lock, INFINITE);
		if (t->ends)
			break;
		/* len says that the block is ours: nobody else touches it. */
		LeaveCriticalSection(&t->lock);
		write_all(t->out, t->block, t->len);
		EnterCriticalSection(&t->lock);
		t->len = 0;
	}
	LeaveCriticalSection(&t->lock);
	return 0;
}

/* Keys that are pressed leave no mark; Ctrl-C works, marking text too. */
static void
quieten(const struct term *t)
{
	(void)SetConsoleOutputCP(CP_UTF8);
	(void)SetConsoleMode(t->out,
	    t->out_mode | ENABLE_PROCESSED_OUTPUT |
		ENABLE_VIRTUAL_TERMINAL_PROCESSING);
	if (t->in_mode != 0)
		(void)SetConsoleMode(t->in,
		    (t->in_mode | ENABLE_PROCESSED_INPUT) &
			~(DWORD)(ENABLE_ECHO_INPUT | ENABLE_LINE_INPUT));
}

struct term *
term_open(int fd, struct err *e)
{
	struct term *t;

	if ((t = calloc(1, sizeof(*t))) == NULL) {
		err_sys(e, "console");
		return NULL;
	}
	t->out = handle_of(fd);
	t->in = GetStdHandle(STD_INPUT_HANDLE);
	InitializeCriticalSection(&t->lock);
	InitializeConditionVariable(&t->filled);
	t->code_page = GetConsoleOutputCP();
	if (!GetConsoleMode(t->in, &t->in_mode))
		t->in_mode = 0;
	if (!GetConsoleMode(t->out, &t->out_mode) ||
	    (t->thread = CreateThread(NULL, 0, write_blocks, t, 0, NULL)) ==
		NULL) {
		err_set(e, "this console cannot be drawn on");
		DeleteCriticalSection(&t->lock);
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
	DWORD done;

	(void)WriteFile(t->out, LEAVE, (DWORD)strlen(LEAVE), &done, NULL);
	(void)SetConsoleMode(t->out, t->out_mode);
	(void)SetConsoleOutputCP(t->code_page);
	if (t->in_mode != 0) {
		(void)FlushConsoleInputBuffer(t->in);
		(void)SetConsoleMode(t->in, t->in_mode);
	}
}

void
term_close(struct term **tp)
{
	enum { PATIENCE_MS = 1000 };
	struct term *t = *tp;

	if (t == NULL)
		return;
	*tp = NULL;
	EnterCriticalSection(&t->lock);
	t->ends = true;
	LeaveCriticalSection(&t->lock);
	WakeConditionVariable(&t->filled);
	/* Held up by marked text, it is left to the end of the process. */
	if (WaitForSingleObject(t->thread, PATIENCE_MS) != WAIT_OBJECT_0)
		return;
	(void)CloseHandle(t->thread);
	term_restore(t);
	DeleteCriticalSection(&t->lock);
	free(t);
}

size_t
term_write(struct term *t, const char *p, size_t n)
{
	size_t take = 0;

	EnterCriticalSection(&t->lock);
	if (t->len == 0) {
		take = n < BLOCK_MAX ? n : BLOCK_MAX;
		memcpy(t->block, p, take);
		t->len = take;
	}
	LeaveCriticalSection(&t->lock);
	if (take > 0)
		WakeConditionVariable(&t->filled);
	return take;
}

int
term_key(const struct term *t)
{
	INPUT_RECORD r;
	DWORD n;

	while (t->in_mode != 0 && PeekConsoleInputW(t->in, &r, 1, &n) &&
	    n == 1 && ReadConsoleInputW(t->in, &r, 1, &n) && n == 1)
		if (r.EventType == KEY_EVENT && r.Event.KeyEvent.bKeyDown &&
		    r.Event.KeyEvent.uChar.UnicodeChar > 0 &&
		    r.Event.KeyEvent.uChar.UnicodeChar < 0x80)
			return r.Event.KeyEvent.uChar.UnicodeChar;
	return 0;
}

void
term_size(const struct term *t, unsigned *columns, unsigned *lines)
{
	CONSOLE_SCREEN_BUFFER_INFO b;

	*columns = 80;
	*lines = 24;
	if (!GetConsoleScreenBufferInfo(t->out, &b) ||
	    b.srWindow.Right < b.srWindow.Left ||
	    b.srWindow.Bottom < b.srWindow.Top)
		return;
	*columns = (unsigned)(b.srWindow.Right - b.srWindow.Left + 1);
	*lines = (unsigned)(b.srWindow.Bottom - b.srWindow.Top + 1);
}

void
term_again(struct term *t)
{
	quieten(t);
	(void)term_write(t, ENTER, strlen(ENTER));
}
