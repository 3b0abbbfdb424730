#include "sysproxy.h"

/* Before all that knows Winsock by other names. */
#include <winsock2.h>

#include <winhttp.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"
#include "net/loop.h"
#include "plat/wide_win32.h"
#include "proxy.h"

enum {
	STACK = 512 * 1024,
	ASKED_MAX = 4, /* questions that are open: a network may say nothing */
	RESOLVE_MS = 5000,
	SCRIPT_MS = 5000,
};

/* A question.  Owner, thread and post each hold it. */
struct sysproxy {
	pthread_mutex_t lock; /* of wanted */
	bool wanted;
	struct loop *loop;
	atomic_uint holders;
	sysproxy_fn *fn;
	void *arg;
	char host[ADDR_HOST_MAX + 1];
	uint16_t port;
	struct proxies found;
};

static atomic_uint asked;

static void
let_go(struct sysproxy *s, unsigned n)
{
	if (atomic_fetch_sub(&s->holders, n) > n)
		return;
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* In the loop's thread. */
static void
on_found(void *arg)
{
	struct sysproxy *s = arg;
	unsigned n = 1; /* the post */

	/* Only this thread takes back that it is wanted. */
	if (s->wanted) {
		s->wanted = false;
		s->fn(s->arg, &s->found);
		n = 2; /* and the owner */
	}
	let_go(s, n);
}

/* --- Windows' answer ------------------------------------------------------- */

/* Windows' list of proxies, unless its other list spares the host. */
static bool
take(struct sysproxy *s, const wchar_t *list, const wchar_t *bypass)
{
	char *proxies = list != NULL ? wide_to_utf8(list) : NULL;
	char *spared = bypass != NULL ? wide_to_utf8(bypass) : NULL;

	if (proxies != NULL &&
	    (spared == NULL || !proxy_spares_win(spared, s->host)))
		proxies_parse(&s->found, proxies);
	free(proxies);
	free(spared);
	return list != NULL;
}

static void
drop(wchar_t *text)
{
	if (text != NULL)
		(void)GlobalFree(text);
}

/* Asks the script, at that address or wherever the network says. */
static bool
ask_script(struct sysproxy *s, const wchar_t *script)
{
	WINHTTP_AUTOPROXY_OPTIONS how = { .fAutoLogonIfChallenged = TRUE };
	WINHTTP_PROXY_INFO found = { 0 };
	wchar_t url[ADDR_HOST_MAX + 32];
	bool v6 = strchr(s->host, ':') != NULL, done;
	HINTERNET session;

	if (script != NULL) {
		how.dwFlags = WINHTTP_AUTOPROXY_CONFIG_URL;
		how.lpszAutoConfigUrl = script;
	} else {
		how.dwFlags = WINHTTP_AUTOPROXY_AUTO_DETECT;
		how.dwAutoDetectFlags = WINHTTP_AUTO_DETECT_TYPE_DHCP |
		    WINHTTP_AUTO_DETECT_TYPE_DNS_A;
	}
	session =
	    WinHttpOpen(L"adit", WINHTTP_ACCESS_TYPE_NO_PROXY, NULL, NULL, 0);
	if (session == NULL)
		return false;
	(void)WinHttpSetTimeouts(
	    session, RESOLVE_MS, SCRIPT_MS, SCRIPT_MS, SCRIPT_MS);
	swprintf(url, sizeof(url) / sizeof(url[0]),
	    v6 ? L"https://[%hs]:%u/" : L"https://%hs:%u/", s->host, s->port);
	done = WinHttpGetProxyForUrl(session, url, &how, &found);
	if (done && found.dwAccessType == WINHTTP_ACCESS_TYPE_NAMED_PROXY)
		(void)take(s, found.lpszProxy, found.lpszProxyBypass);
	drop(found.lpszProxy);
	drop(found.lpszProxyBypass);
	(void)WinHttpCloseHandle(session);
	return done;
}

/* What holds for all users: a service has no settings of its own. */
static void
ask_machine(struct sysproxy *s)
{
	WINHTTP_PROXY_INFO all = { 0 };

	if (!WinHttpGetDefaultProxyConfiguration(&all))
		return;
	if (all.dwAccessType == WINHTTP_ACCESS_TYPE_NAMED_PROXY)
		(void)take(s, all.lpszProxy, all.lpszProxyBypass);
	drop(all.lpszProxy);
	drop(all.lpszProxyBypass);
}

/* The settings of the user, in the order in which Windows goes by them. */
static void
ask_windows(struct sysproxy *s)
{
	WINHTTP_CURRENT_USER_IE_PROXY_CONFIG c = { 0 };

	if (!WinHttpGetIEProxyConfigForCurrentUser(&c)) {
		ask_machine(s);
		return;
	}
	if (!(c.fAutoDetect && ask_script(s, NULL)) &&
	    !(c.lpszAutoConfigUrl != NULL &&
		ask_script(s, c.lpszAutoConfigUrl)) &&
	    !take(s, c.lpszProxy, c.lpszProxyBypass))
		ask_machine(s);
	drop(c.lpszAutoConfigUrl);
	drop(c.lpszProxy);
	drop(c.lpszProxyBypass);
}

/* --- the thread ------------------------------------------------------------ */

static void *
ask(void *arg)
{
	struct sysproxy *s = arg;

	ask_windows(s);
	atomic_fetch_sub(&asked, 1);
	pthread_mutex_lock(&s->lock);
	/* Within the lock: an owner that is there keeps its loop there. */
	if (s->wanted) {
		atomic_fetch_add(&s->holders, 1);
		if (loop_post(s->loop, on_found, s, NULL) != 0)
			atomic_fetch_sub(&s->holders, 1);
	}
	pthread_mutex_unlock(&s->lock);
	let_go(s, 1);
	return NULL;
}

static bool
start_thread(struct sysproxy *s)
{
	pthread_attr_t attr;
	pthread_t thread;
	int rc;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK);
	rc = pthread_create(&thread, &attr, ask, s);
	pthread_attr_destroy(&attr);
	return rc == 0;
}

struct sysproxy *
sysproxy_start(struct loop *l, const char *host, uint16_t port, sysproxy_fn *fn,
    void *arg)
{
	struct sysproxy *s;

	if (atomic_fetch_add(&asked, 1) < ASKED_MAX &&
	    (s = calloc(1, sizeof(*s))) != NULL) {
		pthread_mutex_init(&s->lock, NULL);
		s->wanted = true;
		s->loop = l;
		s->fn = fn;
		s->arg = arg;
		s->holders = 2;
		s->port = port;
		if (str_copy(s->host, sizeof(s->host), host) &&
		    start_thread(s))
			return s;
		let_go(s, 2);
	}
	atomic_fetch_sub(&asked, 1);
	return NULL;
}

void
sysproxy_cancel(struct sysproxy **sp)
{
	struct sysproxy *s = *sp;

	*sp = NULL;
	if (s == NULL)
		return;
	pthread_mutex_lock(&s->lock);
	s->wanted = false;
	pthread_mutex_unlock(&s->lock);
	let_go(s, 1);
}
