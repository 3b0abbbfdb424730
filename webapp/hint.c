#include "hint.h"

#include <stdbool.h>
#include <string.h>

#include "app.h"
#include "owner.h"
#include "page.h"
#include "status.h"

/* %s is the host, %u the port. */
static const struct hint {
	uint16_t port;
	const char *says;
	const char *before, *between; /* around the host, before the port */
	bool rdp;
} hints[] = {
	{ 22, "In a terminal, with your name on that computer:",
	    "ssh NAME@", " -p ", false },
	{ 3389, "In Remote Desktop, as the computer:", "", ":", true },
	{ 5555, "On the computer that debugs:", "adb connect ", ":", false },
	{ 25565, "In Minecraft: Multiplayer, Add server, this address:", "",
	    ":", false },
	{ 19132, "In Minecraft: Servers, Add server, this address and port:",
	    "", ":", false },
	{ 2456, "In Valheim: Join game, Add server, this address:", "", ":",
	    false },
	{ 80, "In a browser:", "http://", ":", false },
	{ 443, "In a browser:", "https://", ":", false },
	{ 3000, "In a browser:", "http://", ":", false },
	{ 5000, "In a browser:", "http://", ":", false },
	{ 8000, "In a browser:", "http://", ":", false },
	{ 8080, "In a browser:", "http://", ":", false },
	{ 8123, "In a browser, or in the app's settings:", "http://", ":",
	    false },
	{ 5900, "In a VNC viewer:", "", "::", false },
	{ 21, "In a program for FTP (only its control connection comes "
	      "through):",
	    "ftp://", ":", false },
	{ 3306, "With its client:", "mysql -h ", " -P ", false },
	{ 5432, "With its client:", "psql -h ", " -p ", false },
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
	text = req_text(r,
	    "full address:s:%s\r\nprompt for credentials:i:1\r\n",
	    status_address(r, &t));
	r->type = "application/x-rdp";
	req_line(r, "Content-Disposition",
	    "attachment; filename=\"tunnel-%lld.rdp\"", (long long)t.id);
	req_write(r, text, strlen(text));
}
