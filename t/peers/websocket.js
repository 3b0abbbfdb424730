// WebSocket as npm's ws speaks it, on either side of adit/1.
//
//	node websocket.js link SOCKET ADDRESS TOKEN
//	node websocket.js server PORT CERT KEY CODE
//
// The words are those of websocket.py.
'use strict';

const fs = require('fs');
const https = require('https');
// Debian's, and not an older one that another package brought along.
const debians = '/usr/share/nodejs/ws';
const WebSocket = require(fs.existsSync(debians) ? debians : 'ws');

const types = { 2: 'WELCOME', 3: 'REJECT', 6: 'CONFIG' };

function field(key, value) {
	const head = Buffer.alloc(3);
	head.writeUInt8(key, 0);
	head.writeUInt16BE(value.length, 1);
	return Buffer.concat([head, value]);
}

function frame(type, body) {
	const head = Buffer.alloc(16);
	head.writeUInt8(type, 0);
	head.writeUInt16BE(body.length, 2);
	return Buffer.concat([head, body]);
}

function link(path, address, token) {
	const ws = new WebSocket(`ws+unix:${path}:/link`, ['adit.1'],
	    { headers: { 'X-Real-IP': address } });
	const hello = frame(1, Buffer.concat([
		field(1, Buffer.from([0, 1, 0, 1])),
		field(2, Buffer.from(token, 'hex')),
		field(5, Buffer.alloc(16, 'i')),
		field(6, Buffer.from('npm ws')),
	]));
	ws.on('open', () => {
		console.log(`subprotocol ${ws.protocol}`);
		ws.ping('are you there');
	});
	ws.on('pong', () => {
		console.log('pong');
		ws.send(hello.subarray(0, 30), { fin: false });
		ws.send(hello.subarray(30), { fin: true });
	});
	ws.on('message', (data) => {
		let told = types[data[0]] || `frame ${data[0]}`;
		if (told === 'REJECT')
			told += ` ${data.readUInt16BE(19)}`;
		console.log(told);
		ws.close(1000);
	});
	ws.on('error', (e) => console.log(`error ${e.message}`));
	ws.on('close', (code) => console.log(`closed ${code}`));
}

function server(port, cert, key, code) {
	const web = https.createServer({ cert: fs.readFileSync(cert),
		key: fs.readFileSync(key) });
	const wss = new WebSocket.Server({ server: web,
		handleProtocols: (all) => all.has('adit.1') && 'adit.1' });
	wss.on('connection', (ws, request) => {
		ws.on('message', (data, isBinary) => {
			const what = isBinary && data[0] === 1;
			console.log(`${what ? 'HELLO' : 'not HELLO'} ` +
			    `${request.url} ${request.headers.host}`);
			ws.send(frame(3, field(1, Buffer.from([0, +code]))));
		});
		ws.on('close', (c) => console.log(`closed ${c}`));
		ws.on('error', (e) => console.log(`error ${e.message}`));
	});
	web.listen(+port, '127.0.0.1',
	    () => console.log(`port ${web.address().port}`));
}

({ link, server })[process.argv[2]](...process.argv.slice(3));
