/*
 * client: the client programs that people download.  They lie in the folder
 * client beside the database, under names that hold the first 12 digits of
 * their SHA-256: adit-linux-x86_64-0123456789ab, adit-0123456789ab.exe.
 */
#ifndef WEBAPP_CLIENT_H
#define WEBAPP_CLIENT_H

#include <stddef.h>

struct req;

enum client_kind { CLIENT_LINUX, CLIENT_WINDOWS, CLIENT_KINDS };

enum { CLIENT_HASH = 12, CLIENT_NAME_MAX = 64 };

/* The kind that a file name says, and its hash in it; CLIENT_KINDS: none. */
enum client_kind client_kind(const char *name, const char **hash_out);

/* The name of the newest, or NULL while there is none. */
const char *client_newest(struct req *r, enum client_kind k);

/* Answers GET /client/NAME; without a hash the newest. */
void client_file(struct req *r);

#endif
