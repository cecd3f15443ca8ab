"""The variables of the environment that a user may set, as the README lists them.

`settings.py` reads them. Nothing of this is loaded where tasks run.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable of the environment: what it is called, and what the README says of it."""

    name: str
    default: str
    meaning: str


VARIABLES: Final = (
    Variable(
        "CLOUDTASKER_DATABASE_URL",
        "",
        "Postgres, as `postgresql+pg8000://user@host/name`, or Cloud SQL with an IAM user, as "
        "`cloudsql+pg8000://user@/name?instance=project:region:instance`",
    ),
    Variable("CLOUDTASKER_REDIS_URL", "", "Redis or Valkey; without it nothing is cached"),
    Variable(
        "CLOUDTASKER_REDIS_CA",
        "the system's",
        "certificate (PEM) that a `rediss://` server's own must be signed by",
    ),
    Variable(
        "CLOUDTASKER_AUTH",
        "none outside production",
        "who may call the API: `none`, `keys` or `google`; must be chosen in production",
    ),
    Variable(
        "CLOUDTASKER_AUTH_AUDIENCES", "", "with `google`: audiences of callers' tokens, by commas"
    ),
    Variable("CLOUDTASKER_AUTH_CALLERS", "", "with `google`: e-mails that may call, by commas"),
    Variable(
        "CLOUDTASKER_AUTH_GATEWAY",
        "",
        "e-mail of API Gateway's account: beside its token the caller's own is "
        "`X-Forwarded-Authorization`; needs `CLOUDTASKER_PUSH_AUDIENCE`",
    ),
    Variable("CLOUDTASKER_API_KEY", "", "the key that the command line calls with"),
    Variable(
        "CLOUDTASKER_PUSH_AUTH",
        "signature",
        "how push tokens are checked: `signature`, `platform` (behind Cloud Run's own check), or "
        "`none` (an emulator that sends no token, on loopback)",
    ),
    Variable("CLOUDTASKER_PUSH_ISSUER_KEYS_URL", "Google's", "where the keys of push tokens are"),
    Variable("CLOUDTASKER_PUSH_SERVICE_ACCOUNT", "", "the only e-mail a push token may carry"),
    Variable("CLOUDTASKER_PUSH_AUDIENCE", "", "the only audience a push token may carry"),
    Variable("CLOUDTASKER_PRODUCTION", "set by `K_SERVICE`", "`1` refuses what is only for local"),
    Variable("CLOUDTASKER_LOG", "json", "`json` (Cloud Logging's fields) or `pretty`"),
    Variable("CLOUDTASKER_TASK_OVERRIDES", "", "a YAML file that changes limits; for tests only"),
    Variable(
        "CLOUDTASKER_FAILPOINTS",
        "",
        "`point=crash`, `=raise` or `=sleep:SECONDS`, each with `@nth` or not, by semicolons: "
        "where a process shall fail; for tests only",
    ),
    Variable(
        "CLOUDTASKER_KEEP_DAYS",
        "7",
        "how long the relay keeps succeeded, cancelled and expired tasks after their end",
    ),
    Variable("CLOUDTASKER_KEEP_DEAD_DAYS", "30", "the same for dead tasks and raw dead letters"),
    Variable("CLOUDTASKER_KEEP_AUDIT_DAYS", "400", "the same for lines of the audit; at least 30"),
    Variable("CLOUDTASKER_SMTP_URL", "smtp://127.0.0.1:1025", "the server that takes e-mail"),
    Variable("CLOUDTASKER_SMTP_SENDER", "CloudTasker <no-reply@example.com>", "the From of e-mail"),
    Variable(
        "CLOUDTASKER_WEBHOOK_SECRET", "", "signs webhooks; without it they carry no signature"
    ),
    Variable(
        "CLOUDTASKER_WEBHOOK_ALLOW",
        "",
        "`host:port,…` that webhooks may reach though private or plain http",
    ),
    Variable(
        "CLOUDTASKER_BLOBS_URL",
        "",
        "where payloads above 256 KB and thumbnails go, as `file:///folder` or `gs://bucket`; "
        "without it a body is at most 1 MB",
    ),
    Variable("CLOUDTASKER_GRPC_REFLECTION", "", "`1` lets gRPC clients list the services"),
    Variable("CLOUDTASKER_STATE", ".cloudtasker/state.json", "where the command line looks"),
    Variable(
        "PUBSUB_EMULATOR_HOST", "", "`host:port` of a Pub/Sub emulator; refused in production"
    ),
    Variable(
        "GOOGLE_CLOUD_PROJECT", "cloudtasker-local", "the project of topics and subscriptions"
    ),
    Variable("HOST", "0.0.0.0", "the address that a server binds to"),  # noqa: S104
    Variable("PORT", "50051 (gateway), 8080 (functions)", "the port that a server binds to"),
)
