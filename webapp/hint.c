#include "hint.h"

#include <stdbool.h>
#include <string.h>

#include "app.h"
#include "owner.h"
#include "page.h"
#include "status.h"

/* %s is the host, %u the port. */
static const struct hint {
	const char *says;
	const char *before, *between; /* around the host, before the port */
	uint16_t port;
	bool rdp;
} hints[] = {
	{ "In a terminal, with your name on that computer:", "ssh NAME@",
	    " -p ", 22, false },
	{ "In Remote Desktop, as the computer:", "", ":", 3389, true },
	{ "On the computer that debugs:", "adb connect ", ":", 5555, false },
	{ "In Minecraft: Multiplayer, Add server, this address:", "", ":",
	    25565, false },
	{ "In Minecraft: Servers, Add server, this address and port:", "", ":",
	    19132, false },
	{ "In Valheim: Join game, Add server, this address:", "", ":", 2456,
	    false },
	{ "In a browser:", "http://", ":", 80, false },
	{ "In a browser:", "https://", ":", 443, false },
	{ "In a browser:", "http://", ":", 3000, false },
	{ "In a browser:", "http://", ":", 5000, false },
	{ "In a browser:", "http://", ":", 8000, false },
	{ "In a browser:", "http://", ":", 8080, false },
	{ "In a browser, or in the app's settings:", "http://", ":", 8123,
	    false },
	{ "In a VNC viewer:", "", "::", 5900, false },
	{ "In a program for FTP (only its control connection comes "
	  "through):",
	    "ftp://", ":", 21, false },
	{ "With its client:", "mysql -h ", " -P ", 3306, false },
	{ "With its client:", "psql -h ", " -p ", 5432, false },
};

void
hint_show(struct req *r, struct tpl *t, const struct tunnel *tun)
{
	const struct hint *h = NULL;
	struct tpl *row;

	for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++)
		if (hints[i].port == tun->local_port)
			h = &hints[i];
	if (h == NULL)
		return;
	row = tpl_row(t, "HINT");
	tpl_set(row, "SAYS", h->says);
	tpl_set(row, "COMMAND",
	    req_text(r, "%s%s%s%u", h->before, r->app->conf.public_host,
		h->between, tun->public_port));
	if (h->rdp)
		tpl_show(row, "RDP");
}

void
hint_rdp(struct req *r)
{
	struct tunnel t;
	const char *text;

	if (!owner_tunnel(r, &t))
		return;
	/* nothing that a person typed gets into this file */
	text =
	    req_text(r, "full address:s:%s\r\nprompt for credentials:i:1\r\n",
		status_address(r, &t));
	r->type = "application/x-rdp";
	req_line(r, "Content-Disposition",
	    "attachment; filename=\"tunnel-%lld.rdp\"", (long long)t.id);
	req_write(r, text, strlen(text));
}
