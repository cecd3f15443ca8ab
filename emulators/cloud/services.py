"""Cloud Run: functions, services and jobs as processes, from the archive or the image planned."""

import zipfile
from dataclasses import replace
from typing import Any

from emulators.cloud import workspaces
from emulators.cloud.client import Client
from emulators.cloud.environment import HOST
from emulators.cloud.folder import Folder
from emulators.cloud.handlers import Attributes, Held, block
from emulators.cloud.specs import FUNCTION, Spec
from emulators.terraform.provider import CloudError

_SOURCE = "GOOGLE_FUNCTION_SOURCE"
_COMMAND = ["cloudtasker"]
_COMMAND_MODULE = "shared.cli"


class _Part(Held):
    """A part that is named as its resource. A function may become a service of the same name."""

    of = ""

    def __init__(self, folder: Folder, client: Client) -> None:
        self._folder = folder
        self._client = client

    def update(self, prior: Attributes, value: Attributes) -> Attributes:
        return self.create(value)

    def read(self, value: Attributes) -> Attributes | None:
        return value if value["name"] in self._client.describe()["parts"] else None

    def delete(self, value: Attributes) -> None:
        self._client.remove(value["name"], self.of)


class Function(_Part):
    """A function, from the object that it is built of."""

    of = "function"

    def create(self, value: Attributes) -> Attributes:
        uri = f"http://{HOST}:{self._client.put(value['name'], self._spec(value))}"
        return {
            "url": uri,
            "state": "ACTIVE",
            "service_config": [{**block(value, "service_config"), "uri": uri}],
        }

    def _spec(self, value: Attributes) -> Spec:
        build, config = block(value, "build_config"), block(value, "service_config")
        source = (build.get("environment_variables") or {}).get(_SOURCE, "main.py")
        return Spec(
            "workload",
            workspace=self._workspace(block(block(build, "source"), "storage_source")),
            module=FUNCTION,
            arguments=("--target", build["entry_point"], "--source", source),
            environment=dict(config.get("environment_variables") or {}),
            secrets={
                one["key"]: one["secret"]
                for one in config.get("secret_environment_variables") or ()
            },
            account=config.get("service_account_email") or "",
            settings={"of": self.of},
        )

    def _workspace(self, source: Attributes) -> str:
        archive = self._folder.bucket(source["bucket"]) / source["object"]
        try:
            return workspaces.unpack(archive, self._folder).name
        except (OSError, zipfile.BadZipFile) as error:
            raise CloudError(
                f"gs://{source['bucket']}/{source['object']} is no archive to build from: {error}"
            ) from error


class Service(_Part):
    """A Cloud Run service: a function's, when its environment names one, else the gateway's."""

    of = "service"

    def create(self, value: Attributes) -> Attributes:
        template = block(value, "template")
        spec = _container_spec(self._folder, template, block(template, "containers"))
        spec = replace(spec, settings={"of": self.of})
        uri = f"http://{HOST}:{self._client.put(value['name'], spec)}"
        return {"uri": uri, "urls": [uri]}


class Job(Held):
    """A job, which runs when it is made and whenever its execution token changes."""

    def __init__(self, folder: Folder, client: Client) -> None:
        self._folder = folder
        self._client = client

    def create(self, value: Attributes) -> Attributes:
        template = block(block(value, "template"), "template")
        container = block(template, "containers")
        if container.get("command") != _COMMAND:
            raise CloudError(f"{container.get('command')} is no command that an image here has")
        spec = _container_spec(self._folder, template, container)
        self._client.run(value["name"], spec)
        return {}

    def update(self, prior: Attributes, value: Attributes) -> Attributes:
        token = "run_execution_token"  # noqa: S105  what marks an execution
        return self.create(value) if prior.get(token) != value.get(token) else {}


def _container_spec(folder: Folder, template: Attributes, container: Attributes) -> Spec:
    environment, secrets = _environment(container.get("env") or [])
    module, arguments = _started(container, environment)
    return Spec(
        "workload",
        workspace=_image(folder, container["image"]),
        module=module,
        arguments=arguments,
        environment=environment,
        secrets=secrets,
        account=template.get("service_account") or "",
    )


def _started(container: Attributes, environment: dict[str, str]) -> tuple[str, tuple[str, ...]]:
    """Return what the image starts: a module and its arguments."""
    if container.get("command"):
        return _COMMAND_MODULE, tuple(container.get("args") or ())
    if target := environment.get("FUNCTION_TARGET"):
        return FUNCTION, ("--target", target, "--source", environment["FUNCTION_SOURCE"])
    return workspaces.GATEWAY, ()


def _environment(variables: list[dict[str, Any]]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the plain values, and the names of the secrets, by variable."""
    plain, secrets = {}, {}
    for variable in variables:
        reference = block(block(variable, "value_source"), "secret_key_ref")
        if reference:
            secrets[variable["name"]] = str(reference["secret"])
        else:
            plain[variable["name"]] = variable.get("value") or ""
    return plain, secrets


def _image(folder: Folder, image: str) -> str:
    digest = image.rpartition("@sha256:")[2]
    for name in (f"image-{digest}", f"cloudtasker-{digest}"):
        if folder.workspace(name).exists():
            return name
    raise CloudError(
        f"there is no image {image} on this machine; apply makes those it names itself"
    )
