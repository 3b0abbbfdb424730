/*
 * store_used: verification links that open nothing any more.
 */
#ifndef STORE_STORE_USED_H
#define STORE_STORE_USED_H

#include <stdint.h>

#include "store/check.h"
#include "store/store_verify.h"

struct err;
struct store;

struct used_link {
	int64_t tunnel;
	char name[CHECK_NAME_MAX + 1];
	int64_t verified_at; /* 0: it has ended unused */
	int64_t until;
};

/*
 * A living tunnel whose newest code this was, among those verified or ended in
 * the last 30 days: 1, 0 or -1.
 */
int store_used_link(struct store *s, const uint8_t key[VERIFY_KEY_LEN],
    const char *code, struct used_link *out, struct err *e);

#endif
