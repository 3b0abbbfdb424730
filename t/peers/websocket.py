#!/usr/bin/python3
"""WebSocket as python3-websockets speaks it, on either side of adit/1.

websocket.py link SOCKET ADDRESS TOKEN [halves | text | unmasked]
    says HELLO at relayd's link socket, as nginx would for ADDRESS, and
    prints what it hears: "WELCOME", "REJECT 3", "closed 1003"

websocket.py server PORT CERT KEY CODE
    answers every HELLO with REJECT; prints "port N", then what it has heard
"""
import asyncio
import ssl
import struct
import sys

import websockets

TYPES = {2: "WELCOME", 3: "REJECT", 6: "CONFIG"}


def field(key, value):
    return struct.pack(">BH", key, len(value)) + value


def frame(kind, body):
    return struct.pack(">BBHIQ", kind, 0, len(body), 0, 0) + body


def hello(token):
    return frame(1, field(1, b"\0\1\0\1") + field(2, bytes.fromhex(token))
                 + field(5, b"i" * 16) + field(6, b"python3-websockets"))


def told(data):
    kind = TYPES.get(data[0], "frame %d" % data[0])
    if kind == "REJECT":
        kind += " %d" % struct.unpack(">H", data[19:21])
    return kind


async def link(path, address, token, how="whole"):
    async with websockets.unix_connect(
            path, uri="ws://localhost/link", subprotocols=["adit.1"],
            extra_headers={"X-Real-IP": address}) as ws:
        print("subprotocol", ws.subprotocol, flush=True)
        first = hello(token)
        if how == "text":
            await ws.send("hello")
        elif how == "halves":
            await ws.send([first[:7], first[7:20], b"", first[20:40]])
            pong = await ws.ping(b"are you there")
            await asyncio.wait_for(pong, 10)
            print("pong", flush=True)
            await ws.send(first[40:])
        else:
            await ws.send(first)
        try:
            data = await asyncio.wait_for(ws.recv(), 10)
            print(told(data), flush=True)
        except websockets.ConnectionClosed:
            print("closed", ws.close_code, flush=True)


async def server(port, cert, key, code):
    async def answer(ws):
        data = await ws.recv()
        same = isinstance(data, bytes) and data[0] == 1
        print("HELLO" if same else "not HELLO", ws.path,
              ws.request_headers["Host"], flush=True)
        await ws.send(frame(3, field(1, struct.pack(">H", int(code)))))
        await ws.wait_closed()
        print("closed", ws.close_code, flush=True)

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    async with websockets.serve(answer, "127.0.0.1", int(port), ssl=context,
                                subprotocols=["other", "adit.1"]) as s:
        print("port", s.sockets[0].getsockname()[1], flush=True)
        await asyncio.Future()


asyncio.run({"link": link, "server": server}[sys.argv[1]](*sys.argv[2:]))
