#include "plat/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "plat/plat.h"

char *
files_self(struct err *e)
{
	return files_full("/proc/self/exe", e);
}

char *
files_full(const char *path, struct err *e)
{
	char *full = realpath(path, NULL);

	if (full == NULL)
		err_sys(e, "%s", path);
	return full;
}

int
files_folder(const char *path, enum files_for who, struct err *e)
{
	mode_t mode = who == FILES_OWNER ? 0700 : 0755;
	char *part = strdup(path), *p, was;
	bool made = part != NULL;

	for (p = part; made; p++) {
		if (p == part || (*p != '/' && *p != '\0'))
			continue;
		was = *p;
		*p = '\0';
		made = mkdir(part, mode) == 0 || errno == EEXIST;
		*p = was;
		if (was == '\0')
			break;
	}
	if (!made)
		err_sys(e, "%s", path);
	free(part);
	return made ? 0 : -1;
}

static int
write_all(int fd, const char *p, size_t n)
{
	ssize_t put;

	for (; n > 0; p += put, n -= (size_t)put)
		if ((put = write(fd, p, n)) < 0) {
			if (errno != EINTR)
				return -1;
			put = 0;
		}
	return 0;
}

/* PATH.new, which becomes PATH; -1 with e. */
static int
open_new(char **new_out, const char *path, mode_t mode, struct err *e)
{
	size_t cap = strlen(path) + sizeof(".new");
	int fd;

	if ((*new_out = malloc(cap)) == NULL)
		return err_sys(e, "%s", path);
	snprintf(*new_out, cap, "%s.new", path);
	(void)unlink(*new_out); /* what an earlier try may have left */
	fd = open(*new_out, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR);
	if (fd >= 0 && fchmod(fd, mode) == 0)
		return fd;
	err_sys(e, "%s", *new_out);
	plat_close(&fd);
	free(*new_out);
	return -1;
}

/* rc: whether all was written, else errno says why. */
static int
finish(int fd, char *new, const char *path, int rc, struct err *e)
{
	if (rc == 0 && fsync(fd) != 0 && errno != EINVAL)
		rc = -1;
	plat_close(&fd);
	if (rc == 0)
		rc = rename(new, path);
	if (rc != 0) {
		err_sys(e, "%s", path);
		(void)unlink(new);
	}
	free(new);
	return rc;
}

int
files_write(const char *path, const void *p, size_t n, enum files_for who,
    struct err *e)
{
	char *new;
	int fd = open_new(&new, path, who == FILES_OWNER ? 0600 : 0644, e);

	if (fd < 0)
		return -1;
	return finish(fd, new, path, write_all(fd, p, n), e);
}

static int
copy_all(int from, int to)
{
	char block[64 << 10];
	ssize_t got;

	while ((got = read(from, block, sizeof(block))) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 || write_all(to, block, (size_t)got) != 0)
			return -1;
	}
	return 0;
}

int
files_copy(const char *from, const char *to, struct err *e)
{
	int in = open(from, O_RDONLY | O_CLOEXEC), out, rc;
	char *new;

	if (in < 0)
		return err_sys(e, "%s", from);
	if ((out = open_new(&new, to, 0755, e)) < 0) {
		plat_close(&in);
		return -1;
	}
	rc = copy_all(in, out);
	plat_close(&in);
	return finish(out, new, to, rc, e);
}

bool
files_has(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0;
}

int
files_remove(const char *path, struct err *e)
{
	if (unlink(path) != 0 && errno != ENOENT && errno != ENOTDIR)
		return err_sys(e, "%s", path);
	return 0;
}

bool
files_remove_folder(const char *path)
{
	return rmdir(path) == 0 || errno == ENOENT;
}

int
files_each_folder(const char *path, void (*fn)(void *arg, const char *name),
    void *arg, struct err *e)
{
	DIR *d = opendir(path);
	struct dirent *entry;
	struct stat st;

	if (d == NULL)
		return errno == ENOENT ? 0 : err_sys(e, "%s", path);
	while ((entry = readdir(d)) != NULL)
		if (entry->d_name[0] != '.' &&
		    fstatat(dirfd(d), entry->d_name, &st, 0) == 0 &&
		    S_ISDIR(st.st_mode))
			fn(arg, entry->d_name);
	(void)closedir(d);
	return 0;
}
