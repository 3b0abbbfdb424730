/*
 * browser: what a browser says of itself, in words that people know.
 */
#ifndef WEBAPP_BROWSER_H
#define WEBAPP_BROWSER_H

/* "Firefox on Windows", "a program" */
const char *browser_name(const char *agent);

#endif
