/*
 * What t/41-browser.t lets a real browser do; speaks TAP.
 *
 *	node browser.js FOLDER
 *
 * The rig answers in FOLDER: it reads `ask` and writes `answer` there, for the
 * things that a browser cannot do itself (start the client, send bytes).
 */
"use strict";
const fs = require("fs");
const path = require("path");

const env = process.env;
const URL = env.ADIT_URL, SHOTS = env.ADIT_SHOTS;
const PATIENCE = 1000 * Number(env.ADIT_PATIENCE || 1);
const NO_BROWSER = 77;
const HOSTILE = '<img src=x onerror="window.bad=1">{{X}} "&\' \u202e gnp.exe \u{1f3ae}';
let run = 0, failed = 0;
let axe;

function ok(is, says, why) {
	console.log((is ? "" : "not ") + "ok " + ++run + " - " + says);
	if (!is) {
		failed++;
		if (why !== undefined)
			console.log("# " + String(why).replace(/\n/g, "\n# "));
	}
}

/* Asks the rig, which answers with a line. */
async function rig(...words) {
	const folder = process.argv[2];

	fs.writeFileSync(path.join(folder, "ask.new"), words.join("\t") + "\n");
	fs.renameSync(path.join(folder, "ask.new"), path.join(folder, "ask"));
	for (let i = 0; i < 6000; i++) {
		const file = path.join(folder, "answer");

		if (fs.existsSync(file)) {
			const text = fs.readFileSync(file, "utf8");

			fs.unlinkSync(file);
			return text.trim();
		}
		await new Promise(done => setTimeout(done, 10));
	}
	throw new Error("the rig does not answer: " + words[0]);
}

async function soon(says, seconds, question) {
	const end = Date.now() + seconds * PATIENCE;
	let is = false;

	while (!is && Date.now() < end) {
		is = await question().catch(() => false);
		if (!is)
			await new Promise(done => setTimeout(done, 100));
	}
	ok(is, says);
}

/*
 * A click may lead to another page; what is asked of the old one while it goes
 * fails, and is asked again of the new one.
 */
async function ask(page, what) {
	for (let i = 0; ; i++) {
		await page.waitForLoadState();
		try {
			return await page.evaluate(what);
		} catch (e) {
			if (i === 5 || !/context was destroyed|navigation/.test(e.message))
				throw e;
		}
	}
}

/* A page as a person sees it: light, dark, a phone; and for everybody. */
async function shoot(page, name) {
	await page.waitForLoadState("networkidle", { timeout: 3000 }).catch(() => {});
	for (const [scheme, width] of [["light", 1280], ["dark", 1280], ["light", 360], ["dark", 360]]) {
		await page.setViewportSize({ width, height: 900 });
		await page.emulateMedia({ colorScheme: scheme });
		await page.screenshot({ path: path.join(SHOTS, `${name}-${scheme}-${width}.png`), fullPage: true });
		const over = await ask(page, () => document.documentElement.scrollWidth - innerWidth);
		ok(over <= 0, `${name}, ${scheme}, ${width}: nothing scrolls sideways`, over);
		/* evaluate() is let through the policy that keeps strangers out */
		await ask(page, axe);
		const found = await ask(page, () => window.axe.run({ resultTypes: ["violations"] }));
		ok(found.violations.length === 0, `${name}, ${scheme}, ${width}: axe finds nothing`,
		    found.violations.map(v => v.id + ": " + v.nodes.map(n => n.html + " " + n.failureSummary).join(" | ")).join("\n"));
	}
	await page.setViewportSize({ width: 1280, height: 900 });
	await page.emulateMedia({ colorScheme: "light" });
}

function watch(page, complaints) {
	page.on("console", m => {
		if (m.type() === "error" && !/status of (4\d\d|503)|ERR_INTERNET_DISCONNECTED/.test(m.text()))
			complaints.push(page.url() + ": " + m.text());
	});
	page.on("pageerror", e => complaints.push(page.url() + ": " + e));
	page.on("dialog", d => { complaints.push("dialog: " + d.message()); d.dismiss(); });
}

async function person(browser, complaints, options) {
	const context = await browser.newContext(options || {});

	await context.grantPermissions(["clipboard-read", "clipboard-write"]).catch(() => {});
	const page = await context.newPage();
	watch(page, complaints);
	return page;
}

const state = p => p.locator(".state").first().textContent();

