"""Rules that no schema knows. Each rule is seen to find what it must, too."""

import re
from copy import deepcopy

import pytest

from shared.adapters.cloud_sql import place_of
from shared.readiness import ANSWER_SECONDS
from shared.settings import read_settings
from shared.variables import VARIABLES
from tests.integration.kubernetes import policies
from tests.integration.kubernetes.conftest import CLUSTERS, ROOT, documents_of
from tests.integration.kubernetes.policies import breakers, pods

READ_BY_OTHERS = {"FUNCTION", "DOMAIN", "DATABASE", "ACCOUNT_DOMAIN"}
"""The image's start command, and the manifests themselves."""


def named(documents, kind: str) -> dict[str, dict]:
    return {one["metadata"]["name"]: one for one in documents if one["kind"] == kind}


def deployments(documents) -> dict[str, dict]:
    return named(documents, "Deployment")


def matches(selector: dict, labels: dict) -> bool:
    return selector.get("matchLabels", {}).items() <= labels.items()


def labels_of(deployment: dict) -> dict:
    return deployment["spec"]["template"]["metadata"]["labels"]


@pytest.mark.parametrize("rule", policies.EVERYWHERE)
def test_every_workload_keeps(rule, overlay):
    assert breakers(documents_of(overlay), rule) == []


@pytest.mark.parametrize("rule", policies.SERVING)
@pytest.mark.parametrize("serving", [*CLUSTERS, "knative"])
def test_every_server_keeps(rule, serving):
    assert breakers(documents_of(serving), rule) == []


def test_the_time_that_readiness_gives_is_above_what_its_checks_take():
    assert policies.READY_SECONDS == ANSWER_SECONDS


def test_every_deployment_may_end_its_work(cluster):
    assert breakers(list(deployments(cluster).values()), policies.may_end_its_work) == []


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        (policies.is_no_root, lambda c: c["securityContext"].update(runAsUser=0)),
        (policies.is_no_root, lambda c: c["securityContext"].update(runAsNonRoot=False)),
        (policies.cannot_gain, lambda c: c["securityContext"].pop("capabilities")),
        (policies.cannot_gain, lambda c: c["securityContext"].pop("allowPrivilegeEscalation")),
        (
            policies.cannot_write_its_image,
            lambda c: c["securityContext"].pop("readOnlyRootFilesystem"),
        ),
        (policies.is_bounded, lambda c: c["resources"].pop("limits")),
        (policies.has_a_version, lambda c: c.update(image="x/functions:latest")),
        (policies.has_a_version, lambda c: c.update(image="host:5000/functions")),
        (policies.asks_for_what_there_is, lambda c: c["readinessProbe"].update(timeoutSeconds=2)),
        (
            policies.asks_for_what_there_is,
            lambda c: c["livenessProbe"].update(httpGet={"path": "/healthz"}),
        ),
        (
            policies.may_end_its_work,
            lambda c: c["lifecycle"]["preStop"]["sleep"].update(seconds=25),
        ),
    ],
)
def test_a_rule_finds_the_planted_mistake(rule, change):
    planted = deepcopy(deployments(documents_of(CLUSTERS[1]))["send-email"])
    ((_, _, container),) = pods([planted])
    assert breakers([planted], rule) == []

    change(container)
    assert breakers([planted], rule) == ["Deployment send-email"]


def test_every_deployment_has_its_budget_its_scaler_its_service_and_its_policies(cluster):
    for kind in ("PodDisruptionBudget", "HorizontalPodAutoscaler", "Service", "HTTPRoute"):
        assert named(cluster, kind).keys() == deployments(cluster).keys(), kind
    for kind in ("HealthCheckPolicy", "GCPBackendPolicy"):
        targets = {one["spec"]["targetRef"]["name"] for one in named(cluster, kind).values()}
        assert targets == deployments(cluster).keys(), kind


def test_what_selects_pods_selects_those_of_its_own_deployment(cluster):
    for name, deployment in deployments(cluster).items():
        budget = named(cluster, "PodDisruptionBudget")[name]["spec"]
        service = named(cluster, "Service")[name]["spec"]
        assert matches(deployment["spec"]["selector"], labels_of(deployment))
        for selector in (budget["selector"], {"matchLabels": service["selector"]}):
            chosen = [n for n, d in deployments(cluster).items() if matches(selector, labels_of(d))]
            assert chosen == [name]
        assert budget["maxUnavailable"] == 1


def test_a_deployment_that_is_scaled_names_no_replicas(cluster):
    for name, deployment in deployments(cluster).items():
        scaler = named(cluster, "HorizontalPodAutoscaler")[name]["spec"]
        assert "replicas" not in deployment["spec"]
        assert scaler["scaleTargetRef"]["name"] == name
        assert 1 <= scaler["minReplicas"] <= scaler["maxReplicas"]


def test_task_types_scale_by_their_own_subscription(cluster):
    for file in (ROOT / "functions").glob("*/task.yaml"):
        name = file.parent.name.replace("_", "-")
        first = named(cluster, "HorizontalPodAutoscaler")[name]["spec"]["metrics"][0]["external"]
        chosen = first["metric"]["selector"]["matchLabels"]["resource.labels.subscription_id"]
        assert chosen == f"tasks-{name}-push"


