"""The stand-in provider: plans by the schema, applies by imagining, or through a `Cloud`.

It answers as the protocol asks and decides nothing about any one resource: what the cloud would
say stands in `identities`, what really exists on this machine in a `Cloud`.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from emulators.terraform.identities import identity
from emulators.terraform.protocol import UNKNOWN, decoded, encoded, messages, problem
from emulators.terraform.schemas import schema_answer, settled, with_unknowns

Attributes = dict[str, Any]

# What cannot be changed in place; a change of these makes a new resource.
REPLACED_BY = (
    "name", "project", "location", "region", "topic", "account_id", "secret_id", "bucket",
    "role", "member", "enable_message_ordering", "filter", "repository_id",
    "openapi_documents", "gateway_config",
)  # fmt: skip
CHANGED_IN_PLACE = {("google_storage_bucket_object", "source")}


class CloudError(Exception):
    """The cloud refused a resource; the text is shown to who runs Terraform."""


class Cloud(Protocol):
    """Where resources exist outside the state. Every method may raise CloudError.

    A `value` to create or to change has its write-only arguments too; no state will.
    """

    def configure(self, settings: Attributes) -> None:
        """Take the provider block's arguments, as its custom endpoints. Called before all else."""

    def create(self, type_name: str, value: Attributes) -> Attributes:
        """Create a resource; return the attributes that the cloud adds or changes."""

    def update(self, type_name: str, prior: Attributes, value: Attributes) -> Attributes:
        """Change a resource; return the attributes that the cloud adds or changes."""

    def read(self, type_name: str, value: Attributes) -> Attributes | None:
        """Return a resource as it is now, None if it is gone."""

    def delete(self, type_name: str, value: Attributes) -> None:
        """Delete a resource; one that is gone already is none."""


class ImaginedCloud:
    """Nothing exists outside the state, and nothing is ever refused."""

    def configure(self, settings: Attributes) -> None:
        """Nothing is anywhere, so no setting says where."""

    def create(self, type_name: str, value: Attributes) -> Attributes:
        return {}

    def update(self, type_name: str, prior: Attributes, value: Attributes) -> Attributes:
        return {}

    def read(self, type_name: str, value: Attributes) -> Attributes | None:
        return value

    def delete(self, type_name: str, value: Attributes) -> None:
        return None


