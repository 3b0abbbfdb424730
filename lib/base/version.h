/*
 * version: the version of everything that is built here.
 */
#ifndef BASE_VERSION_H
#define BASE_VERSION_H

#define ADIT_VERSION "1.0.0"

#endif
