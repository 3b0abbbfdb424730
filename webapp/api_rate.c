#include "api_rate.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SLOTS = 4096 };

#define MINUTE_US UINT64_C(60000000)

struct table {
	_Atomic uint64_t at[RATE_KINDS][SLOTS];
};

static struct table own; /* where there is no file: this process alone */
static struct table *table;
static pthread_mutex_t opening = PTHREAD_MUTEX_INITIALIZER;

/* The file's numbers in memory, shared; NULL when that cannot be had. */
static struct table *
map_file(const char *path)
{
	void *p = MAP_FAILED;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd == -1)
		return NULL;
	if (ftruncate(fd, sizeof(struct table)) == 0)
		p = mmap(NULL, sizeof(struct table), PROT_READ | PROT_WRITE,
		    MAP_SHARED, fd, 0);
	close(fd);
	return p == MAP_FAILED ? NULL : p;
}

static struct table *
open_table(const char *path)
{
	pthread_mutex_lock(&opening);
	if (table == NULL && (table = map_file(path)) == NULL)
		table = &own;
	pthread_mutex_unlock(&opening);
	return table;
}

/* FNV-1a; who shares a slot shares a limit. */
static size_t
slot_of(const char *who)
{
	uint64_t h = UINT64_C(14695981039346656037);

	for (; *who != '\0'; who++)
		h = (h ^ (unsigned char)*who) * UINT64_C(1099511628211);
	return (size_t)(h ^ h >> 32) % SLOTS;
}

void
api_rate_count(const char *path, enum api_rate_kind kind, const char *who,
    uint32_t per_minute, uint64_t now_us, struct api_rate *out)
{
	_Atomic uint64_t *slot = &open_table(path)->at[kind][slot_of(who)];
	const uint64_t step = MINUTE_US / per_minute;
	uint64_t old = atomic_load(slot), from, next;

	do {
		/* a number of another boot, or of another limit */
		from = old < now_us || old > now_us + MINUTE_US ? now_us : old;
		next = from + step;
		out->granted = next <= now_us + MINUTE_US;
		if (!out->granted)
			next = from;
	} while (
	    out->granted && !atomic_compare_exchange_weak(slot, &old, next));
	out->limit = per_minute;
	out->remaining = (uint32_t)((now_us + MINUTE_US - next) / step);
	out->reset_s = (uint32_t)((next - now_us + 999999) / 1000000);
	out->wait_s = out->granted
	    ? 0
	    : (uint32_t)((next + step - now_us - MINUTE_US) / 1000000 + 1);
}
