#include "../../relayd/notify.h"

#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tap.h"

static char said[256];

/* A socket that hears at path ('@': abstract); NOTIFY_SOCKET names it. */
static int
hear_at(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	size_t n = strlen(path);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	memcpy(at.sun_path, path, n);
	if (path[0] == '@')
		at.sun_path[0] = '\0';
	if (bind(fd, (struct sockaddr *)&at,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) == -1)
		perror("# bind");
	setenv("NOTIFY_SOCKET", path, 1);
	return fd;
}

/* What was heard; "" for nothing. */
static const char *
heard(int fd)
{
	ssize_t n = recv(fd, said, sizeof(said) - 1, 0);

	said[n > 0 ? n : 0] = '\0';
	return said;
}

int
main(void)
{
	char folder[] = "/tmp/notify.XXXXXX", path[64], far[300];
	int fd;

	if (mkdtemp(folder) == NULL)
		return 1;
	snprintf(path, sizeof(path), "%s/s", folder);
	unsetenv("NOTIFY_SOCKET");
	notify_ready();
	ok(true, "nobody wants to know");

	fd = hear_at(path);
	notify_ready();
	is_str(heard(fd), "READY=1", "ready");
	notify_reloading();
	ok(strncmp(heard(fd), "RELOADING=1\nMONOTONIC_USEC=", 27) == 0 &&
		strtoull(said + 27, NULL, 10) > 0,
	    "reloading, and when");
	notify_stopping(30000);
	is_str(heard(fd), "STOPPING=1\nEXTEND_TIMEOUT_USEC=40000000",
	    "stopping, and for how long");
	close(fd);
	unlink(path);
	notify_ready();
	ok(true, "nobody listens there");

	snprintf(path, sizeof(path), "@adit-notify-%ld", (long)getpid());
	fd = hear_at(path);
	notify_ready();
	is_str(heard(fd), "READY=1", "in the abstract name space");
	setenv("NOTIFY_SOCKET", "relative", 1);
	notify_ready();
	memset(far, '/', sizeof(far) - 1);
	far[sizeof(far) - 1] = '\0';
	setenv("NOTIFY_SOCKET", far, 1);
	notify_ready();
	is_str(heard(fd), "", "names that are none are left alone");
	close(fd);
	rmdir(folder);
	return tap_done();
}
