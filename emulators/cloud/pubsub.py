"""Topics, subscriptions, schemas and grants, made through Pub/Sub's REST API.

The address is the provider's own `pubsub_custom_endpoint`, so nothing here says "emulator".
"""

import threading
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from emulators.cloud import pubsub_json
from emulators.terraform.provider import CloudError

Attributes = dict[str, Any]
_LIMIT_SECONDS = 30
# Which fields of a resource may change after its creation.
_UPDATED = {
    "google_pubsub_topic": ("labels", "messageRetentionDuration", "messageStoragePolicy"),
    "google_pubsub_subscription": (
        "labels", "ackDeadlineSeconds", "messageRetentionDuration", "retainAckedMessages",
        "expirationPolicy", "pushConfig", "retryPolicy", "deadLetterPolicy",
    ),
}  # fmt: skip
_RESOURCES: dict[
    str, tuple[Callable[[Attributes], str], Callable[[Attributes], dict[str, Any]], str]
] = {
    "google_pubsub_topic": (pubsub_json.topic_name, pubsub_json.topic, "topic"),
    "google_pubsub_subscription": (
        pubsub_json.subscription_name, pubsub_json.subscription, "subscription",
    ),
}  # fmt: skip
SCHEMA = "google_pubsub_schema"
_GRANTS = {
    "google_pubsub_topic_iam_member": "topics",
    "google_pubsub_subscription_iam_member": "subscriptions",
    "google_service_account_iam_member": "",
    "google_project_iam_member": "",
}
# What is made here; grants on other things are Pub/Sub's too where it looks at them.
TYPES = {*_RESOURCES, SCHEMA, *_GRANTS}


class PubSub:
    """Pub/Sub's resources at `endpoint`, which ends in `/v1/`. Creating twice is updating."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self._http = httpx.Client(base_url=endpoint, timeout=_LIMIT_SECONDS, trust_env=False)
        # A policy is read, changed and written; Terraform grants many at once.
        self._policies = threading.Lock()

    def create(self, type_name: str, value: Attributes) -> None:
        """Make a resource; one that is there becomes as described."""
        if type_name in _GRANTS:
            self._change(type_name, value, add=True)
        elif type_name == SCHEMA:
            self._create_schema(value)
        else:
            name, body, _ = _RESOURCES[type_name]
            if self._call("PUT", name(value), body(value), but=409) is None:
                self.update(type_name, value, value)

    def update(self, type_name: str, prior: Attributes, value: Attributes) -> None:
        """Change a resource in place."""
        if type_name in _GRANTS:
            self._change(type_name, prior, add=False)
            return self._change(type_name, value, add=True)
        if type_name == SCHEMA:
            schema = pubsub_json.schema(value) | {"name": pubsub_json.schema_name(value)}
            self._call("POST", f"{schema['name']}:commit", {"schema": schema})
            return None
        name, body_of, kind = _RESOURCES[type_name]
        body, fields = body_of(value), _UPDATED[type_name]
        mask = ",".join(fields)
        kept = {field: given for field, given in body.items() if field in (*fields, "topic")}
        self._call("PATCH", name(value), {kind: kept | {"name": name(value)}, "updateMask": mask})
        return None

    def read(self, type_name: str, value: Attributes) -> Attributes | None:
        """Return a resource as it is now; None if it is gone."""
        if type_name in _GRANTS:
            return value if self._is_granted(type_name, value) else None
        if type_name == SCHEMA:
            found = self._call("GET", pubsub_json.schema_name(value), but=404)
            return None if found is None else value
        name, body, _ = _RESOURCES[type_name]
        found = self._call("GET", name(value), but=404)
        return None if found is None else value | pubsub_json.drifted(body(value), found)

    def delete(self, type_name: str, value: Attributes) -> None:
        """Delete a resource; one that is gone is none."""
        if type_name in _GRANTS:
            self._change(type_name, value, add=False)
        elif type_name == SCHEMA:
            self._call("DELETE", pubsub_json.schema_name(value), but=404)
        else:
            self._call("DELETE", _RESOURCES[type_name][0](value), but=404)

    def _create_schema(self, value: Attributes) -> None:
        parent, _, short = pubsub_json.schema_name(value).rpartition("/")
        self._call("POST", f"{parent}?schemaId={short}", pubsub_json.schema(value), but=409)

    def _change(self, type_name: str, value: Attributes, *, add: bool) -> None:
        resource = _granted_on(type_name, value)
        with self._policies:
            policy = self._policy(resource)
            if policy is None:  # its resource has gone, and its grants with it
                return
            bindings = [one for one in policy.get("bindings", []) if not _is_of(one, value)]
            members = {
                member
                for one in policy.get("bindings", [])
                if _is_of(one, value)
                for member in one["members"]
            }
            members = members | {value["member"]} if add else members - {value["member"]}
            if members:
                bindings.append(_binding(value, sorted(members)))
            changed = policy | {"bindings": bindings, "version": 3}
            self._call("POST", f"{resource}:setIamPolicy", {"policy": changed})

    def _is_granted(self, type_name: str, value: Attributes) -> bool:
        policy = self._policy(_granted_on(type_name, value)) or {}
        return any(
            _is_of(one, value) and value["member"] in one["members"]
            for one in policy.get("bindings", [])
        )

    def _policy(self, resource: str) -> dict[str, Any] | None:
        if "/topics/" in resource or "/subscriptions/" in resource:
            asked = f"{resource}:getIamPolicy?options.requestedPolicyVersion=3"
            return self._call("GET", asked, but=404)
        if "/serviceAccounts/" in resource:
            return self._call(
                "POST", f"{resource}:getIamPolicy?options.requestedPolicyVersion=3", {}, but=404
            )
        asked_ = {"options": {"requestedPolicyVersion": 3}}
        return self._call("POST", f"{resource}:getIamPolicy", asked_, but=404)

    def _call(
        self, method: str, path: str, body: Any = None, *, but: int = 0
    ) -> dict[str, Any] | None:
        """Return the answer; None for the status `but`. Raises: CloudError with what was said."""
        try:
            answer = self._http.request(method, path, json=body)
        except httpx.HTTPError as error:
            raise CloudError(
                f"Pub/Sub at {self._http.base_url} does not answer ({type(error).__name__})"
            ) from error
        if answer.status_code == but:
            return None
        if answer.is_error:
            raise CloudError(f"{method} {path}: {_message(answer)}")
        said: dict[str, Any] = answer.json()
        return said


def _granted_on(type_name: str, value: Attributes) -> str:
    if type_name == "google_project_iam_member":
        return f"projects/{value['project']}"
    if type_name == "google_service_account_iam_member":
        return str(value["service_account_id"])
    collection = _GRANTS[type_name]
    name = str(value[collection.removesuffix("s")])
    return name if "/" in name else f"projects/{value['project']}/{collection}/{name}"


def _binding(value: Mapping[str, Any], members: list[str]) -> dict[str, Any]:
    binding: dict[str, Any] = {"role": value["role"], "members": members}
    if condition := _condition(value):
        binding["condition"] = condition
    return binding


def _is_of(binding: Mapping[str, Any], value: Mapping[str, Any]) -> bool:
    """Whether a policy's binding is the one that a grant is in: its role, under its condition."""
    found = {key: text for key, text in (binding.get("condition") or {}).items() if text}
    return binding["role"] == value["role"] and found == _condition(value)


def _condition(value: Mapping[str, Any]) -> dict[str, str]:
    conditions = value.get("condition")
    return {key: text for key, text in conditions[0].items() if text} if conditions else {}


def _message(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return f"{answer.status_code} {answer.text[:200]}"
