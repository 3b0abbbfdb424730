#include "client.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app.h"
#include "base/random.h"
#include "base/str.h"
#include "page.h"

enum { OWN_MIN = sizeof("adit-x-") - 1, SAYS_MAX = 200 };

static const struct {
	const char *plain, *before, *behind;
} kinds[CLIENT_KINDS] = {
	{ "adit-linux-x86_64", "adit-linux-x86_64-", "" },
	{ "adit.exe", "adit-", ".exe" },
	{ "", "adit-", "" },
};

/* How long a name is before its hash, the system's own being part of it. */
static size_t
before_hash(const char *name)
{
	const char *last = strrchr(name, '-');

	if (last == NULL ||
	    name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-")] !=
		'\0')
		return 0;
	return (size_t)(last - name) + 1;
}

enum client_kind
client_kind(const char *name, const char **hash_out)
{
	size_t n;
	int k;

	for (k = 0; k < CLIENT_KINDS; k++) {
		n = strlen(kinds[k].before);
		if (strncmp(name, kinds[k].before, n) != 0)
			continue;
		if (k == CLIENT_OWN && (n = before_hash(name)) < OWN_MIN)
			continue;
		if (strspn(name + n, "0123456789abcdef") != CLIENT_HASH ||
		    strcmp(name + n + CLIENT_HASH, kinds[k].behind) != 0)
			continue;
		*hash_out = name + n;
		break;
	}
	return (enum client_kind)k;
}

/* The path of a file in the folder; the name has been looked at. */
static const char *
path_of(struct req *r, const char *name)
{
	const char *db = r->app->conf.database, *slash = strrchr(db, '/');
	int folder = slash == NULL ? 0 : (int)(slash - db) + 1;

	return req_text(r, "%.*sclient/%s", folder, db, name);
}

const char *
client_newest(struct req *r, enum client_kind k)
{
	const char *newest = NULL, *hash;
	time_t when = 0;
	struct dirent *d;
	struct stat st;
	DIR *dir;

	if ((dir = opendir(path_of(r, ""))) == NULL)
		return NULL;
	while ((d = readdir(dir)) != NULL) {
		if (client_kind(d->d_name, &hash) != k ||
		    fstatat(dirfd(dir), d->d_name, &st, AT_SYMLINK_NOFOLLOW) ==
			-1 ||
		    !S_ISREG(st.st_mode) ||
		    (newest != NULL && st.st_mtime <= when))
			continue;
		when = st.st_mtime;
		newest = req_copy(r, d->d_name, strlen(d->d_name));
	}
	closedir(dir);
	return newest;
}

const char *
client_system(struct req *r, const char *name)
{
	size_t first = strlen(kinds[CLIENT_OWN].before);
	char *to = req_copy(r, name + first, before_hash(name) - first - 1);

	for (char *p = to; *p != '\0'; p++)
		if (*p == '-')
			*p = ' ';
	return to;
}

const char *
client_building(struct req *r)
{
	char says[SAYS_MAX + 1];
	ssize_t n;
	int fd =
	    open(path_of(r, "building"), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd == -1)
		return NULL;
	n = read(fd, says, SAYS_MAX);
	close(fd);
	if (n < 0)
		return NULL;
	says[n] = '\0';
	says[strcspn(says, "\n")] = '\0';
	return str_is_text(says, strlen(says)) ? req_copy(r, says, strlen(says))
					       : "";
}

/* Appends the file; false when it is not there. */
static bool
take_file(struct buf *to, const char *path)
{
	static const size_t piece = 65536;
	uint8_t *p;
	ssize_t n = -1;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd == -1)
		return false;
	while ((p = buf_room(to, piece, NULL)) != NULL &&
	    (n = read(fd, p, piece)) > 0)
		buf_added(to, (size_t)n);
	close(fd);
	return n == 0;
}

const char *
client_sha256(struct req *r, const char *name, struct err *e)
{
	char hex[2 * 32 + 1];
	const char *says = "";
	uint8_t sha256[32];
	struct buf file;

	buf_init(&file, REQ_ANSWER_MAX);
	if (client_kind(name, &says) == CLIENT_KINDS ||
	    !take_file(&file, path_of(r, name))) {
		buf_free(&file);
		err_set(e, "client/%s cannot be read", name);
		return NULL;
	}
	random_sha256(sha256, buf_data(&file), buf_len(&file));
	buf_free(&file);
	str_hex(hex, sha256, sizeof(sha256));
	if (strncmp(says, hex, CLIENT_HASH) == 0)
		return req_copy(r, hex, sizeof(hex) - 1);
	err_set(e, "client/%s is not what its name says", name);
	return NULL;
}

void
client_file(struct req *r)
{
	const char *name = r->word[0], *hash, *newest;
	int k;

	for (k = 0; k < CLIENT_KINDS; k++) {
		if (*name == '\0' || strcmp(name, kinds[k].plain) != 0)
			continue;
		newest = client_newest(r, (enum client_kind)k);
		if (newest != NULL)
			req_go(r, "/client/%s", newest);
		else
			page_error(r, 404);
		return;
	}
	if (client_kind(name, &hash) == CLIENT_KINDS ||
	    !take_file(&r->out, path_of(r, name))) {
		buf_drop(&r->out, buf_len(&r->out));
		page_error(r, 404);
		return;
	}
	r->type = "application/octet-stream";
	req_line(r, "Content-Disposition", "attachment; filename=\"%s\"", name);
	req_line(r, "Cache-Control", "public, max-age=31536000, immutable");
}
