/*
 * store_setting: what an admin changes while everything runs.  What belongs
 * to the host stands in adit.yaml; no name is in both.
 */
#ifndef STORE_STORE_SETTING_H
#define STORE_STORE_SETTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct store;

struct settings {
	bool sign_up;          /* anybody may make an account */
	bool verify_by_admin;  /* else whoever holds the link */
	uint32_t verify_hours; /* how long a verification link is good */
	uint32_t tunnels_max;  /* a member's living tunnels; 0: no limit */
	uint32_t address_rate; /* proposed for new tunnels; 0: off */
};

struct setting {
	const char *name;
	const char *values; /* what it takes, for people */
	char value[64];
	bool is_default;
};

enum {
	SETTING_COUNT = 5,
};

/* All of them; what was never set has its default. */
int store_settings(struct store *s, struct settings *out, struct err *e);

/* The same as text, for showing. */
int store_setting_list(
    struct store *s, struct setting out[SETTING_COUNT], struct err *e);

/* Refused when the name is unknown or the value does not fit. */
int store_setting_set(
    struct store *s, const char *name, const char *value, struct err *e);

#endif