async function story(browser) {
	const complaints = [];
	const p = await person(browser, complaints);

	/* the first account */
	await p.goto(URL + "/");
	ok(p.url().endsWith("/setup"), "nobody is inside: the setup comes first");
	await shoot(p, "setup");
	await p.fill("#code", "AAAA-BBBB-CCCC");
	await p.fill("#email", "mira@example.net");
	await p.fill("#password", "four plain words");
	await p.click("text=Make the account");
	ok(await p.locator("#code-e").isVisible(), "a wrong code is told beside its field");
	await shoot(p, "setup-wrong");
	await p.fill("#code", env.ADIT_CODE);
	await p.fill("#password", "four plain words");
	await p.click("text=Make the account");
	ok((await p.title()).startsWith("Tunnels"), "the right one leads inside");
	await shoot(p, "empty");

	/* out, and in again */
	await p.click("text=Sign out");
	ok(await p.locator("text=You are signed out").isVisible(), "signed out");
	await p.fill("#email", "mira@example.net");
	await p.fill("#pw", "wrong");
	await p.click("button:has-text('Sign in')");
	ok(await p.locator("[role=alert]").isVisible(), "a wrong password is told");
	await shoot(p, "signin");
	await p.fill("#pw", "four plain words");
	await p.press("#pw", "Enter");
	ok(await p.locator("h1").textContent() === "Tunnels", "and the right one lets in, by Enter");

	/* a tunnel, with mistakes at first */
	await p.click("text=Make your first tunnel");
	await p.click("text=Website");
	ok(await p.inputValue("#local_port") === "8080", "a chip fills in the form");
	await p.fill("#name", HOSTILE);
	await p.fill("#local_port", "245600");
	await p.click("text=Make the tunnel");
	ok(await p.locator("#local_port-e").textContent() ===
	    "A port is a number from 1 to 65535; 245600 is too large.", "a mistake gets one sentence");
	ok(await p.inputValue("#name") === HOSTILE, "and nothing that was typed is lost");
	await shoot(p, "new-wrong");
	await p.fill("#local_port", env.ADIT_LOCAL);
	await p.click("text=Make the tunnel");
	ok(/\/tunnels\/\d+$/.test(p.url()), "the tunnel is made");
	const tunnel = p.url();
	ok(await p.locator("h1").textContent() === HOSTILE, "its name is what was typed");
	ok(await state(p) === "pending", "it waits");
	await shoot(p, "tunnel-pending");

	/* verified by somebody else's browser */
	const link = await p.locator("a:has-text('Open the link')").getAttribute("href");
	const phone = await person(browser, complaints, { viewport: { width: 360, height: 740 } });
	await phone.goto(new globalThis.URL(link, URL).href);
	ok(await phone.locator(".qr").isVisible(), "the link shows what it opens");
	await shoot(phone, "verify");
	await phone.click("text=Yes, open it");
	ok(await phone.locator("text=may open").isVisible(), "its button opens");
	await shoot(phone, "verify-done");
	await phone.goto(new globalThis.URL(link, URL).href);
	await shoot(phone, "verify-used");
	await phone.goto(URL + "/verify/" + "a".repeat(26));
	await shoot(phone, "verify-wrong");
	await soon("the page of the tunnel follows by itself", 15, async () =>
	    (await p.locator(".steps .done").count()) === 1);
	await shoot(p, "tunnel-verified");

	/* a computer; its program for Windows is still being built */
	await rig("building", "curl for Windows (once, a few minutes)");
	await p.goto(tunnel.replace("tunnels", "download"));
	ok(await p.locator("text=being built at this moment: curl for Windows (once").isVisible(), "it says what is being built");
	await shoot(p, "download-building");
	await rig("building", "the client for Windows");
	await soon("and goes on saying so by itself", 15, async () =>
	    await p.locator("text=being built at this moment: the client for Windows").isVisible());
	await rig("built");
	await soon("until the file is there", 15, async () =>
	    await p.locator("text=Download for Windows").isVisible());
	await shoot(p, "download");
	const [ file ] = await Promise.all([ p.waitForEvent("download"),
	    p.click("text=Download for Windows") ]);
	ok(/^adit-[a-z0-9_-]+\.bat$/.test(file.suggestedFilename()),
	    "a file to double-click");
	await file.delete();
	ok(await p.locator("button:has-text('Download for Windows')").isEnabled(),
	    "and the page stays");
	await p.click("text=Make a key and show the command for Linux");
	for (const id of ["cmd-key", "cmd-run", "cmd-install"]) {
		await p.locator(`#${id} + button`).click();
		const copied = await p.evaluate(() => navigator.clipboard.readText()).catch(() => null);
		ok(copied === await p.locator("#" + id).textContent(), `the button beside #${id} copies it`, copied);
	}
	ok(await p.locator("pre.console:not(:has(+ [data-copy]))").count() === 0, "each command has one");
	const key = await p.locator("#key").textContent();
	const command = await p.locator("#cmd-run").textContent();
	ok(/^[0-9a-f]{64}$/.test(key), "a key is shown");
	await shoot(p, "download-key");
	await p.goto(tunnel);
	await rig("client", key, command.replace(/\\\n/g, " ").replace(/\s+/g, " "));
	await soon("the lamps come on without a reload", 20, async () =>
	    (await state(p)) === "online" && (await p.locator("#section .lit").count()) >= 3);
	await shoot(p, "tunnel-online");

	/* traffic */
	ok(await rig("traffic", "200000") === "200000", "bytes go through it");
	await p.reload();
	await soon("and stand in the chart", 20, async () => {
		await p.reload();
		return (await p.locator(".chart .to").count()) > 0;
	});
	await p.click("text=The same as a table");
	await shoot(p, "tunnel-traffic");
	await Promise.all([ p.waitForURL(/span=month/), p.click("text=30 days") ]);
	await shoot(p, "tunnel-month");
	await p.goto(URL + "/");
	await shoot(p, "dashboard");

	/* its address, and who is connected */
	await p.goto(tunnel);
	await p.locator(".copy").first().click();
	await soon("a button copies", 5, async () =>
	    (await p.locator(".copy").first().textContent()).startsWith("Copied"));
	ok(await p.evaluate(() => navigator.clipboard.readText()) ===
	    await p.locator(".copy").first().getAttribute("data-copy"), "what stands on it");
	ok(await rig("stay", "2") === "2", "two visitors come");
	const cut = p.locator("#visitors button:has-text('Cut off')");
	await p.evaluate(() => {
		window.gone = 0;
		document.activeElement.blur();
		new MutationObserver(() => {
			for (const id of ["state", "section", "visitors"])
				if (!document.getElementById(id))
					window.gone++;
		}).observe(document.body, { childList: true, subtree: true });
	});
	await soon("and stand on the page without a reload", 20, async () =>
	    (await cut.count()) === 2);
	ok(await rig("stayed") === "2", "both are served");
	ok(await p.evaluate(() => window.gone) === 0, "and no part of it was missing meanwhile");
	await shoot(p, "tunnel-visitors");
	await cut.first().click();
	ok(await p.locator(".flash").count() === 1, "cut off: the page says so");
	await soon("one is cut off", 10, async () => (await rig("stayed")) === "1");
	await soon("the other one stays on the page", 20, async () => (await cut.count()) === 1);
	await shoot(p, "tunnel-cut");
	await rig("leave");
	await soon("until it leaves", 20, async () =>
	    (await p.locator("#visitors:has-text('Nobody is connected')").count()) === 1);

	/* pause, resume */
	await p.goto(tunnel);
	await p.click("button:has-text('Pause')");
	ok(await state(p) === "paused", "paused");
	await soon("and visitors are refused", 5, async () => (await rig("visit")) === "no");
	await shoot(p, "tunnel-paused");
	await p.click("button:has-text('Resume')");
	await soon("resumed, and they come again", 10, async () => (await rig("visit")) === "yes");

	/* edit */
	await p.click("a.btn:has-text('Edit')");
	await shoot(p, "edit");
	await p.fill("#name", "Website");
	await p.fill("#allow", "192.0.2.0/24, nonsense");
	await p.click("button:has-text('Save')");
	ok(await p.locator("#allow-e").isVisible(), "a list with a mistake is told");
	await p.fill("#allow", "");
	await p.click("button:has-text('Save')");
	ok(await p.locator("h1").textContent() === "Website", "saved");

	/* the machine goes away */
	await rig("client-end");
	await soon("the page tells that the machine is away", 20, async () =>
	    (await state(p)) === "offline");
	await shoot(p, "tunnel-offline");

	/* the other pages */
	await p.goto(URL + "/machines");
	await shoot(p, "machines");
	await p.click("summary:has-text('Rename')");
	await shoot(p, "machine-rename");
	await p.fill("details[open] input[name=name]", "Workshop");
	await p.click("details[open] button");
	ok(await p.locator("th bdi:text-is('Workshop')").count() === 1, "a machine is renamed");
	await p.click("a:has-text('Remove')");
	await shoot(p, "machine-remove");
	await p.goto(URL + "/account");
	await p.fill("#name", "backup script");
	await p.click("text=Make a key");
	ok(/^[0-9a-f]{64}$/.test(await p.locator(".once code").textContent()), "an API key is shown once");
	await shoot(p, "account");
	await p.goto(URL + "/admin");
	await p.fill("#note", "Jonas");
	await p.click("text=Make a link");
	const invitation = await p.locator(".once code").textContent();
	await shoot(p, "admin");
	const jonas = await person(browser, complaints);
	await jonas.goto(invitation);
	await shoot(jonas, "join");
	await jonas.fill("#email", "jonas@example.net");
	await jonas.fill("#password", "four plain words");
	await jonas.click("text=Make the account");
	ok((await jonas.goto(tunnel)).status() === 404, "another's tunnel is not there");
	await shoot(jonas, "404");
	await jonas.goto(URL + "/new");
	await jonas.fill("#name", "of Jonas");
	await jonas.fill("#local_port", "80");
	await jonas.click("text=Make the tunnel");
	const his = await jonas.locator("a:has-text('Open the link')").getAttribute("href");
	await Promise.all([ p.waitForRequest(/\/events\?tunnel=\d+$/), p.goto(jonas.url()) ]);
	await soon("an admin's page of another's tunnel hears of it", 15, async () =>
	    (await p.locator("#live").textContent()) === "Live");
	await jonas.goto(new globalThis.URL(his, URL).href);
	await jonas.click("text=Yes, open it");
	await soon("and follows", 15, async () => (await state(p)) === "offline");
	await shoot(p, "tunnel-of-another");
	await p.goto(URL + "/admin/users/2");
	await shoot(p, "admin-user");

	/* dark, kept by the server */
	await p.click(".theme button[value=dark]");
	ok(await p.locator("html").getAttribute("data-theme") === "dark", "dark stays dark");
	await p.click(".theme button[value=auto]");

	/* delete, undo, delete */
	await p.goto(tunnel);
	await p.click("a:has-text('Delete')");
	await shoot(p, "delete");
	await p.click("text=Delete the tunnel");
	ok(await p.locator("button:has-text('Take it back')").isVisible(), "deleted, with a way back");
	await shoot(p, "deleted");
	await p.click("button:has-text('Take it back')");
	ok(p.url().startsWith(tunnel), "it is back");

	/* names that break what they can */
	for (const [i, name] of ["a".repeat(100), HOSTILE, "<script>window.bad=1</script>",
	    "\u0645\u0631\u062d\u0628\u0627 \u0627\u0644\u0639\u0627\u0644\u0645", "%s{{%AUTOESCAPE}}'\""].entries()) {
		await p.goto(URL + "/new");
		await p.fill("#name", name);
		await p.fill("#local_port", String(1000 + i));
		await p.click("text=Make the tunnel");
		ok(await p.locator("h1").textContent() === name, "a hostile name is a name");
	}
	await p.goto(URL + "/");
	await shoot(p, "dashboard-full");
	ok(await p.evaluate(() => window.bad) === undefined, "and nothing of it ran");

	/* the keyboard reaches the content */
	await p.keyboard.press("Tab");
	ok(await p.evaluate(() => document.activeElement.className) === "skip", "Tab finds the way past the head");

	/* the stream is lost, and comes back */
	await p.context().setOffline(true);
	await soon("a lost view says so", 20, async () => (await p.locator("#live.lost").count()) === 1);
	await p.context().setOffline(false);
	await soon("and recovers", 40, async () => (await p.locator("#live.lost").count()) === 0);

	/* no script at all */
	const plain = await person(browser, complaints, { javaScriptEnabled: false });
	await plain.goto(URL + "/signin");
	await plain.fill("#email", "mira@example.net");
	await plain.fill("#pw", "four plain words");
	await plain.click("button:has-text('Sign in')");
	await plain.click("text=New tunnel");
	await plain.fill("#name", "without a script");
	await plain.fill("#local_port", "22");
	await plain.click("text=Make the tunnel");
	ok(await plain.locator("h1").textContent() === "without a script", "without a script all works by forms");
	await plain.screenshot({ path: path.join(SHOTS, "no-script.png"), fullPage: true });

	/* the relay goes */
	await rig("relay-end");
	await soon("without the relay the page says so", 10, async () => {
		await p.goto(URL + "/");
		return await p.locator("text=The relay is not running").count() > 0;
	});
	await shoot(p, "no-relay");
	await p.goto(URL + "/admin");
	await shoot(p, "admin-no-relay");

	ok(complaints.length === 0, "the browser has nothing to complain of", complaints.join("\n"));
}

/* The browser itself is not what is tried here: it may start badly twice. */
async function start(chromium) {
	for (let i = 1; i <= 3; i++) {
		try {
			return await chromium.launch({
				executablePath: env.ADIT_CHROMIUM,
				timeout: 60 * PATIENCE,
				args: ["--no-sandbox", "--disable-dev-shm-usage",
					"--disable-gpu", "--disable-quic"] });
		} catch (e) {
			console.log(("start " + i + ": " + e).replace(/^/gm, "# "));
		}
	}
	return null;
}

(async () => {
	let browser;

	try {
		const { chromium } = require("playwright-core");

		axe = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
		browser = await start(chromium);
		if (browser)
			await story(browser);
	} catch (e) {
		ok(false, "the story goes to its end", e.stack);
	}
	if (browser)
		await browser.close();
	console.log("1.." + run);
	process.exitCode = failed ? 1 : !browser ? NO_BROWSER : 0;
})();
