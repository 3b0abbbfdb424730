#include "netwatch_win32.h"

/* Before all that knows Winsock by other names. */
#include <winsock2.h>
#include <ws2tcpip.h>

#include <iphlpapi.h>
#include <netioapi.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/err.h"
#include "net/loop.h"
#include "netwatch.h"

/* What older headers lack of powrprof.dll. */
typedef ULONG CALLBACK power_fn(PVOID context, ULONG type, PVOID setting);
struct power_wish {
	power_fn *fn;
	PVOID context;
};
typedef DWORD WINAPI power_register(DWORD flags, HANDLE wish, PVOID *out);
typedef DWORD WINAPI power_unregister(PVOID handle);

enum { BY_CALLBACK = 2 };

struct netwatch {
	struct loop *loop;
	netwatch_fn *fn; /* NULL: its owner has let go */
	void *arg;
	atomic_uint holders; /* the owner, and a post under way */
	atomic_bool posted;
	atomic_bool woke;
	HANDLE addresses;
	HANDLE routes; /* NULL: they are not told */
	HMODULE power;
	struct power_wish wish;
	PVOID power_handle;
};

/* The one that a service's thread tells of sleep. */
static struct {
	SRWLOCK lock;
	struct netwatch *w;
} the = { .lock = SRWLOCK_INIT };

static void
let_go(struct netwatch *w)
{
	if (atomic_fetch_sub(&w->holders, 1) == 1)
		free(w);
}

/* In the loop's thread. */
static void
on_here(void *arg)
{
	struct netwatch *w = arg;
	bool woke;

	atomic_store(&w->posted, false);
	woke = atomic_exchange(&w->woke, false);
	if (w->fn != NULL)
		w->fn(w->arg, woke ? NET_WOKE : NET_OTHER, NULL);
	let_go(w);
}

/* In a thread of Windows': many changes at once are told as one. */
static void
tell(struct netwatch *w)
{
	if (atomic_exchange(&w->posted, true))
		return;
	atomic_fetch_add(&w->holders, 1);
	if (loop_post(w->loop, on_here, w, NULL) != 0)
		let_go(w);
}

static void WINAPI
on_addresses(
    void *context, MIB_UNICASTIPADDRESS_ROW *row, MIB_NOTIFICATION_TYPE what)
{
	(void)row;
	(void)what;
	tell(context);
}

/* A VPN or another gateway, while the addresses stay. */
static void WINAPI
on_routes(
    void *context, MIB_IPFORWARD_ROW2 *row, MIB_NOTIFICATION_TYPE what)
{
	if (row == NULL || what == MibParameterNotification)
		return; /* a lifetime or a metric */
	if (row->DestinationPrefix.PrefixLength == 0)
		tell(context);
}

static ULONG CALLBACK
on_power(PVOID context, ULONG type, PVOID setting)
{
	struct netwatch *w = context;

	(void)setting;
	if (type != PBT_APMRESUMEAUTOMATIC)
		return 0;
	atomic_store(&w->woke, true);
	tell(w);
	return 0;
}

void
netwatch_woke(void)
{
	AcquireSRWLockExclusive(&the.lock);
	if (the.w != NULL) {
		atomic_store(&the.w->woke, true);
		tell(the.w);
	}
	ReleaseSRWLockExclusive(&the.lock);
}

static void
set_told(struct netwatch *w)
{
	AcquireSRWLockExclusive(&the.lock);
	the.w = w;
	ReleaseSRWLockExclusive(&the.lock);
}

/* Sleep is told from Windows 8 on; without it addresses are enough. */
static void
watch_power(struct netwatch *w)
{
	power_register *ask = NULL;

	w->wish = (struct power_wish){ on_power, w };
	w->power =
	    LoadLibraryExW(L"powrprof.dll", NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);
	if (w->power != NULL)
		ask = (power_register *)(void (*)(void))GetProcAddress(
		    w->power, "PowerRegisterSuspendResumeNotification");
	if (ask == NULL || ask(BY_CALLBACK, &w->wish, &w->power_handle) != 0)
		w->power_handle = NULL;
}

static void
unwatch_power(struct netwatch *w)
{
	power_unregister *end = NULL;

	if (w->power_handle != NULL)
		end = (power_unregister *)(void (*)(void))GetProcAddress(
		    w->power, "PowerUnregisterSuspendResumeNotification");
	if (end != NULL)
		(void)end(w->power_handle);
	if (w->power != NULL)
		(void)FreeLibrary(w->power);
}

struct netwatch *
netwatch_new(struct loop *l, netwatch_fn *fn, void *arg, struct err *e)
{
	struct netwatch *w = calloc(1, sizeof(*w));

	if (w == NULL) {
		err_sys(e, "watching the network");
		return NULL;
	}
	w->loop = l;
	w->fn = fn;
	w->arg = arg;
	atomic_store(&w->holders, 1);
	if (NotifyUnicastIpAddressChange(
		AF_UNSPEC, on_addresses, w, FALSE, &w->addresses) != NO_ERROR) {
		err_set(e, "Windows does not tell of changed addresses");
		let_go(w);
		return NULL;
	}
	if (NotifyRouteChange2(AF_UNSPEC, on_routes, w, FALSE, &w->routes) !=
	    NO_ERROR)
		w->routes = NULL;
	watch_power(w);
	set_told(w);
	return w;
}

/* Both ends of notification wait for a call that is under way. */
void
netwatch_free(struct netwatch **wp)
{
	struct netwatch *w = *wp;

	*wp = NULL;
	if (w == NULL)
		return;
	if (w->addresses != NULL)
		(void)CancelMibChangeNotify2(w->addresses);
	if (w->routes != NULL)
		(void)CancelMibChangeNotify2(w->routes);
	unwatch_power(w);
	set_told(NULL);
	w->fn = NULL;
	let_go(w);
}
