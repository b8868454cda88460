"""Authlib: the JWT bearer grant by AssertionSession."""
import os
from authlib.integrations.requests_client import AssertionSession

with open(os.environ["KEY_FILE"]) as f:
    key = f.read()
header = {"alg": os.environ["ALG"]}
if "KID" in os.environ:
    header["kid"] = os.environ["KID"]
session = AssertionSession(
    token_endpoint=os.environ["TOKEN_URL"],
    issuer=os.environ["CLIENT_ID"],
    subject=os.environ["SUBJECT"],
    audience=os.environ["AUDIENCE"],
    grant_type=AssertionSession.JWT_BEARER_GRANT_TYPE,
    scope=os.environ.get("SCOPE"),
    header=header,
    key=key,
)
for _ in range(int(os.environ.get("TIMES", "1"))):
    session.refresh_token()
    print(session.token["access_token"])
