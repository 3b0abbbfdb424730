/* files: what a program makes for itself and takes away again. */
#include "plat/files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "plat/plat.h"
#include "tap.h"

static char top[256];
static struct err e;

static const char *
at(const char *name)
{
	static char path[4][512];
	static unsigned next;
	char *to = path[next++ % 4];

	snprintf(to, sizeof(path[0]), "%s/%s", top, name);
	return to;
}

static bool
holds(const char *path, const char *text)
{
	char got[256];
	size_t n;

	return plat_read_file(path, got, sizeof(got), &n, &e) == 0 &&
	    strcmp(got, text) == 0;
}

static void
test_write(void)
{
	const char *f = at("file");

	is_int(files_write(f, "one", 3, FILES_ALL, &e), 0, "a file");
	ok(holds(f, "one"), "holds it");
	is_int(files_write(f, "two", 3, FILES_OWNER, &e), 0, "and another");
	ok(holds(f, "two"), "takes its place");
	ok(!files_has(at("file.new")), "nothing is left beside it");
	is_int(files_write(at("none/file"), "x", 1, FILES_ALL, &e), -1,
	    "no folder");
	ok(strstr(e.text, "none") != NULL, "is named");
	is_int(files_write(f, "", 0, FILES_OWNER, &e), 0, "nothing");
	ok(holds(f, ""), "is a file too");
	is_int(files_remove(f, &e), 0, "removed");
	ok(!files_has(f), "it is gone");
	is_int(files_remove(f, &e), 0, "and may be gone already");
}

static void
test_secret(void)
{
	const char *f = at("secret");
	char got[64];
	size_t n;

	is_int(files_write(f, "key", 3, FILES_OWNER, &e), 0, "a secret");
	is_int(plat_read_secret_file(f, got, sizeof(got), &n, &e), 0,
	    "is its owner's alone");
	is_int(files_remove(f, &e), 0, "removed");
#ifndef _WIN32
	struct stat st;

	is_int(files_write(f, "key", 3, FILES_ALL, &e), 0, "once open");
	is_int(files_write(f, "key", 3, FILES_OWNER, &e), 0, "then a secret");
	ok(stat(f, &st) == 0 && (st.st_mode & 0777) == 0600, "stays none");
	is_int(files_remove(f, &e), 0, "removed");
#endif
}

static unsigned told;

static void
on_name(void *arg, const char *name)
{
	told += (unsigned)strlen(name);
	ok(strcmp(name, "c") == 0 && arg == &told, "the folder is told");
}

static void
test_folders(void)
{
	is_int(files_folder(at("a/b/c"), FILES_OWNER, &e), 0, "three folders");
	is_int(files_folder(at("a/b/c"), FILES_OWNER, &e), 0, "are there");
	is_int(files_write(at("a/b/file"), "x", 1, FILES_ALL, &e), 0, "a file");
	is_int(files_each_folder(at("a/b"), on_name, &told, &e), 0, "listed");
	is_int(told, 1, "the file is none");
	is_int(files_each_folder(at("nowhere"), on_name, &told, &e), 0,
	    "no folder");
	is_int(told, 1, "has none");
	is_int(files_folder(at("a/b/file/d"), FILES_OWNER, &e), -1,
	    "none below a file");
	ok(!files_remove_folder(at("a/b")), "a full one stays");
	ok(files_remove_folder(at("a/b/c")), "an empty one goes");
	ok(files_remove_folder(at("a/b/c")), "and may be gone already");
	is_int(files_remove(at("a/b/file"), &e), 0, "the file goes");
	ok(files_remove_folder(at("a/b")) && files_remove_folder(at("a")),
	    "and the others");
}

/* Reads the first bytes of a file. */
static bool
same_start(const char *a, const char *b)
{
	char one[64], two[64];
	FILE *f = fopen(a, "rb"), *g = fopen(b, "rb");
	bool same = f != NULL && g != NULL &&
	    fread(one, 1, sizeof(one), f) == sizeof(one) &&
	    fread(two, 1, sizeof(two), g) == sizeof(two) &&
	    memcmp(one, two, sizeof(one)) == 0;

	if (f != NULL)
		(void)fclose(f);
	if (g != NULL)
		(void)fclose(g);
	return same;
}

static void
test_self(void)
{
	char *self = files_self(&e), *full = files_full(top, &e);
	const char *copy = at("copy");

	ok(self != NULL && files_has(self), "this program's own file");
	is_int(files_copy(self, copy, &e), 0, "copied");
	ok(same_start(self, copy), "is the same");
	is_int(files_copy(self, copy, &e), 0, "over itself");
#ifndef _WIN32
	ok(access(copy, X_OK) == 0, "can be run");
#endif
	is_int(files_copy(at("none"), copy, &e), -1, "nothing to copy");
	ok(same_start(self, copy), "the copy is still there");
	is_int(files_remove(copy, &e), 0, "removed");
	ok(full != NULL, "a full path");
	ok(files_full(at("none"), &e) == NULL, "of what is there only");
	free(self);
	free(full);
}

int
main(void)
{
	char name[] = "/tmp/files-XXXXXX", *made = mkdtemp(name);

	ok(made != NULL, "a folder");
	if (made == NULL)
		return tap_done();
	snprintf(top, sizeof(top), "%s", made);
	test_write();
	test_secret();
	test_folders();
	test_self();
	ok(files_remove_folder(top), "nothing is left");
	return tap_done();
}
