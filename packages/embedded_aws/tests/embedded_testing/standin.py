"""A stand-in for the embedded AWS, as a Python script."""

# Holds its lock and answers /health, as `python -m embedded_aws` does; `{before}` runs before it listens.
EMULATOR = """
import fcntl, http.server, json, os, sys
options = dict(zip(sys.argv[3::2], sys.argv[4::2]))
lock = open(options["--lock"], "w")
fcntl.flock(lock, fcntl.LOCK_EX)
if os.fork():
    os._exit(0)
os.setsid()
log = open(options["--log"], "w")
os.dup2(log.fileno(), 1)
os.dup2(log.fileno(), 2)

class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/health" else 404)
        self.end_headers()

    def log_message(self, *arguments):
        return

{before}
port = int(os.environ["GATEWAY_PORT"])
server = http.server.HTTPServer(("127.0.0.1", port), Health)
json.dump({{"pid": os.getpid(), "port": port, "key": os.environ["AWS_SECRET_ACCESS_KEY"]}}, lock)
lock.flush()
server.serve_forever()
"""
