"""Authlib: the authorization code grant with PKCE, refresh, introspection and revocation. Lines as those of
openid_client_code.mjs."""
import os
import sys

import requests
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session

issuer = os.environ["ISSUER"]
server = requests.get(issuer + "/.well-known/oauth-authorization-server", timeout=10).json()


def say(word, value):
    print(word, value, flush=True)


session = OAuth2Session(
    os.environ["CLIENT_ID"],
    os.environ["CLIENT_SECRET"],
    scope=os.environ["SCOPE"],
    redirect_uri=os.environ["REDIRECT_URI"],
    code_challenge_method="S256",
    token_endpoint_auth_method="client_secret_basic",
)
verifier = "v" * 64
url, state = session.create_authorization_url(server["authorization_endpoint"], code_verifier=verifier)
say("browser", url)
token = session.fetch_token(
    server["token_endpoint"], authorization_response=sys.stdin.readline().strip(), state=state, code_verifier=verifier
)
say("token", token["access_token"])
again = session.refresh_token(server["token_endpoint"], refresh_token=token["refresh_token"])
say("token", again["access_token"])
refresh = again.get("refresh_token", token["refresh_token"])


def active():
    answer = session.introspect_token(server["introspection_endpoint"], token=again["access_token"])
    return str(answer.json()["active"]).lower()


say("active", active())
session.revoke_token(server["revocation_endpoint"], token=refresh, token_type_hint="refresh_token").raise_for_status()
say("active", active())
try:
    session.refresh_token(server["token_endpoint"], refresh_token=refresh)
    say("refused", "no")
except OAuthError as error:
    say("refused", error.error)
