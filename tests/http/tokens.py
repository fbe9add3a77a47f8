"""An identity provider for tests: keys, tokens signed with them, and a server of the key set that can be told to fail."""
import base64
import hashlib
import hmac
import json
import re
import ssl
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def b64(data):
    return base64.urlsafe_b64encode(data if isinstance(data, bytes) else json.dumps(data).encode()).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Key:
    def __init__(self, folder, kid):
        self.kid, self.pem = kid, folder / f"{kid}.pem"
        subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", self.pem], check=True,
                       capture_output=True)
        text = subprocess.run(["openssl", "rsa", "-in", self.pem, "-noout", "-text"], check=True, capture_output=True, text=True).stdout
        number = {name: int(re.sub(r"[\s:]", "", digits), 16) for name, digits in re.findall(r"^(\w+):\n((?:\s+[0-9a-f:]+\n)+)", text, re.M)}
        self.p, self.q, self.dp, self.dq, self.inverse = (number[x] for x in ("prime1", "prime2", "exponent1", "exponent2", "coefficient"))
        self.n = number["modulus"].to_bytes(256, "big")
        self.public = subprocess.run(["openssl", "rsa", "-in", self.pem, "-pubout"], check=True, capture_output=True).stdout

    def jwk(self):
        return {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.kid, "n": b64(self.n), "e": "AQAB"}

    def sign(self, text):
        """RSASSA-PKCS1-v1_5 with SHA-256: a process of openssl for each would take most of the time of the tests."""
        known = bytes.fromhex("3031300d060960864801650304020105000420") + hashlib.sha256(text).digest()
        m = int.from_bytes(b"\0\1" + b"\xff" * (253 - len(known)) + b"\0" + known, "big")
        a, b = pow(m, self.dp, self.p), pow(m, self.dq, self.q)
        return (b + self.q * (self.inverse * (a - b) % self.p)).to_bytes(256, "big")

    def token(self, sub="alice", head=None, drop=(), sig=None, **claims):
        now = int(time.time())
        body = {"sub": sub, "iat": now - 5, "exp": now + 600, **claims}
        for name in drop:
            del body[name]
        text = b64({"alg": "RS256", "typ": "JWT", "kid": self.kid, **(head or {})}) + "." + b64(body)
        return text + "." + b64(self.sign(text.encode()) if sig is None else sig(text.encode()))

    def mac(self, text):
        """As if the public key were the secret of HS256."""
        return hmac.new(self.public, text, hashlib.sha256).digest()


class Provider:
    """Answers every path with the key set; `status` other than 200 makes it fail."""

    def __init__(self, *keys, cert=None):
        self.keys, self.status, self.asked, provider = list(keys), 200, 0, self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                provider.asked += 1
                provider.path = self.path
                body = json.dumps({"keys": [k.jwk() for k in provider.keys]}).encode()
                self.send_response(provider.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if cert:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(*cert)
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.url = f"http{'s' if cert else ''}://127.0.0.1:{self.port}/keys"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
