/*
 * files: folders and files that a program makes for itself and takes away
 * again.  Names are UTF-8.  Where nothing else is said, a function returns 0,
 * or -1 with the reason in e.
 */
#ifndef PLAT_FILES_H
#define PLAT_FILES_H

#include <stdbool.h>
#include <stddef.h>

struct err;

/* Who may read what is made; on Windows all but a secret inherits its rights. */
enum files_for {
	FILES_OWNER, /* its owner alone: a secret */
	FILES_ALL,   /* anybody; only its owner changes it */
};

/* The file of the program that runs, for free(); NULL with e. */
char *files_self(struct err *e);

/* The same path, from the root, for free(); NULL with e: nothing is there. */
char *files_full(const char *path, struct err *e);

/* Makes a folder, and those above it that are missing. */
int files_folder(const char *path, enum files_for who, struct err *e);

/* Takes the place of what was there, in one step. */
int files_write(const char *path, const void *p, size_t n, enum files_for who,
    struct err *e);

/* A program's file: anybody may run it.  Takes the place of what was there. */
int files_copy(const char *from, const char *to, struct err *e);

bool files_has(const char *path);

/* What is not there is removed already. */
int files_remove(const char *path, struct err *e);

/* True when it is gone; one that holds something stays. */
bool files_remove_folder(const char *path);

/* The names of the folders in a folder; none when it is not there. */
int files_each_folder(const char *path, void (*fn)(void *arg, const char *name),
    void *arg, struct err *e);

#endif
