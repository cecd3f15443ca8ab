"""What the cloud would answer for a resource: its id, its address, its account. Imagined, stable.

Every value here has the form of the real one, so that what is built from it has too; none exists.
"""

import hashlib
from collections.abc import Callable
from typing import Any

Attributes = dict[str, Any]

# The resource's id, from its own attributes. Source: the provider's documentation of `id`.
IDS = {
    "google_artifact_registry_repository": "projects/{project}/locations/{location}/repositories/"
    "{repository_id}",
    "google_cloud_run_v2_job": "projects/{project}/locations/{location}/jobs/{name}",
    "google_cloud_run_v2_service": "projects/{project}/locations/{location}/services/{name}",
    "google_cloud_scheduler_job": "projects/{project}/locations/{region}/jobs/{name}",
    "google_cloudfunctions2_function": "projects/{project}/locations/{location}/functions/{name}",
    "google_compute_global_address": "projects/{project}/global/addresses/{name}",
    "google_compute_network": "projects/{project}/global/networks/{name}",
    "google_compute_subnetwork": "projects/{project}/regions/{region}/subnetworks/{name}",
    "google_logging_metric": "{name}",
    "google_logging_project_bucket_config": "projects/{project}/locations/{location}/buckets/"
    "{bucket_id}",
    "google_logging_project_sink": "projects/{project}/sinks/{name}",
    "google_pubsub_schema": "projects/{project}/schemas/{name}",
    "google_pubsub_subscription": "projects/{project}/subscriptions/{name}",
    "google_pubsub_topic": "projects/{project}/topics/{name}",
    "google_redis_instance": "projects/{project}/locations/{region}/instances/{name}",
    "google_secret_manager_secret": "projects/{project}/secrets/{secret_id}",
    "google_secret_manager_secret_version": "{secret}/versions/1",
    "google_service_account": "projects/{project}/serviceAccounts/{account_id}@{project}"
    ".iam.gserviceaccount.com",
    "google_sql_database": "projects/{project}/instances/{instance}/databases/{name}",
    "google_sql_database_instance": "{name}",
    "google_storage_bucket": "{name}",
    "google_storage_bucket_object": "{bucket}-{name}",
    "google_vpc_access_connector": "projects/{project}/locations/{region}/connectors/{name}",
    "google_api_gateway_api": "projects/{project}/locations/global/apis/{api_id}",
    "google_api_gateway_api_config": "projects/{project}/locations/global/apis/{api}/configs/"
    "{api_config_id}",
    "google_api_gateway_gateway": "projects/{project}/locations/{region}/gateways/{gateway_id}",
}


def identity(type_name: str, value: Attributes) -> Attributes:
    """Return the attributes that only the cloud knows, for a resource about to be created."""
    template = IDS.get(type_name)
    own = {"id": template.format_map(_Lenient(value)) if template else _made_up(type_name, value)}
    return own | _ALSO.get(type_name, _nothing)({**value, **own})


class _Lenient(dict[str, Any]):
    """Names that a template asks for and the resource does not have stand as they are."""

    def __missing__(self, key: str) -> str:
        return "{" + key + "}"


def _nothing(_: Attributes) -> Attributes:
    return {}


def _made_up(type_name: str, value: Attributes) -> str:
    """Return an id of a resource whose real ids are made by the cloud."""
    return f"{type_name.removeprefix('google_')}/{_digits(type_name, value)}"


def _digits(*of: object) -> str:
    """Return a number of 12 digits that is the same for the same thing."""
    return str(int(hashlib.sha256(repr(of).encode()).hexdigest(), 16) % 10**12).zfill(12)


def _service_account(value: Attributes) -> Attributes:
    email = f"{value['account_id']}@{value['project']}.iam.gserviceaccount.com"
    return {
        "email": email,
        "member": f"serviceAccount:{email}",
        "name": value["id"],
        "unique_id": _digits("account", email) + "000000000",
    }


def _run_service(value: Attributes) -> Attributes:
    uri = _uri(value["name"], value)
    return {"uri": uri, "urls": [uri], "uid": _digits(value["id"]), "generation": "1"}


