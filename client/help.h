/*
 * help: what `adit help` prints.  The manual page says the same at length.
 */
#ifndef CLIENT_HELP_H
#define CLIENT_HELP_H

#define HELP_ALL                                                              \
	"adit gives a port on this computer a public address.\n"              \
	"\n"                                                                  \
	"  adit connect ...   serve this machine's tunnels until Ctrl-C\n"    \
	"  adit tcp PORT ...  make a tunnel to a port here and serve it; "    \
	"also\n"                                                              \
	"                     adit udp and adit both\n"                       \
	"  adit run FILE      serve with the settings in a downloaded file\n" \
	"  adit install FILE  have that start by itself; also adit "          \
	"uninstall\n"                                                         \
	"  adit status        say what is installed, and how it is\n"         \
	"  adit doctor ...    look for what is wrong; the same options\n"     \
	"  adit version       say the version\n"                              \
	"  adit help COMMAND  say more about a command\n"

#define HELP_PROXY                                                            \
	"  --proxy HOST:PORT       only through this HTTP proxy, or none\n"   \
	"                          (--no-proxy); else the system's, beside\n" \
	"                          the direct way; one with a password\n"     \
	"                          comes from ADIT_PROXY, or\n"               \
	"  --proxy-file FILE       from a file\n"

#define HELP_OPTIONS                                                           \
	"  --server HOST:PORT      the relay, or, where only HTTPS passes,\n"  \
	"                          wss://HOST/link; may be given up to 8\n"    \
	"                          times, tried in this order\n"               \
	"  --pin sha256:HEX[,...]  accept the relay by its key, or\n"          \
	"  --ca FILE|system        by its certificate and name; each holds\n"  \
	"                          for the --server before it and for those\n" \
	"                          that follow\n"                              \
	"  --allow HOST:PORT[,...] what the relay may reach here; also\n"      \
	"                          HOST:PORT-PORT and HOST:*\n" HELP_PROXY     \
	"  --token-file FILE       the machine's token; else ADIT_TOKEN"

#define HELP_CONNECT                                                        \
	"adit connect --server HOST:PORT (--pin sha256:HEX | --ca "         \
	"FILE|system)\n"                                                    \
	"             --allow HOST:PORT [--token-file FILE]\n"              \
	"\n"                                                                \
	"Serves this machine's tunnels until Ctrl-C.\n"                     \
	"\n" HELP_OPTIONS ", else\n"                                        \
	"                          one line of standard input\n"            \
	"  --plain                 tell events in lines, draw no view\n"    \
	"  --no-color              no colours (as NO_COLOR)\n"              \
	"  --verbose               tell more\n"                             \
	"\n"                                                                \
	"Ends with 0 stopped by its user, 1 something unexpected, 2 wrong " \
	"use,\n"                                                            \
	"20 settings, 21 key revoked, 22 token refused, 23 certificate or " \
	"pin,\n"                                                            \
	"24 replaced by another start, 25 no version in common.\n"

#define HELP_QUICK                                                            \
	"adit tcp|udp|both PORT|HOST:PORT --dashboard URL\n"                  \
	"             [--pin sha256:HEX | --ca FILE|system]\n"                \
	"             [--api-key-file FILE] [--name NAME] [--public-port "    \
	"PORT]\n"                                                             \
	"\n"                                                                  \
	"Makes a tunnel to a service of this computer through the "           \
	"dashboard's\n"                                                       \
	"API, and serves it until Ctrl-C.  The same words again find the "    \
	"same\n"                                                              \
	"tunnel, with its public address.\n"                                  \
	"\n"                                                                  \
	"  --dashboard URL         https://HOST, as in the browser\n"         \
	"  --pin sha256:HEX        accept the dashboard by its key, or\n"     \
	"  --ca FILE|system        by its certificate and name (system)\n"    \
	"  --api-key-file FILE     an API key; else ADIT_API_KEY, else one "  \
	"line\n"                                                              \
	"                          of standard input\n"                       \
	"  --name NAME             what the tunnel is called (\"tcp "         \
	"25565\")\n"                                                          \
	"  --public-port PORT      the public port, if it is free "           \
	"(any)\n" HELP_PROXY                                                  \
	"  --plain, --no-color, --verbose  as for adit connect\n"             \
	"\n"                                                                  \
	"Ends as adit connect does; 22 also when the API key is refused, 23 " \
	"when\n"                                                              \
	"the dashboard's certificate is not accepted.\n"

