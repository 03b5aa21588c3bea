"""Service accounts of this server, and the tokens that they get."""

import base64
import json
import secrets

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa


def make_key(url, project="fields-of-kenya"):
    """A service account's key, as a file of the cloud console would hold it, whose tokens come from this server."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    text = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    return {
        "type": "service_account",
        "project_id": project,
        "private_key_id": "1",
        "private_key": text,
        "token_uri": f"{url}/token",
        "client_email": f"exporter@{project}.iam.gserviceaccount.com",
        "client_id": "1",
    }


class Tokens:
    """Gives tokens for signed assertions, and knows those that it has given."""

    def __init__(self, lifetime=3600):
        self.lifetime, self.valid, self.given = lifetime, set(), 0

    def give(self, form):
        """The answer to a request for a token."""
        claims = json.loads(base64.urlsafe_b64decode(form["assertion"][0].split(".")[1] + "=="))
        assert claims["iss"].endswith("gserviceaccount.com") and "earthengine" in claims["scope"]
        token = f"ya29.{secrets.token_urlsafe(24)}"
        self.valid.add(token)
        self.given += 1
        return json.dumps(
            {"access_token": token, "expires_in": self.lifetime, "token_type": "Bearer"}
        ).encode()

    def accept(self, header):
        """Whether a request carries a token of ours."""
        return (header or "").removeprefix("Bearer ") in self.valid
