"""The cloud behind the stand-in provider: what of each type is made here, or held in the state."""

from emulators.cloud import grants, pubsub
from emulators.cloud.client import Client
from emulators.cloud.edges import ApiConfig, ApiGateway, SchedulerJob
from emulators.cloud.folder import Folder
from emulators.cloud.handlers import Attributes, Handler, Held
from emulators.cloud.pubsub import PubSub
from emulators.cloud.servers import RedisInstance, SqlDatabase, SqlInstance, SqlUser
from emulators.cloud.services import Function, Job, Service
from emulators.cloud.stored import Bucket, BucketObject, Grant, SecretVersion
from emulators.terraform.provider import CloudError

ENDPOINT = "pubsub_custom_endpoint"


class LocalCloud:
    """See `Cloud`. A type that nothing here stands for is held in the state, whatever it is."""

    def __init__(self, folder: Folder, client: Client, api_port: int = 0) -> None:
        self._folder = folder
        self._pubsub: PubSub | None = None
        self._held = Held()
        self._handlers: dict[str, Handler] = {
            "google_storage_bucket": Bucket(folder),
            "google_storage_bucket_object": BucketObject(folder),
            "google_secret_manager_secret_version": SecretVersion(folder, client),
            "google_sql_database_instance": SqlInstance(folder, client),
            "google_sql_database": SqlDatabase(folder, client),
            "google_sql_user": SqlUser(folder, client),
            "google_redis_instance": RedisInstance(folder, client),
            "google_cloudfunctions2_function": Function(folder, client),
            "google_cloud_run_v2_service": Service(folder, client),
            "google_cloud_run_v2_job": Job(folder, client),
            "google_cloud_scheduler_job": SchedulerJob(client),
            "google_api_gateway_api_config": ApiConfig(folder),
            "google_api_gateway_gateway": ApiGateway(folder, client, api_port),
        }

    def configure(self, settings: Attributes) -> None:
        """Learn from the provider's settings where Pub/Sub is."""
        endpoint = settings.get(ENDPOINT)
        # Both providers say the same, and policies are changed under one lock.
        if endpoint and (self._pubsub is None or self._pubsub.endpoint != endpoint):
            self._pubsub = PubSub(endpoint)

    def create(self, type_name: str, value: Attributes) -> Attributes:
        if there := self._pubsub_of(type_name):
            there.create(type_name, value)
        return self._handler(type_name).create(value)

    def update(self, type_name: str, prior: Attributes, value: Attributes) -> Attributes:
        if there := self._pubsub_of(type_name):
            there.update(type_name, prior, value)
        return self._handler(type_name).update(prior, value)

    def read(self, type_name: str, value: Attributes) -> Attributes | None:
        if there := self._pubsub_of(type_name):
            found = there.read(type_name, value)
            return None if found is None else self._handler(type_name).read(found)
        return self._handler(type_name).read(value)

    def delete(self, type_name: str, value: Attributes) -> None:
        if there := self._pubsub_of(type_name):
            there.delete(type_name, value)
        self._handler(type_name).delete(value)

    def _handler(self, type_name: str) -> Handler:
        if grants.is_grant(type_name):
            return Grant(self._folder, type_name)
        return self._handlers.get(type_name, self._held)

    def _pubsub_of(self, type_name: str) -> PubSub | None:
        """Return Pub/Sub if resources of this type are its own."""
        if type_name not in pubsub.TYPES:
            return None
        if self._pubsub is None:
            raise CloudError(f"{type_name} needs the provider's {ENDPOINT}, which is not set")
        return self._pubsub
