"""The part that we use of kinds whose schemas ship with no validator: Gateway API, GKE, Knative.

Closed objects, so that a misspelt field is found. From the public references of these APIs.
"""

from typing import Any

from jsonschema import Draft202012Validator

Schema = dict[str, Any]
TEXT: Schema = {"type": "string", "minLength": 1}
HOST: Schema = {"type": "string", "pattern": r"^(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)+$"}
PORT: Schema = {"type": "integer", "minimum": 1, "maximum": 65535}


def closed(required: dict[str, Schema], **optional: Schema) -> Schema:
    """An object with these fields and no other."""
    return {
        "type": "object",
        "properties": {**required, **optional},
        "required": sorted(required),
        "additionalProperties": False,
    }


def listed(items: Schema) -> Schema:
    return {"type": "array", "minItems": 1, "items": items}


def seconds(most: int) -> Schema:
    return {"type": "integer", "minimum": 1, "maximum": most}


WORDS: Schema = {"type": "object", "additionalProperties": {"type": "string"}}
METADATA = closed({"name": TEXT}, namespace=TEXT, labels=WORDS, annotations=WORDS)
FIXED_PORT = {"portSpecification": {"const": "USE_FIXED_PORT"}, "port": PORT}
TARGET = closed({"group": {"const": ""}, "kind": {"const": "Service"}, "name": TEXT})
QUANTITIES = {
    "type": "object",
    "properties": {
        "cpu": {"type": "string", "pattern": r"^[0-9]+m?$"},
        "memory": {"type": "string", "pattern": r"^[0-9]+(Mi|Gi)$"},
    },
    "required": ["cpu", "memory"],
    "additionalProperties": False,
}
PROBE = {
    **closed(
        {},
        httpGet=closed({"path": {"type": "string", "pattern": "^/"}}, port=PORT),
        grpc=closed({"port": PORT}, service=TEXT),
        periodSeconds=seconds(600),
        timeoutSeconds=seconds(600),
        failureThreshold=seconds(100),
    ),
    "oneOf": [{"required": ["httpGet"]}, {"required": ["grpc"]}],
}
REFERENCE = closed({"name": TEXT}, key=TEXT, optional={"type": "boolean"})
CONTAINER = closed(
    {
        "name": TEXT,
        "image": TEXT,
        "ports": {
            **listed(closed({"name": {"enum": ["http1", "h2c"]}, "containerPort": PORT})),
            "maxItems": 1,
        },
        "resources": closed({"requests": QUANTITIES, "limits": QUANTITIES}),
        # Knative lets these through, and no others, without a feature flag.
        "securityContext": closed(
            {},
            allowPrivilegeEscalation={"const": False},
            readOnlyRootFilesystem={"type": "boolean"},
            runAsNonRoot={"type": "boolean"},
            runAsUser={"type": "integer", "minimum": 1},
            capabilities=closed({"drop": listed(TEXT)}),
            seccompProfile=closed({"type": TEXT}),
        ),
        "livenessProbe": PROBE,
        "readinessProbe": PROBE,
    },
    env=listed(
        closed(
            {"name": TEXT},
            value={"type": "string"},
            valueFrom=closed({}, configMapKeyRef=REFERENCE, secretKeyRef=REFERENCE),
        )
    ),
    envFrom=listed(closed({}, configMapRef=REFERENCE, secretRef=REFERENCE)),
    volumeMounts=listed(closed({"name": TEXT, "mountPath": TEXT})),
)
KNATIVE_SPEC = closed(
    {
        "serviceAccountName": TEXT,
        "containerConcurrency": {"type": "integer", "minimum": 0, "maximum": 1000},
        "timeoutSeconds": seconds(600),  # Knative's default limit
        "containers": {**listed(CONTAINER), "maxItems": 1},
    },
    automountServiceAccountToken={"type": "boolean"},
    enableServiceLinks={"type": "boolean"},
    volumes=listed(closed({"name": TEXT, "emptyDir": closed({}, sizeLimit=TEXT)})),
)
SCALE = {"type": "string", "pattern": "^[0-9]+$"}
KNATIVE_TEMPLATE = closed(
    {
        "metadata": closed(
            {
                "annotations": closed(
                    {
                        "autoscaling.knative.dev/min-scale": SCALE,
                        "autoscaling.knative.dev/max-scale": SCALE,
                    }
                )
            }
        ),
        "spec": KNATIVE_SPEC,
    }
)
SPECS: dict[tuple[str, str], Schema] = {
    ("serving.knative.dev/v1", "Service"): closed({"template": KNATIVE_TEMPLATE}),
    ("gateway.networking.k8s.io/v1", "Gateway"): closed(
        {
            "gatewayClassName": TEXT,
            "listeners": listed(
                closed(
                    {"name": TEXT, "protocol": {"const": "HTTPS"}, "port": PORT},
                    allowedRoutes=closed({"namespaces": closed({"from": {"const": "Same"}})}),
                )
            ),
        }
    ),
    ("gateway.networking.k8s.io/v1", "HTTPRoute"): closed(
        {
            "parentRefs": listed(closed({"name": TEXT})),
            "hostnames": listed(HOST),
            "rules": listed(closed({"backendRefs": listed(closed({"name": TEXT, "port": PORT}))})),
        }
    ),
    ("networking.gke.io/v1", "HealthCheckPolicy"): closed(
        {
            "default": closed(
                {
                    "checkIntervalSec": seconds(300),
                    "timeoutSec": seconds(300),
                    "config": {
                        **closed(
                            {"type": {"enum": ["HTTP", "GRPC"]}},
                            httpHealthCheck=closed({**FIXED_PORT, "requestPath": TEXT}),
                            grpcHealthCheck=closed(FIXED_PORT),
                        ),
                        "oneOf": [
                            {"required": ["httpHealthCheck"]},
                            {"required": ["grpcHealthCheck"]},
                        ],
                    },
                }
            ),
            "targetRef": TARGET,
        }
    ),
    ("networking.gke.io/v1", "GCPBackendPolicy"): closed(
        {
            "default": closed(
                {
                    "timeoutSec": seconds(86400),
                    "connectionDraining": closed({"drainingTimeoutSec": seconds(3600)}),
                }
            ),
            "targetRef": TARGET,
        }
    ),
}


def problems(document: dict[str, Any]) -> list[str]:
    """What is wrong with a document whose kind stands in SPECS."""
    spec = SPECS[document["apiVersion"], document["kind"]]
    kind = {"apiVersion": TEXT, "kind": TEXT, "metadata": METADATA, "spec": spec}
    found = Draft202012Validator(closed(kind)).iter_errors(document)
    return [f"{error.json_path}: {error.message}" for error in found]
