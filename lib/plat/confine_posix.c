#include "plat/confine.h"

#include "base/err.h"

#ifdef __linux__

#include <errno.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * Landlock, as Documentation/userspace-api/landlock.rst has it.  The numbers are
 * our own: headers that are older than the kernel do not have them.  Rules for
 * TCP exist since ABI 4; none of them is made here, so every port is denied.
 */
enum {
	CREATE_RULESET = 444, /* the same on every machine */
	RESTRICT_SELF = 446,
	ASK_ABI = 1 << 0,
	ABI_WITH_TCP = 4,
	NET_CONNECT_TCP = 1 << 1,
};

struct ruleset {
	uint64_t handled_fs;
	uint64_t handled_net;
};

int
confine_dialling(struct err *e)
{
	const struct ruleset r = { .handled_net = NET_CONNECT_TCP };
	long abi = syscall(CREATE_RULESET, NULL, 0, ASK_ABI);
	int fd, rc;

	if (abi < ABI_WITH_TCP)
		return 0;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return err_sys(e, "no new privileges");
	if ((fd = (int)syscall(CREATE_RULESET, &r, sizeof(r), 0)) == -1)
		return errno == EOPNOTSUPP ? 0 : err_sys(e, "landlock");
	rc = (int)syscall(RESTRICT_SELF, fd, 0);
	if (rc == -1)
		err_sys(e, "landlock");
	close(fd);
	return rc == -1 ? -1 : 1;
}

#else

int
confine_dialling(struct err *e)
{
	(void)e;
	return 0;
}

#endif
