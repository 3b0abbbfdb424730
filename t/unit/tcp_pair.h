/*
 * tcp_pair: a TCP connection over loopback, for tests.
 */
#ifndef T_UNIT_TCP_PAIR_H
#define T_UNIT_TCP_PAIR_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "plat/plat.h"

/* Its ends: of the side that dialled, and the other.  Neither waits. */
static inline void
tcp_pair(int fd[2])
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t n = sizeof(a);
	int l = socket(AF_INET, SOCK_STREAM, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(l, (struct sockaddr *)&a, sizeof(a)) == -1 ||
	    listen(l, 1) == -1 ||
	    getsockname(l, (struct sockaddr *)&a, &n) == -1 ||
	    (fd[0] = socket(AF_INET, SOCK_STREAM, 0)) == -1 ||
	    connect(fd[0], (struct sockaddr *)&a, sizeof(a)) == -1 ||
	    (fd[1] = accept(l, NULL, NULL)) == -1) {
		printf("Bail out! tcp_pair\n");
		exit(1);
	}
	close(l);
	plat_unwait(fd[0], NULL);
	plat_unwait(fd[1], NULL);
}

#endif
