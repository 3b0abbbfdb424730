/*
 * next: where a person goes after a form, as the form says.  Only to a page of
 * ours: anything else is the dashboard.
 */
#ifndef WEBAPP_NEXT_H
#define WEBAPP_NEXT_H

/* text, when it is a plain path below dashboard_url; else "/". */
const char *next_path(const char *text);

#endif
