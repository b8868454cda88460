"""Authlib: client credentials with private_key_jwt or client_secret_jwt."""
import os
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import ClientSecretJWT, PrivateKeyJWT
from joserfc.jwk import ECKey

if os.environ["METHOD"] == "private_key_jwt":
    with open(os.environ["KEY_FILE"]) as f:
        secret = f.read()
    if os.environ["ALG"].startswith("ES"):
        secret = ECKey.import_key(secret)  # Authlib takes a PEM text for an RSA key
    method = PrivateKeyJWT
else:
    secret = os.environ["CLIENT_SECRET"]
    method = ClientSecretJWT
# What Authlib calls the token endpoint is what it writes into aud. The issuer goes there, for by claims={"aud": ...}
# every assertion of this object would have one jti.
audience = os.environ.get("AUDIENCE", os.environ["TOKEN_URL"])
session = OAuth2Session(
    client_id=os.environ["CLIENT_ID"], client_secret=secret, token_endpoint_auth_method=method.name
)
session.register_client_auth_method(
    method(audience, alg=os.environ["ALG"])
)
for _ in range(int(os.environ.get("TIMES", "1"))):
    token = session.fetch_token(
        os.environ["TOKEN_URL"], grant_type="client_credentials", scope=os.environ["SCOPE"]
    )
    print(token["access_token"])
