#ifndef PLAT_WIN32_SIGNAL_H
#define PLAT_WIN32_SIGNAL_H

#pragma GCC system_header

#include_next <signal.h>
#include <pthread_signal.h>

#ifndef _POSIX
typedef _sigset_t sigset_t;
#endif

/* Signals are not sent to threads here: a set of them holds nothing. */
#undef pthread_sigmask
#define sigfillset(set) ((void)(*(set) = 0))
#define pthread_sigmask(how, set, old) \
	((void)(how), (void)(set), (void)(old), 0)

#endif
