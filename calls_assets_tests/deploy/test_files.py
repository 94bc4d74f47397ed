"""The files of deploy/ fit what reads them, as far as that can be told without a cluster."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from dagster._config import Shape, validate_config
from dagster._core.instance.config import dagster_instance_config_schema
from dagster_k8s.job import UserDefinedDagsterK8sConfig

from calls_assets.settings import VARIABLES

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"


def read(name):
    return yaml.safe_load((DEPLOY / name).read_text(encoding="utf-8"))


def test_the_compose_file_fits_the_compose_specification():
    command = ["-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", DEPLOY / "compose.yaml"]
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_instance_fits_dagsters_own_schema():
    checked = validate_config(Shape(dagster_instance_config_schema()), read("dagster.yaml"))
    assert checked.success, checked.errors


@pytest.mark.parametrize("service", ["code", "webserver", "daemon", "worker"])
def test_every_service_gets_the_variables_that_the_instance_needs_and_every_setting(service):
    about = read("compose.yaml")["services"][service]
    needed = set(re.findall(r"env: (\w+)", (DEPLOY / "dagster.yaml").read_text(encoding="utf-8")))
    assert set(about["environment"]) == needed | set(VARIABLES)
    passed = {name: value for name, value in about["environment"].items() if name not in needed}
    assert {name for name, value in passed.items() if not re.fullmatch(rf"\$\{{{name}:[-?].*\}}", value)} == set()
    assert about["env_file"] == ".env"  # what reaches the bucket


def test_the_pods_of_the_chart_fit_kubernetes():
    values = read("values.yaml")
    config = values["runLauncher"]["config"]["k8sRunLauncher"]["runK8sConfig"]
    UserDefinedDagsterK8sConfig.from_dict(
        {"container_config": config["containerConfig"], "pod_spec_config": config["podSpecConfig"]}
    )
    with pytest.raises(Exception, match="Unexpected keys"):
        UserDefinedDagsterK8sConfig.from_dict({"container_config": {"no_such_thing": 1}})
    (deployment,) = values["dagster-user-deployments"]["deployments"]
    assert {entry["name"] for entry in deployment["env"] if entry["name"].startswith("CALLS_")} <= set(VARIABLES)


def test_the_image_holds_what_the_services_run():
    dockerfile = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    copied = [word for line in re.findall(r"^COPY (?!--from)(.*) ", dockerfile, re.M) for word in line.split()]
    assert [name for name in copied if not (ROOT / name).exists()] == []
    pinned = (DEPLOY / "requirements.lock").read_text(encoding="utf-8")
    for package in ("dagster-webserver", "dagster-celery", "dagster-postgres", "dagster-k8s", "s3fs"):
        assert f"\n{package}==" in pinned


def test_the_image_lacks_what_no_service_of_it_starts():
    pinned = (DEPLOY / "requirements.lock").read_text(encoding="utf-8")
    for package in ("dagster-dg-cli", "dagster-cloud-cli", "gitpython", "pytest", "moto", "ipykernel"):
        assert f"\n{package}==" not in pinned


def test_the_image_is_run_by_nobody_in_particular_who_owns_the_data_alone_and_may_replace_no_code_and_no_settings():
    _, image = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").split("\nFROM ")[-2:]
    lines = image.replace("\\\n", " ").splitlines()
    (user,) = [line.split()[1] for line in lines if line.startswith("USER")]
    last_copy = max(number for number, line in enumerate(lines) if line.startswith("COPY"))
    assert user == "1000"  # by number, so that Kubernetes can tell that it is not root
    assert lines.index("USER 1000") > last_copy  # all that was copied is root's
    assert "chown" not in image
    assert re.findall(r"-o (\w+) .*?-m (\d+) (\S+)", image.replace("\\\n", " ")) == [
        ("root", "1770", "/dagster"),  # sticky: what root has put there stays
        ("calls", "750", "/data"),
    ]
    assert "WORKDIR /app" in lines  # root's too, because Dagster looks for modules where it is started
    assert "PYTHONPATH=/app" in image
