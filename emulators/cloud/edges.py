"""What calls the services: API Gateway and Cloud Scheduler."""

import base64
import json
from hashlib import sha256
from pathlib import Path

from emulators.cloud.client import Client
from emulators.cloud.environment import HOST
from emulators.cloud.folder import Folder
from emulators.cloud.handlers import Attributes, Held, block, seconds
from emulators.cloud.specs import Spec
from emulators.terraform.provider import CloudError


class ApiConfig(Held):
    """A gateway's configuration: a file, named by its content."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    def create(self, value: Attributes) -> Attributes:
        documents = [block(one, "document") for one in value.get("openapi_documents") or ()]
        if len(documents) != 1:
            raise CloudError(f"{len(documents)} OpenAPI documents; a gateway here takes one")
        backend = block(block(value, "gateway_config"), "backend_config")
        kept = json.dumps(
            {
                "document": base64.b64decode(documents[0]["contents"]).decode(),
                "account": backend.get("google_service_account"),
            }
        )
        made_up = (
            f"{value.get('api_config_id_prefix') or ''}{sha256(kept.encode()).hexdigest()[:12]}"
        )
        api = f"projects/{value['project']}/locations/global/apis/{value['api']}"
        name = f"{api}/configs/{value.get('api_config_id') or made_up}"
        self._folder.write(_config_file(self._folder, name), kept)
        return {"id": name, "name": name}

    def read(self, value: Attributes) -> Attributes | None:
        return value if _config_file(self._folder, value["id"]).exists() else None

    def delete(self, value: Attributes) -> None:
        _config_file(self._folder, value["id"]).unlink(missing_ok=True)


class ApiGateway(Held):
    """A gateway: a process that serves HTTPS. `port` is asked for; 0 takes a free one."""

    def __init__(self, folder: Folder, client: Client, port: int) -> None:
        self._folder = folder
        self._client = client
        self._port = port

    def create(self, value: Attributes) -> Attributes:
        config = self._folder.read(_config_file(self._folder, value["api_config"]))
        if config is None:
            raise CloudError(f"there is no API configuration {value['api_config']}")
        settings = config | {"issuer": self._client.describe()["pubsub_http"]}
        spec = Spec("api", port=self._port, settings=settings)
        return {"default_hostname": f"{HOST}:{self._client.put(value['gateway_id'], spec)}"}

    def update(self, prior: Attributes, value: Attributes) -> Attributes:
        return self.create(value)

    def read(self, value: Attributes) -> Attributes | None:
        return value if value["gateway_id"] in self._client.describe()["parts"] else None

    def delete(self, value: Attributes) -> None:
        self._client.remove(value["gateway_id"])


class SchedulerJob(Held):
    """A job of the scheduler: a process that calls one address."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def create(self, value: Attributes) -> Attributes:
        target = block(value, "http_target")
        if not target:
            raise CloudError(
                f"the job {value['name']} has no http_target; others are not made here"
            )
        settings = {
            "token_endpoint": self._client.describe()["pubsub_http"],
            "jobs": [_job(value, target)],
        }
        self._client.put(value["name"], Spec("scheduler", settings=settings))
        return {}

    def update(self, prior: Attributes, value: Attributes) -> Attributes:
        return self.create(value)

    def read(self, value: Attributes) -> Attributes | None:
        return value if value["name"] in self._client.describe()["parts"] else None

    def delete(self, value: Attributes) -> None:
        self._client.remove(value["name"])


def _job(value: Attributes, target: Attributes) -> Attributes:
    token, retry = block(target, "oidc_token"), block(value, "retry_config")
    oidc = {
        "service_account_email": token.get("service_account_email"),
        "audience": token.get("audience") or target["uri"],
    }
    return {
        "name": value["name"],
        "schedule": value["schedule"],
        "uri": target["uri"],
        "method": target.get("http_method") or "POST",
        "headers": target.get("headers") or {},
        "oidc": oidc if token else None,
        "attempt_deadline_seconds": seconds(value.get("attempt_deadline"), 180),
        "retry": {
            "count": int(retry.get("retry_count") or 0),
            "min_backoff_seconds": seconds(retry.get("min_backoff_duration"), 5),
            "max_backoff_seconds": seconds(retry.get("max_backoff_duration"), 3600),
        },
    }


def _config_file(folder: Folder, name: str) -> Path:
    return folder.path / "api-configs" / f"{name.rsplit('/', 1)[-1]}.json"
