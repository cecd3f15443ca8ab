"""The base of every task type's payload model. Imported at enqueue and at run: keep it light."""

from pydantic import BaseModel, ConfigDict


class Payload(BaseModel):
    """The caller's input of one task; a field that the model does not name is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