def test_no_pod_talks_to_anything_but_what_is_said(cluster):
    rules = named(cluster, "NetworkPolicy")
    deny = rules.pop("default-deny")["spec"]

    assert deny == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    for deployment in deployments(cluster).values():
        let_in = [
            name
            for name, rule in rules.items()
            if "Ingress" in rule["spec"]["policyTypes"]
            and matches(rule["spec"]["podSelector"], labels_of(deployment))
        ]
        assert len(let_in) == 1
        (entry,) = rules[let_in[0]]["spec"]["ingress"]
        ports = deployment["spec"]["template"]["spec"]["containers"][0]["ports"]
        assert [one["port"] for one in entry["ports"]] == [one["containerPort"] for one in ports]
        assert entry["from"], "from anywhere"


def test_the_way_out_leaves_private_addresses_to_the_database_and_the_cache(cluster):
    out = named(cluster, "NetworkPolicy")["everybodys-needs"]["spec"]["egress"]
    (web,) = (rule for rule in out if {"protocol": "TCP", "port": 443} in rule["ports"])
    (block,) = web["to"]

    private = {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"}
    assert private <= set(block["ipBlock"]["except"])


def test_the_load_balancer_waits_as_long_as_a_delivery_may_take(cluster):
    types = {one.parent.name.replace("_", "-") for one in (ROOT / "functions").glob("*/task.yaml")}
    for name in types:
        policy = named(cluster, "GCPBackendPolicy")[name]["spec"]["default"]
        assert policy["timeoutSec"] >= 90 > 30


def test_only_the_gateway_speaks_http2_without_tls(cluster):
    spoken = {
        name: service["spec"]["ports"][0]["appProtocol"]
        for name, service in named(cluster, "Service").items()
    }

    assert spoken.pop("grpc-gateway") == "kubernetes.io/h2c"
    assert set(spoken.values()) == {"HTTP"}


def test_the_namespace_lets_only_restricted_pods_in(cluster):
    labels = named(cluster, "Namespace")["cloudtasker"]["metadata"]["labels"]

    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    assert {one["metadata"].get("namespace") for one in cluster if one["kind"] != "Namespace"} == {
        "cloudtasker"
    }


def test_every_variable_is_one_that_somebody_reads(overlay):
    known = {variable.name for variable in VARIABLES} | READ_BY_OTHERS
    documents = documents_of(overlay)
    given = {name for one in named(documents, "ConfigMap").values() for name in one["data"]}
    for _, _, container in pods(documents):
        given |= {one["name"] for one in container["env"]}

    assert given - known == set()


def test_every_identity_is_googles_account_of_that_workload(overlay):
    for name, account in named(documents_of(overlay), "ServiceAccount").items():
        said = account["metadata"]["annotations"]["iam.gke.io/gcp-service-account"]
        assert said.startswith(f"ct-{name}@my-project")
        assert said.endswith(".iam.gserviceaccount.com")


def test_the_migration_grants_every_workload_its_role(cluster):
    documents = documents_of("kubernetes/overlays/prod/migrate")
    ((_, _, container),) = pods(documents)
    granted = {one.split("ct-")[1].split("@")[0] for one in container["args"] if "ct-" in one}

    assert granted == deployments(cluster).keys()


def environment_of(container: dict, documents: list[dict]) -> dict[str, str]:
    """What a container's process sees: references resolved, `$(NAME)` expanded as the kubelet does.

    Secrets are not in the manifests; the README says what stands in them.
    """
    data = {name: one["data"] for name, one in named(documents, "ConfigMap").items()}
    found: dict[str, str] = {}
    for source in container.get("envFrom", ()):
        found |= data[source["configMapRef"]["name"]] if "configMapRef" in source else SECRET
    own: dict[str, str] = {}
    for one in container["env"]:
        if "value" in one:
            own[one["name"]] = re.sub(r"\$\((\w+)\)", lambda name: own[name[1]], one["value"])
        elif reference := one["valueFrom"].get("configMapKeyRef"):
            own[one["name"]] = data[reference["name"]][reference["key"]]
    return found | own


SECRET = {"CLOUDTASKER_REDIS_URL": "rediss://:secret@10.0.0.3:6378"}


@pytest.mark.parametrize("serving", [*CLUSTERS, "knative"])
def test_every_process_finds_settings_that_are_right(serving):
    documents = documents_of(serving)
    for name, spec, container in pods(documents):
        settings = read_settings(environment_of(container, documents))
        account = f"ct-{spec['serviceAccountName']}"

        assert settings.production, name
        assert settings.auth == "keys"
        assert settings.push_auth == "signature"
        assert settings.project.startswith("my-project")
        place = place_of(settings.database_url)
        assert place.user == f"{account}@{settings.project}.iam"
        assert place.instance.startswith(f"{settings.project}:")
        if container["name"] == "function":
            service = name.split()[1]
            assert settings.push_audience.startswith(f"https://{service}.")
            assert settings.push_service_account.endswith(
                f"@{settings.project}.iam.gserviceaccount.com"
            )


@pytest.mark.parametrize("serving", CLUSTERS)
def test_a_function_is_reached_by_the_host_name_that_its_tokens_are_for(serving):
    documents = documents_of(serving)
    for name, route in named(documents, "HTTPRoute").items():
        container = deployments(documents)[name]["spec"]["template"]["spec"]["containers"][0]
        if container["name"] == "function":
            audience = environment_of(container, documents)["CLOUDTASKER_PUSH_AUDIENCE"]
            assert route["spec"]["hostnames"] == [audience.removeprefix("https://")]