def _function(value: Attributes) -> Attributes:
    return {
        "url": f"https://{value['location']}-{value['project']}.cloudfunctions.net/{value['name']}",
        "state": "ACTIVE",
        "environment": "GEN_2",
        "service_config": [
            {**config, "uri": _uri(value["name"], value)}
            for config in value.get("service_config") or []
        ],
    }


def _service(value: Attributes) -> str:
    name = value["name"].replace("_", "-").lower()
    return f"projects/{value['project']}/locations/{value['location']}/services/{name}"


def _uri(name: str, value: Attributes) -> str:
    number = _digits("project", value["project"])
    return f"https://{name.replace('_', '-').lower()}-{number}.{value['location']}.run.app"


def _sql_instance(value: Attributes) -> Attributes:
    return {
        "connection_name": f"{value['project']}:{value['region']}:{value['name']}",
        "private_ip_address": "10.0.0.3",
        "first_ip_address": "10.0.0.3",
        "self_link": _link("sql/v1beta4", f"projects/{value['project']}/instances/{value['name']}"),
        "service_account_email_address": f"p{_digits(value['project'])}@gcp-sa-cloud-sql."
        "iam.gserviceaccount.com",
    }


def _redis(value: Attributes) -> Attributes:
    return {
        "host": "10.0.0.4",
        "port": 6378 if value.get("transit_encryption_mode") == "SERVER_AUTHENTICATION" else 6379,
        "auth_string": _digits("auth", value["id"]),
        "server_ca_certs": [
            {"cert": "-----BEGIN CERTIFICATE-----\nimagined\n-----END CERTIFICATE-----",
             "create_time": "", "expire_time": "", "serial_number": "0", "sha1_fingerprint": ""}
        ],
        "current_location_id": f"{value['region']}-a",
        "create_time": "2026-01-01T00:00:00Z",
    }  # fmt: skip


def _linked(version: str) -> Callable[[Attributes], Attributes]:
    return lambda value: {"self_link": _link(version, value["id"])}


def _link(version: str, path: str) -> str:
    return f"https://www.googleapis.com/{version}/{path}"


def _bucket(value: Attributes) -> Attributes:
    return {"url": f"gs://{value['name']}", "self_link": _link("storage/v1", f"b/{value['name']}")}


def _named(value: Attributes) -> Attributes:
    return {"name": value["id"]}


def _numbered(collection: str) -> Callable[[Attributes], Attributes]:
    def name(value: Attributes) -> Attributes:
        number = _digits(value.get("display_name"), value.get("type"), value.get("labels"))
        return {"name": f"projects/{value['project']}/{collection}/{number}"}

    return name


_ALSO: dict[str, Callable[[Attributes], Attributes]] = {
    "google_api_gateway_gateway": lambda value: {
        "default_hostname": f"{value['gateway_id']}-{_digits(value['id'])[:8]}.gateway.dev"
    },
    "google_api_gateway_api": lambda value: {
        "managed_service": f"{value['api_id']}-{_digits(value['id'])[:8]}.apigateway."
        f"{value['project']}.cloud.goog"
    },
    "google_artifact_registry_repository": lambda value: {"name": value["repository_id"]},
    "google_cloud_run_v2_service": _run_service,
    "google_cloudfunctions2_function": _function,
    "google_compute_global_address": lambda value: {
        "address": value.get("address") or "10.1.0.0",
        **_linked("compute/v1")(value),
    },
    "google_compute_network": _linked("compute/v1"),
    "google_compute_subnetwork": _linked("compute/v1"),
    "google_monitoring_alert_policy": _numbered("alertPolicies"),
    "google_monitoring_notification_channel": _numbered("notificationChannels"),
    "google_redis_instance": _redis,
    "google_secret_manager_secret": _named,
    "google_secret_manager_secret_version": _named,
    "google_service_account": _service_account,
    "google_sql_database_instance": _sql_instance,
    "google_storage_bucket": _bucket,
    "google_storage_bucket_object": lambda value: {"output_name": value["name"]},
}
