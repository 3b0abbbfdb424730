/*
 * client: the client programs that people download.  They lie in the folder
 * client beside the database, under names that hold the first 12 digits of
 * their SHA-256: adit-linux-x86_64-0123456789ab, adit-0123456789ab.exe.  Until
 * the one for any Linux is built there may be one for this server's own system:
 * adit-debian-12-x86_64-0123456789ab.
 */
#ifndef WEBAPP_CLIENT_H
#define WEBAPP_CLIENT_H

struct err;
struct req;

enum client_kind { CLIENT_LINUX, CLIENT_WINDOWS, CLIENT_OWN, CLIENT_KINDS };

enum { CLIENT_HASH = 12, CLIENT_NAME_MAX = 64 };

/* The kind that a file name says, and its hash in it; CLIENT_KINDS: none. */
enum client_kind client_kind(const char *name, const char **hash_out);

/* The name of the newest, or NULL while there is none. */
const char *client_newest(struct req *r, enum client_kind k);

/* "debian 12 x86_64" for a name of CLIENT_OWN. */
const char *client_system(struct req *r, const char *name);

/*
 * What the building of the programs says at this moment; NULL when they are not
 * being built.
 */
const char *client_building(struct req *r);

/* The 64 digits whose beginning NAME holds; NULL with e when it is not so. */
const char *client_sha256(struct req *r, const char *name, struct err *e);

/* Answers GET /client/NAME; without a hash the newest. */
void client_file(struct req *r);

#endif
