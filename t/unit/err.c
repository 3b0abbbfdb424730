#include "base/err.h"

#include <errno.h>
#include <string.h>

#include "tap.h"

int
main(void)
{
	struct err e;
	char longer[600];

	is_int(err_set(&e, "port %d", 7000), -1, "err_set returns -1");
	is_str(e.text, "port 7000", "the reason is formatted");
	is_int(err_prefix(&e, "tunnel %d", 3), -1, "err_prefix returns -1");
	is_str(e.text, "tunnel 3: port 7000", "words stand before the reason");

	errno = ENOENT;
	is_int(err_sys(&e, "%s", "x.db"), -1, "err_sys returns -1");
	is_str(e.text, "x.db: No such file or directory", "errno is told");
	is_int(errno, ENOENT, "errno stays");

	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	err_set(&e, "%s", longer);
	is_int(strlen(e.text), sizeof(e.text) - 1, "a longer reason is cut");
	err_prefix(&e, "%s", longer);
	is_int(strlen(e.text), sizeof(e.text) - 1, "a longer prefix too");
	errno = EPERM;
	err_sys(&e, "%s", longer);
	is_int(strlen(e.text), sizeof(e.text) - 1, "and before errno");

	is_int(err_set(NULL, "x"), -1, "nobody need listen");
	is_int(err_sys(NULL, "x"), -1, "nobody need listen to errno");
	is_int(err_prefix(NULL, "x"), -1, "nor to a prefix");
	return tap_done();
}
