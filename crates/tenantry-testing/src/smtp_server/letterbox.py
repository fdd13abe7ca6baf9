"""What the SMTP server of the tests does with a mail: a handler for aiosmtpd, which keeps it in a maildir.

`nobody@` has no mailbox, and `full@` has no room today. Who signs in is `acme`, with the password `s3cret/@`.
"""

import base64
import os
import socket

from aiosmtpd.handlers import Mailbox
from aiosmtpd.smtp import AuthResult

# aiosmtpd asks for it at each connection, and a name server may let it wait for half a minute.
socket.getfqdn = lambda *_: "localhost"
# A maildir waits for the disk at each mail. On a busy machine that lasts longer than a client waits.
os.fsync = lambda _: None


class Letterbox(Mailbox):
    async def handle_RCPT(self, server, session, envelope, address, options):
        user = address.partition("@")[0]
        if user == "nobody":
            return "550 5.1.1 there is no such mailbox"
        if user == "full":
            return "452 4.2.2 the mailbox is full"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def auth_PLAIN(self, server, args):
        if base64.b64decode(args[1]) == b"\0acme\0s3cret/@":
            return AuthResult(success=True)
        return AuthResult(success=False, handled=False, message="535 5.7.8 the password is wrong")
