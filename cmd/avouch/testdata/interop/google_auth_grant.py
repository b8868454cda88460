"""google-auth: a token from a Google-style key file alone (RFC 7523 grant, scope as a claim, no sub, no jti)."""
import os
import google.auth.transport.requests
from google.oauth2 import service_account

credentials = service_account.Credentials.from_service_account_file(
    os.environ["KEY_FILE"], scopes=os.environ["SCOPE"].split()
)
for _ in range(int(os.environ.get("TIMES", "1"))):
    credentials.refresh(google.auth.transport.requests.Request())
    print(credentials.token)