#define HELP_RUN                                                             \
	"adit run [FILE]\n"                                                  \
	"\n"                                                                 \
	"Serves this machine's tunnels until Ctrl-C, with the settings in "  \
	"FILE,\n"                                                            \
	"else in the file that ADIT_FILE names: the one that the dashboard " \
	"gives\n"                                                            \
	"for a computer.  They are lines \"#adit KEY=VALUE\", behind the "   \
	"last\n"                                                             \
	"line that begins with \"exit /b\":\n"                               \
	"\n"                                                                 \
	"  door=HOST:PORT pin=sha256:HEX[,...]   a way to the relay; or\n"   \
	"  door=wss://HOST/link ca=system        several, in order\n"        \
	"  allow=HOST:PORT                       as --allow; may be "        \
	"repeated\n"                                                         \
	"  token=HEX                             the machine's token\n"      \
	"  proxy=http://[USER:PASSWORD@]HOST:PORT  or none, as --proxy\n"    \
	"\n"                                                                 \
	"Takes --plain, --no-color and --verbose, and ends, as adit "        \
	"connect;\n"                                                         \
	"with 26 when what is installed for FILE goes on with it (adit "     \
	"install).\n"

#define HELP_INSTALL                                                          \
	"adit install [--service] [--name NAME] [FILE | OPTIONS]\n"           \
	"adit uninstall [--service] [NAME | --all]\n"                         \
	"adit status\n"                                                       \
	"\n"                                                                  \
	"Has this machine's tunnels served without a window, from now on "    \
	"and\n"                                                               \
	"whenever you sign in; with --service (as root or administrator) "    \
	"from the\n"                                                          \
	"start of the computer on.  The settings are those in FILE, else in " \
	"the file\n"                                                          \
	"that ADIT_FILE names, as for adit run; or the OPTIONS of adit "      \
	"connect.\n"                                                          \
	"They are copied: FILE may be deleted.  Several machines' stand "     \
	"side by\n"                                                           \
	"side; the same one's are replaced.\n"                                \
	"\n"                                                                  \
	"Uninstall takes away what install made.  Status says what is "       \
	"installed,\n"                                                        \
	"whether it runs, and how its tunnels are; it ends with 1 when "      \
	"something\n"                                                         \
	"does not run.\n"

#define HELP_KEEP                                                           \
	"adit keep [--service] NAME\n"                                      \
	"\n"                                                                \
	"Serves what adit install has called NAME.  It is what the system " \
	"starts;\n"                                                         \
	"nobody needs to call it.\n"

#define HELP_DOCTOR                                                         \
	"adit doctor --server HOST:PORT (--pin sha256:HEX | --ca "          \
	"FILE|system)\n"                                                    \
	"            --allow HOST:PORT [--token-file FILE]\n"               \
	"\n"                                                                \
	"Looks at settings, clock, names, connections, certificates, the "  \
	"token\n"                                                           \
	"and the services here, and says what to do about what fails.  It " \
	"does\n"                                                            \
	"not disturb a client that runs.\n"                                 \
	"\n" HELP_OPTIONS "\n"                                              \
	"\n"                                                                \
	"Ends with 0 when nothing is wrong, 1 when something is, 2 and 20 " \
	"as\n"                                                              \
	"adit connect does.\n"

#define HELP_VERSION "adit version\n\nSays the version and the protocol.\n"

#define HELP_HELP "adit help [COMMAND]\n\nSays what a command does.\n"

#endif
