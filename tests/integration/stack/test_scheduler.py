"""The relay is called as Cloud Scheduler would call it, by a token that the emulator signed."""

import json

import jwt

from tests.integration.stack.conftest import eventually

RELAY = '''
import json

async def relay(request):
    """Keep the headers of the last call."""
    if request.method == "POST":
        with open("call.json", "w") as file:
            json.dump(dict(request.headers), file)
    return {}
'''


def test_the_relay_is_called_at_the_start_with_a_token_for_it(start, checkout):
    (checkout / "functions" / "relay" / "main.py").write_text(RELAY)
    run = start().ready()

    headers = eventually(lambda: json.loads((checkout / "call.json").read_text()))

    state = run.state
    assert headers["user-agent"] == "Google-Cloud-Scheduler"
    assert headers["x-cloudscheduler-jobname"] == "relay"
    token = headers["authorization"].removeprefix("Bearer ")
    keys = jwt.PyJWKClient(f"{state['pubsub_http']}/oauth2/v3/certs")
    claims = jwt.decode(
        token,
        keys.get_signing_key_from_jwt(token).key,
        algorithms=["RS256"],
        audience=state["functions"]["relay"],
    )
    assert claims["email"] == state["push_service_account"]
