"""How a resource is shown that was given whole: as it is, and active."""

PARTS = (
    "bigquery_config", "cloud_storage_config", "bigtable_config", "ingestion_data_source_settings",
)  # fmt: skip


def shown_as_active(base, sample):
    """Return `base` and `sample` in one, with every state ACTIVE."""
    shown = type(base)()
    shown.CopyFrom(base)
    shown.MergeFrom(sample)
    shown.state = 1
    for name in PARTS:
        if name in shown.DESCRIPTOR.fields_by_name and shown.HasField(name):
            part = getattr(shown, name)
            kind = part.WhichOneof("source") if "source" in part.DESCRIPTOR.oneofs_by_name else None
            (getattr(part, kind) if kind else part).state = 1
    return shown
