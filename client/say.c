#include "say.h"

#include <stdarg.h>
#include <stdio.h>

static struct {
	say_fn *fn;
	void *arg;
	bool log_too;
} the = { .log_too = true };

void
say_to(say_fn *fn, void *arg, bool log_too)
{
	the.fn = fn;
	the.arg = arg;
	the.log_too = log_too || fn == NULL;
}

void
say(enum log_level level, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	if (!log_has(level))
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (the.fn != NULL)
		the.fn(the.arg, level, text);
	if (the.log_too)
		log_line(level, "%s", text);
}
