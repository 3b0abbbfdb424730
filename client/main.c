/*
 * adit: serves tunnels from this computer.  The commands are the table below.
 */
#include <stdio.h>
#include <string.h>

#include "base/version.h"
#include "client_conf.h"
#include "connect.h"
#include "doctor.h"
#include "help.h"
#include "install.h"
#include "proto/hello.h"
#include "quick.h"
#include "run.h"
#include "startup.h"

static int help_run(int argc, char *const *argv);

static int
version_run(int argc, char *const *argv)
{
	if (argc > 0) {
		fprintf(stderr, "adit version: %.100s is too much\n", argv[0]);
		return EXIT_USAGE;
	}
	printf("adit %s, protocol adit/%d\n", ADIT_VERSION, PROTO_VERSION);
	return 0;
}

struct command {
	const char *name;
	int (*run)(int argc, char *const *argv);
	const char *help;
};

static const struct command commands[] = {
	{ "connect", connect_run, HELP_CONNECT },
	{ "tcp", quick_tcp, HELP_QUICK },
	{ "udp", quick_udp, HELP_QUICK },
	{ "both", quick_both, HELP_QUICK },
	{ "run", run_run, HELP_RUN },
	{ "install", install_run, HELP_INSTALL },
	{ "uninstall", install_uninstall, HELP_INSTALL },
	{ "status", install_status, HELP_INSTALL },
	{ "keep", startup_keep, HELP_KEEP },
	{ "doctor", doctor_run, HELP_DOCTOR },
	{ "version", version_run, HELP_VERSION },
	{ "help", help_run, HELP_HELP },
};

static const struct command *
find_command(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static int
unknown(const char *name)
{
	fprintf(
	    stderr, "adit: %.100s is not a command; see: adit help\n", name);
	return EXIT_USAGE;
}

static int
help_run(int argc, char *const *argv)
{
	const struct command *c;

	if (argc == 0) {
		fputs(HELP_ALL, stdout);
		return 0;
	}
	if ((c = find_command(argv[0])) == NULL)
		return unknown(argv[0]);
	fputs(c->help, stdout);
	return 0;
}

/* "adit --help", "adit connect --help". */
static int
asks_for_help(const char *word)
{
	return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

int
main(int argc, char *argv[])
{
	const struct command *c;

	if (argc < 2) {
		fputs(HELP_ALL, stderr);
		return EXIT_USAGE;
	}
	if (asks_for_help(argv[1]))
		return help_run(0, NULL);
	if (strcmp(argv[1], "--version") == 0)
		return version_run(0, NULL);
	if ((c = find_command(argv[1])) == NULL)
		return unknown(argv[1]);
	if (argc == 3 && asks_for_help(argv[2])) {
		fputs(c->help, stdout);
		return 0;
	}
	return c->run(argc - 2, argv + 2);
}
