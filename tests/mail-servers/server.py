"""aiosmtpd as a mail server: STARTTLS on one port, TLS on another, and a login that it asks for.

    server.py FOLDER CERTIFICATE KEY STARTTLS_PORT TLS_PORT USER PASSWORD

Each mail is a file in FOLDER, as it came.
"""

import ssl
import sys
import threading
import uuid
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

folder, certificate, key, starttls_port, tls_port, user, password = sys.argv[1:]


class Keeper:
    async def handle_DATA(self, server, session, envelope):
        assert session.ssl is not None or server.transport.get_extra_info("ssl_object") is not None
        name = Path(folder) / f"{uuid.uuid4()}.eml"
        part = name.with_suffix(".part")
        part.write_bytes(envelope.content)
        part.rename(name)
        return "250 kept"


def authenticate(server, session, envelope, mechanism, data):
    is_right = (data.login, data.password) == (user.encode(), password.encode())
    return AuthResult(success=is_right)


context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(certificate, key)
common = {"hostname": "127.0.0.1", "authenticator": authenticate, "auth_required": True}
later = Controller(Keeper(), port=int(starttls_port), tls_context=context, require_starttls=True, **common)
# It counts TLS from the first byte on as none.
at_once = Controller(Keeper(), port=int(tls_port), ssl_context=context, auth_require_tls=False, **common)
later.start()
at_once.start()
print("ready", flush=True)
threading.Event().wait()