class StandIn:
    """One configured provider. `schema` is what `bindings` read; methods are the RPCs."""

    def __init__(self, schema: dict[str, Any], cloud: Cloud) -> None:
        self._schema = schema
        self._answer = schema_answer(schema)
        self._cloud = cloud
        self._defaults: Attributes = {}

    def methods(self) -> Mapping[str, tuple[Any, Callable[[Any], Any]]]:
        """Return the request class and the handler by RPC."""
        kinds = messages()
        return {
            "GetSchema": (kinds.Nothing, lambda _: self._answer),
            "PrepareProviderConfig": (kinds.PrepareRequest, self._prepare),
            "ValidateResourceTypeConfig": (kinds.ValidateRequest, self._validate),
            "ValidateDataSourceConfig": (kinds.ValidateRequest, self._validate),
            "UpgradeResourceState": (kinds.UpgradeRequest, self._upgrade),
            "Configure": (kinds.ConfigureRequest, self._configure),
            "ReadResource": (kinds.ReadRequest, self._read),
            "PlanResourceChange": (kinds.PlanRequest, self._plan),
            "ApplyResourceChange": (kinds.ApplyRequest, self._apply),
            "ReadDataSource": (kinds.ReadDataRequest, self._read_data),
            "Stop": (kinds.Nothing, lambda _: kinds.StopAnswer()),
        }

    def _prepare(self, request: Any) -> Any:
        return messages().PrepareAnswer(prepared_config=request.config)

    def _validate(self, request: Any) -> Any:
        return messages().Diagnostics()  # names, types and counts are checked by Terraform itself

    def _configure(self, request: Any) -> Any:
        self._defaults = decoded(request.config)
        self._cloud.configure(self._defaults)
        return messages().Diagnostics()

    def _upgrade(self, request: Any) -> Any:
        # A fraction stays the text that it is: as a float it would differ from the configuration's.
        state = json.loads(request.raw_state.json, parse_float=str)
        return messages().UpgradeAnswer(upgraded_state=encoded(state))

    def _plan(self, request: Any) -> Any:
        prior, proposed = decoded(request.prior_state), decoded(request.proposed_new_state)
        answer = messages().PlanAnswer(legacy_type_system=True)
        if proposed is None:
            answer.planned_state.CopyFrom(request.proposed_new_state)
            return answer
        block = self._block(request.type_name)
        planned = self._completed(block, proposed)
        if prior is None:
            planned = with_unknowns(block, planned)
        else:
            for name in self._replacing(request.type_name, prior, planned):
                answer.requires_replace.add().steps.add(attribute_name=name)
            if answer.requires_replace:
                planned = with_unknowns(block, _without_computed(block, planned))
        answer.planned_state.CopyFrom(encoded(planned))
        return answer

    def _apply(self, request: Any) -> Any:
        prior, planned = decoded(request.prior_state), decoded(request.planned_state)
        answer = messages().ApplyAnswer(legacy_type_system=True)
        try:
            written = self._written(request)
            state = self._applied(request.type_name, prior, planned, written)
        except CloudError as error:
            answer.new_state.CopyFrom(request.prior_state)
            answer.diagnostics.append(problem(f"{request.type_name} was refused", str(error)))
            return answer
        answer.new_state.CopyFrom(encoded(state))
        return answer

    def _written(self, request: Any) -> Attributes:
        """Return what may only be written: it stands in the configuration alone."""
        given = decoded(request.config) if request.config.msgpack else None
        names = self._block(request.type_name)["attributes"]
        return {
            name: value
            for name, value in (given or {}).items()
            if names.get(name, {}).get("write_only")
        }

    def _applied(
        self, type_name: str, prior: Any, planned: Any, written: Attributes
    ) -> Attributes | None:
        if planned is None:
            self._cloud.delete(type_name, prior)
            return None
        block = self._block(type_name)
        if prior is not None:
            value = _known(planned, prior)
            said = self._cloud.update(type_name, prior, settled(block, value) | written)
            return settled(block, value | said)
        value = _filled(planned, identity(type_name, _known(planned, {})))
        said = self._cloud.create(type_name, settled(block, value) | written)
        return settled(block, value | said)

    def _read(self, request: Any) -> Any:
        state = decoded(request.current_state)
        answer = messages().ReadAnswer(private=request.private)
        try:
            answer.new_state.CopyFrom(encoded(self._cloud.read(request.type_name, state)))
        except CloudError as error:
            answer.new_state.CopyFrom(request.current_state)
            answer.diagnostics.append(problem(f"{request.type_name} cannot be read", str(error)))
        return answer

    def _read_data(self, request: Any) -> Any:
        block = self._schema["data_source_schemas"][request.type_name]["block"]
        value = self._completed(block, decoded(request.config))
        value = with_unknowns(block, value)
        filled = _filled(value, identity(request.type_name, _known(value, {})))
        return messages().ReadDataAnswer(state=encoded(settled(block, filled)))

    def _block(self, type_name: str) -> dict[str, Any]:
        block: dict[str, Any] = self._schema["resource_schemas"][type_name]["block"]
        return block

    def _completed(self, block: dict[str, Any], proposed: Attributes) -> Attributes:
        """Return what is proposed with the provider's own project, region and labels filled in.

        What may only be written is left out: no state and no plan may hold it.
        """
        value = dict(proposed)
        for name, attribute in block["attributes"].items():
            if attribute.get("write_only"):
                value[name] = None
        for name in ("project", "region"):
            if name in block["attributes"] and value.get(name) is None:
                value[name] = self._defaults.get(name)
        for name in ("effective_labels", "terraform_labels"):
            if name in block["attributes"]:
                value[name] = {**(self._defaults.get("default_labels") or {}), **_labels(value)}
        return value

    def _replacing(self, type_name: str, prior: Attributes, planned: Attributes) -> list[str]:
        return [
            name
            for name in REPLACED_BY
            if name in planned
            and not _same(planned[name], prior.get(name))
            and (type_name, name) not in CHANGED_IN_PLACE
        ]


def _labels(value: Attributes) -> Attributes:
    labels = value.get("labels")
    return labels if isinstance(labels, dict) else {}


def _same(planned: Any, prior: Any) -> bool:
    return planned is not UNKNOWN and planned == prior


def _without_computed(block: dict[str, Any], value: Attributes) -> Attributes:
    computed = {name for name, given in block["attributes"].items() if given.get("computed")}
    return {name: None if name in computed else given for name, given in value.items()}


def _known(value: Attributes, otherwise: Attributes) -> Attributes:
    return {
        name: otherwise.get(name) if given is UNKNOWN else given for name, given in value.items()
    }


def _filled(planned: Attributes, known: Attributes) -> Attributes:
    """Return `planned` with what the cloud knows in place of what was unknown."""
    filled = dict(planned)
    for name, value in known.items():
        if name in filled and (filled[name] is UNKNOWN or isinstance(value, list)):
            filled[name] = value
    return filled
