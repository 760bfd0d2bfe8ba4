"""A web server on this machine for one file, with the faults that servers have."""

import os
import re
import socket
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from unittest import mock


class FileServer:
    """Serves `content` at `url` as long as the `with` block lasts.

    Faults are switched on by setting attributes: `statuses` and `cuts` are used up, one
    a request (a cut ends the connection after so many bytes of the body); `headers`
    replace the answer's own, or drop them where None; `ranges=False` gives the whole
    always; `delay_s` passes before each answer; `redirect` is another address.

    `asked` lists the Range header of each request, `served` counts bytes of bodies and
    `connections` the connections made.
    """

    def __init__(self, content):
        self.content = content
        self.statuses, self.cuts, self.headers = [], [], {}
        self.ranges, self.delay_s, self.redirect = True, 0, None
        self.asked, self.served, self.connections = [], 0, 0

    def __enter__(self):
        self._environment = mock.patch.dict(os.environ, NO_PROXY="127.0.0.1")
        self._environment.start()
        handler = type("Handler", (_Handler,), {"files": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/archive.tar"
        # The default poll would make each test half a second longer.
        poll = {"poll_interval": 0.01}
        threading.Thread(target=self._server.serve_forever, kwargs=poll).start()
        return self

    def __exit__(self, *error):
        self._server.shutdown()
        self._server.server_close()
        self._environment.stop()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # Else each answer takes 40 ms.

    def setup(self):
        self.files.connections += 1
        # A small buffer keeps what is sent close to what is read.
        self.request.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2**14)
        super().setup()

    def handle(self):
        with suppress(OSError):  # The reader may go away.
            super().handle()

    def do_GET(self):
        files = self.files
        wanted = self.headers.get("Range")
        files.asked.append(wanted)
        time.sleep(files.delay_s)
        status = files.statuses.pop(0) if files.statuses else 200
        if files.redirect:
            self.answer(302, b"", {"Location": files.redirect})
        elif status != 200:
            self.answer(status, b"no", {})
        elif wanted and files.ranges:
            self.answer_part(*re.fullmatch(r"bytes=(\d+)-(\d+)", wanted).groups())
        else:
            self.answer(200, files.content, {})

    def answer_part(self, first, last):
        size = len(self.files.content)
        first, last = int(first), min(int(last), size - 1)
        if first >= size:
            self.answer(416, b"", {"Content-Range": f"bytes */{size}"})
            return
        body = memoryview(self.files.content)[first : last + 1]
        self.answer(206, body, {"Content-Range": f"bytes {first}-{last}/{size}"})

    def answer(self, status, body, headers):
        self.send_response(status)
        headers = {"Content-Length": str(len(body)), "ETag": '"v1"', **headers}
        headers |= self.files.headers
        for name, value in headers.items():
            if value is not None:
                self.send_header(name, value)
        self.end_headers()
        cut = len(body)
        if status in (200, 206) and self.files.cuts:
            cut = self.files.cuts.pop(0)
        for start in range(0, min(cut, len(body)), 2**14):
            piece = body[start : min(start + 2**14, cut)]
            # Counted first: the reader may have the piece before this thread goes on.
            self.files.served += len(piece)
            self.wfile.write(piece)
        # Whoever is not told a length takes the end of the connection for the end.
        self.close_connection |= cut < len(body) or headers["Content-Length"] is None

    def log_message(self, *arguments):
        pass
