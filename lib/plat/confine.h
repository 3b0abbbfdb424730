/*
 * confine: what a program gives up for good, so that whoever gets hold of it has
 * not got it either.
 */
#ifndef PLAT_CONFINE_H
#define PLAT_CONFINE_H

struct err;

/*
 * From now on no thread that this one starts, nor itself, connects by TCP;
 * what is connected stays, and others may come.  1: so it is; 0: this kernel
 * cannot do that; -1 with e.
 */
int confine_dialling(struct err *e);

#endif
