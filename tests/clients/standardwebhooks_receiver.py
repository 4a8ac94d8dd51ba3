"""A shop: prints its address, and a line for each event, verified by standardwebhooks with the keys it is given.

At /both it knows the last key alone, at /first the first: while one key takes the other's place, either will do.
"""

import http.server
import sys

from standardwebhooks.webhooks import Webhook

KEYS = sys.argv[1:]
KNOWN = {"/both": Webhook(KEYS[-1]), "/first": Webhook(KEYS[0])}


class Shop(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        try:
            event = KNOWN[self.path].verify(body, dict(self.headers))
            words = f"verified {self.path} {event['type']} {event['data']['seq']}"
        except Exception as error:
            words = f"refused {self.path} {type(error).__name__}: {error}"
        # The words and the line's end at once: `print` writes them one after the other, and another thread between them.
        sys.stdout.write(f"{words}\n")
        sys.stdout.flush()
        self.send_response(204 if words.startswith("verified") else 401)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Shop)
print(f"http://127.0.0.1:{server.server_port}/both", flush=True)
server.serve_forever()
