/*
 * version: the version of everything that is built here.
 */
#ifndef BASE_VERSION_H
#define BASE_VERSION_H

#define ADIT_VERSION         "1.0.0"
#define ADIT_VERSION_NUMBERS 1, 0, 0, 0 /* the same, for Windows */

#endif
