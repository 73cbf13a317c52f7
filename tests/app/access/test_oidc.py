"""Tokens of identity providers: which are taken, which are refused, and what outages do.

Covers `app.access.oidc` and `app.access.jwks`.
"""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.access.principal import PrincipalKind, Role
from tests.app.access.issuer import AUDIENCE, FILE, FakeIssuer, private_key
from workflow_manager import errors


@pytest.mark.parametrize("key", ["r1", "e1", "d1"])
async def test_a_token_is_taken_with_each_kind_of_signature(key: str) -> None:
    issuer = FakeIssuer(key)
    found = await issuer.tokens().authenticate(issuer.token(key, name="Ada"))

    assert (found.subject, found.kind, found.name) == ("oidc/corp/ada", PrincipalKind.OIDC, "Ada")
    assert [binding.role for binding in found.bindings] == [Role.READ]
    assert found.expires_at is not None
    assert (found.expires_at - issuer.clock.now()).total_seconds() == 3_600


@pytest.mark.parametrize(
    ("claims", "roles"),
    [
        ({"groups": ["x", "ops-eu"], "sub": "bob"}, ["operate"]),
        ({"groups": "ops-eu"}, ["operate", "read"]),
        ({"env": "prod"}, ["admin", "read"]),
        ({"aud": ["other", AUDIENCE]}, ["read"]),
    ],
)
async def test_rules_give_rights_by_claims(claims: dict[str, Any], roles: list[str]) -> None:
    issuer = FakeIssuer()
    found = await issuer.tokens().authenticate(issuer.token(**claims))

    assert [binding.role for binding in found.bindings] == roles


@pytest.mark.parametrize(
    "claims", [{"sub": "bob"}, {"sub": "Ada"}, {"sub": "bob", "groups": ["dev"]}, {"sub": "b", "groups": {"ops-eu": 1}}]
)
async def test_a_good_token_without_a_rule_has_no_rights(claims: dict[str, Any]) -> None:
    issuer = FakeIssuer()

    with pytest.raises(errors.NotAllowed, match="no rule"):
        await issuer.tokens().authenticate(issuer.token(**claims))


def _unsigned(issuer: FakeIssuer) -> str:
    return f"{_part({'alg': 'none', 'kid': 'r1'})}.{_part(issuer.claims())}."


def _part(data: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(data).encode()).decode().rstrip("=")


def _with_public_key_as_secret(issuer: FakeIssuer) -> str:
    pem = private_key("r1").public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signed = f"{_part({'alg': 'HS256', 'kid': 'r1'})}.{_part(issuer.claims())}"
    signature = base64.urlsafe_b64encode(hmac.digest(pem, signed.encode(), hashlib.sha256)).decode().rstrip("=")
    return f"{signed}.{signature}"


def _tampered(issuer: FakeIssuer) -> str:
    head, _, signature = issuer.token().split(".")
    return f"{head}.{_part(issuer.claims(sub='root'))}.{signature}"


