"""An identity provider that tests rotate, break and imitate."""

import asyncio
import json
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from app.access.access_file import AccessFile, Issuer
from app.access.oidc import Tokens, providers
from tests.rig import Clock
from workflow_manager import errors

URL = "https://issuer.example"
AUDIENCE = "workflow-manager"

FILE = AccessFile.model_validate(
    {
        "issuers": [
            {
                "alias": "corp",
                "issuer": URL,
                "audience": AUDIENCE,
                "name_claim": "name",
                "rules": [
                    {"claims": {"groups": ["ops-*"]}, "bindings": [{"role": "operate", "namespaces": ["dev"]}]},
                    {"claims": {"sub": "ada", "env": "prod"}, "bindings": [{"role": "admin"}]},
                    {"claims": {"sub": "ada"}, "bindings": [{"role": "read"}]},
                ],
            }
        ]
    }
)


@cache
def private_key(name: str) -> Any:
    """Return a key of this name; the letter it begins with says which kind."""
    if name.startswith("e"):
        return ec.generate_private_key(ec.SECP256R1())
    if name.startswith("d"):
        return ed25519.Ed25519PrivateKey.generate()
    return rsa.generate_private_key(65537, 2048)


ALGORITHMS = {"r": "RS256", "e": "ES256", "d": "EdDSA"}


def public_jwk(name: str) -> dict[str, Any]:
    """Return the public key as a provider shows it."""
    algorithm = jwt.algorithms.get_default_algorithms()[ALGORITHMS[name[0]]]
    shown: dict[str, Any] = json.loads(algorithm.to_jwk(private_key(name).public_key()))
    return {**shown, "kid": name, "use": "sig", "alg": ALGORITHMS[name[0]]}


class FakeIssuer:
    """A provider at ``URL``, whose network is a function."""

    def __init__(self, *keys: str) -> None:
        self.clock = Clock()
        self.keys: Sequence[str] = keys or ("r1",)
        self.down = False
        self.fetches = 0
        self.discovery: dict[str, Any] = {"issuer": URL, "jwks_uri": f"{URL}/keys"}

    async def fetch(self, url: str) -> bytes:
        """Answer as the provider does."""
        await asyncio.sleep(0)
        if self.down:
            raise errors.Unavailable(f"{url} does not answer")
        if url.endswith("openid-configuration"):
            return json.dumps(self.discovery).encode()
        self.fetches += 1
        return json.dumps({"keys": [public_jwk(name) for name in self.keys]}).encode()

    def tokens(self, issuers: Sequence[Issuer] = FILE.issuers) -> Tokens:
        """Return what checks its tokens."""
        return Tokens(providers(issuers, fetch=self.fetch, clock=self.clock.seconds), now=self.clock.now)

    def claims(self, **claims: Any) -> dict[str, Any]:
        """Return the claims of a good token, but for what is given; None leaves one out."""
        good = {"iss": URL, "aud": AUDIENCE, "sub": "ada", "exp": _seconds(self.clock.now()) + 3_600, **claims}
        return {name: value for name, value in good.items() if value is not None}

    def token(self, key: str = "r1", *, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """Return a token that is signed with a key."""
        return jwt.encode(
            self.claims(**claims), private_key(key), ALGORITHMS[key[0]], headers={"kid": key, **(header or {})}
        )


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