HOSTILE: dict[str, Callable[[FakeIssuer], str]] = {
    "none": _unsigned,
    "the public key as a secret": _with_public_key_as_secret,
    "RS512": lambda i: jwt.encode(i.claims(), private_key("r1"), "RS512", headers={"kid": "r1"}),
    "another key under the id": lambda i: i.token("r2", header={"kid": "r1"}),
    "a key that nobody has": lambda i: i.token("r9"),
    "no key": lambda i: jwt.encode(i.claims(), private_key("r1"), "RS256"),
    "a key that is an object": lambda i: f"{_part({'alg': 'RS256', 'kid': {'a': 1}})}.{_part(i.claims())}.AAAA",
    "no end": lambda i: i.token(exp=None),
    "an end that is a text": lambda i: i.token(exp="tomorrow"),
    "an end that is true": lambda i: i.token(exp=True),
    "an end without end": lambda i: i.token(exp=1e300),
    "ended": lambda i: i.token(exp=int(i.clock.now().timestamp())),
    "not yet": lambda i: i.token(nbf=int(i.clock.now().timestamp()) + 120),
    "no audience": lambda i: i.token(aud=None),
    "another audience": lambda i: i.token(aud="other"),
    "no subject": lambda i: i.token(sub=None),
    "an empty subject": lambda i: i.token(sub=""),
    "a subject with a line break": lambda i: i.token(sub="ada\nroot"),
    "no issuer": lambda i: i.token(iss=None),
    "another issuer": lambda i: i.token(iss="https://evil.example"),
    "an issuer that is a list": lambda i: f"{_part({'alg': 'RS256', 'kid': 'r1'})}.{_part(i.claims(iss=[1]))}.AAAA",
    "an unknown critical header": lambda i: i.token(header={"crit": ["x"], "x": 1}),
    "tampered": _tampered,
    "no token": lambda _: "a.b.c",
    "empty": lambda _: "..",
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_token_is_refused(name: str) -> None:
    issuer = FakeIssuer()
    token = HOSTILE[name](issuer)

    with pytest.raises(errors.NotAuthenticated) as raised:
        await issuer.tokens().authenticate(token)
    assert token not in raised.value.message


async def test_a_token_is_refused_when_it_ends_although_it_was_verified() -> None:
    issuer = FakeIssuer()
    tokens, token = issuer.tokens(), issuer.token()
    await tokens.authenticate(token)
    issuer.clock.advance(3_600)

    with pytest.raises(errors.NotAuthenticated, match="expired"):
        await tokens.authenticate(token)


async def test_a_symmetric_key_of_the_provider_is_not_used() -> None:
    issuer = FakeIssuer()
    fetch = issuer.fetch

    async def with_secret(url: str) -> bytes:
        document = json.loads(await fetch(url))
        if "keys" in document:
            document["keys"].append(
                {"kty": "oct", "kid": "s", "k": base64.b64encode(b"s" * 48).decode(), "alg": "HS256"}
            )
        return json.dumps(document).encode()

    issuer.fetch = with_secret  # type: ignore[method-assign]
    token = jwt.encode(issuer.claims(), b"s" * 48, "HS256", headers={"kid": "s"})
    with pytest.raises(errors.NotAuthenticated):
        await issuer.tokens().authenticate(token)


async def test_a_rotation_costs_one_fetch_however_many_come_with_the_new_key() -> None:
    issuer = FakeIssuer()
    tokens = issuer.tokens()
    await tokens.authenticate(issuer.token())
    issuer.keys = ("r2",)
    issuer.clock.advance(61)
    new = [issuer.token("r2", jti=str(number)) for number in range(500)]

    found = await asyncio.gather(*(tokens.authenticate(token) for token in new))
    assert len(found) == 500
    assert issuer.fetches == 2


async def test_made_up_key_ids_cost_two_fetches_a_minute_and_no_known_key() -> None:
    issuer = FakeIssuer()
    tokens = issuer.tokens()
    good = issuer.token()
    await tokens.authenticate(good)
    head = f"{_part(issuer.claims())}.AAAA"
    refused = 0
    for number in range(10_000):
        issuer.clock.advance(0.006)
        try:
            await tokens.authenticate(f"{_part({'alg': 'RS256', 'kid': f'k{number}'})}.{head}")
        except errors.NotAuthenticated:
            refused += 1

    assert refused == 10_000
    assert issuer.fetches <= 2 + 1  # the first fetch of all is not theirs
    assert (await tokens.authenticate(issuer.token(jti="another"))).subject == "oidc/corp/ada"


async def test_known_keys_bridge_an_outage_of_a_day() -> None:
    issuer = FakeIssuer()
    tokens = issuer.tokens()
    await tokens.authenticate(issuer.token())
    issuer.down = True

    issuer.clock.advance(6 * 3_600)
    assert await tokens.authenticate(issuer.token(jti="a"))
    with pytest.raises(errors.NotAuthenticated):
        await tokens.authenticate(issuer.token("r2"))
    issuer.clock.advance(19 * 3_600)
    with pytest.raises(errors.IssuerUnavailable):
        await tokens.authenticate(issuer.token(jti="b"))
    issuer.down = False
    issuer.clock.advance(5)
    assert await tokens.authenticate(issuer.token(jti="c"))


async def test_an_outage_at_the_start_is_no_wrong_token() -> None:
    issuer = FakeIssuer()
    issuer.down = True
    tokens = issuer.tokens()

    for _ in range(2):
        with pytest.raises(errors.IssuerUnavailable):
            await tokens.authenticate(issuer.token())
    issuer.down = False
    issuer.clock.advance(5)
    assert await tokens.authenticate(issuer.token())


async def test_a_key_that_was_taken_back_opens_nothing_any_more() -> None:
    """Verified tokens are forgotten with it."""
    issuer = FakeIssuer("r1", "r2")
    tokens, token = issuer.tokens(), issuer.token()
    await tokens.authenticate(token)
    issuer.keys = ("r2",)
    issuer.clock.advance(601)
    await tokens.authenticate(issuer.token("r2"))
    for _ in range(10):
        await asyncio.sleep(0)

    with pytest.raises(errors.NotAuthenticated):
        await tokens.authenticate(token)


@pytest.mark.parametrize(
    "discovery",
    [
        {"issuer": "https://evil.example", "jwks_uri": "https://issuer.example/keys"},
        {"issuer": "https://issuer.example", "jwks_uri": "http://issuer.example/keys"},
        {"issuer": "https://issuer.example"},
        {"issuer": "https://issuer.example", "jwks_uri": ["https://issuer.example/keys"]},
    ],
)
async def test_a_discovery_document_that_leads_elsewhere_is_not_followed(discovery: dict[str, Any]) -> None:
    issuer = FakeIssuer()
    issuer.discovery = discovery

    with pytest.raises(errors.IssuerUnavailable):
        await issuer.tokens().authenticate(issuer.token())
    assert issuer.fetches == 0


async def test_keys_are_taken_from_the_url_of_the_file() -> None:
    issuer = FakeIssuer()
    issuer.discovery = {}
    tokens = issuer.tokens([FILE.issuers[0].model_copy(update={"jwks_url": "https://issuer.example/keys"})])

    assert await tokens.authenticate(issuer.token())
