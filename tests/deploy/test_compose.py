"""The image and the composed services name what exists: commands, options, variables, routes.

Covers `app.cli.commands` and `app.settings`.
"""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from app.cli.commands import COMMANDS
from app.cli.service_process import HARD_STOP_SECONDS
from app.settings import Settings
from tests.checkout import ROOT
from workflow_manager.cli.commands import CommandGroup, CommandSpec, load

COMPOSE_FILE: Final = ROOT / "docker-compose.yml"
COMPOSE: Final[dict[str, Any]] = yaml.safe_load(COMPOSE_FILE.read_text())
SERVICES: Final[dict[str, dict[str, Any]]] = COMPOSE["services"]
OURS: Final = {name: service for name, service in SERVICES.items() if "build" in service}
DOCKERFILE: Final = (ROOT / "Dockerfile").read_text()
GUIDE: Final = (ROOT / "docs" / "deploy.md").read_text()

WITHOUT_SETTING: Final = {"WFM_DEBUG"}
"""Variables of the command line that are no settings of the service."""


def parse(arguments: list[str]) -> None:
    """Read a command line as the program would, but run nothing; a mistake raises."""
    name, *rest = arguments
    entry = COMMANDS[name]
    if isinstance(entry, CommandGroup):
        name, *rest = rest
        entry = entry.members[name]
    assert isinstance(entry, CommandSpec)
    load(name, entry).make_context(name, rest)


def instruction(name: str) -> list[str]:
    """Return the last instruction of a name, which must have the form that needs no shell."""
    lines = DOCKERFILE.replace("\\\n", " ").splitlines()
    words: list[str] = json.loads([line.split(maxsplit=1)[1] for line in lines if line.startswith(f"{name} ")][-1])
    return words


def has_health_check(service: dict[str, Any]) -> bool:
    own = service.get("healthcheck")
    return "build" in service if own is None else not own.get("disable", False)


def documented_commands() -> Iterator[list[str]]:
    """Return the command lines of the guide, as far as they are words."""
    for line in re.findall(r"^(?:wfm|workflow-manager) (.+)$", GUIDE.replace("\\\n", " "), flags=re.MULTILINE):
        yield line.split("#")[0].split()


def test_the_compose_file_follows_the_compose_specification() -> None:
    check = ["-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(COMPOSE_FILE)]
    done = subprocess.run([sys.executable, *check], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout


@pytest.mark.parametrize("name", OURS)
def test_a_service_runs_a_command_that_exists(name: str) -> None:
    """Its options are spelled as the command line knows them."""
    parse(OURS[name]["command"])


def test_the_stack_is_made_of_the_service_its_store_its_aws_and_a_worker() -> None:
    verbs = {name: service["command"][0] for name, service in OURS.items()}
    assert verbs == {"tables": "tables", "local-aws": "local-aws", "service": "serve", "worker": "worker"}
    assert set(SERVICES) - set(OURS) == {"dynamodb"}


@pytest.mark.parametrize("name", SERVICES)
def test_an_image_has_a_tag_that_does_not_move(name: str) -> None:
    _, _, tag = SERVICES[name]["image"].rpartition(":")
    assert re.fullmatch(r"\d+\.\d+\.\d+|local", tag)
    assert (tag == "local") == ("build" in SERVICES[name])


@pytest.mark.parametrize("name", SERVICES)
def test_a_port_is_open_to_this_machine_only(name: str) -> None:
    """The service asks nobody who they are."""
    for port in SERVICES[name].get("ports", []):
        assert port.startswith("127.0.0.1:")


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_waits_for_what_can_tell_that_it_is_ready(name: str) -> None:
    """Healthy needs a health check; ended successfully needs something that ends."""
    for needed, how in SERVICES[name].get("depends_on", {}).items():
        if how["condition"] == "service_healthy":
            assert has_health_check(SERVICES[needed])
        else:
            assert how["condition"] == "service_completed_successfully"
            assert SERVICES[needed]["restart"] == "on-failure"


@pytest.mark.parametrize("name", SERVICES)
def test_what_fails_comes_back(name: str) -> None:
    """What has done its work stays away; the rest stays up until somebody stops it."""
    assert SERVICES[name]["restart"] == ("on-failure" if name == "tables" else "unless-stopped")


def test_the_data_outlive_their_container() -> None:
    dynamodb = SERVICES["dynamodb"]
    [mount] = dynamodb["volumes"]
    volume, folder = mount.split(":")
    assert volume in COMPOSE["volumes"]
    assert dynamodb["command"][dynamodb["command"].index("-dbPath") + 1] == folder
    assert "-inMemory" not in dynamodb["command"]


@pytest.mark.parametrize("name", OURS)
def test_an_endpoint_names_a_service_and_its_port(name: str) -> None:
    """The names of the services are their host names."""
    ports = {"dynamodb": "8000", "local-aws": "4566"}
    for variable, value in OURS[name].get("environment", {}).items():
        if variable.startswith("AWS_ENDPOINT_URL"):
            host, port = value.removeprefix("http://").split(":")
            assert ports[host] == port


def test_no_file_holds_a_secret() -> None:
    for text in (COMPOSE_FILE.read_text(), DOCKERFILE):
        assert re.search(r"SECRET|PASSWORD|TOKEN|ACCESS_KEY", text) is None


@pytest.mark.parametrize("path", ["docker-compose.yml", "Dockerfile", "docs/deploy.md", "deploy/terraform/outputs.tf"])
def test_every_variable_exists(path: str) -> None:
    """Ours are settings; those of AWS are documented."""
    text = (ROOT / path).read_text()
    known = {f"WFM_{name.upper()}" for name in Settings.model_fields} | WITHOUT_SETTING
    assert set(re.findall(r"\bWFM_[A-Z_]+\b", text)) - known == set()
    documented = (ROOT / "docs" / "settings.md").read_text()
    for variable in re.findall(r"\bAWS_[A-Z_]+\b", text):
        assert f"`{variable}`" in documented, variable


def test_every_command_of_the_guide_exists() -> None:
    found = list(documented_commands())
    for arguments in found:
        parse(arguments)
    assert ["tables", "create"] in found


def test_every_file_that_the_guide_names_exists() -> None:
    for path in re.findall(r"\bdeploy/[A-Za-z0-9_./-]*[A-Za-z0-9_]", GUIDE):
        assert (ROOT / path).exists(), path


def test_the_image_starts_the_program_of_the_package() -> None:
    """By default it serves, to whoever reaches the container."""
    [program] = instruction("ENTRYPOINT")
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert program in scripts
    command = instruction("CMD")
    parse(command)
    assert command[0] == "serve"


def test_the_image_drains_and_the_stack_gives_it_the_time() -> None:
    """What open requests and the hard stop take comes after that."""
    [drain] = re.findall(r"^ENV WFM_DRAIN_SECONDS=(\d+)$", DOCKERFILE, flags=re.MULTILINE)
    grace = int(OURS["service"]["stop_grace_period"].removesuffix("s"))
    assert int(drain) == 10
    assert grace > int(drain) + HARD_STOP_SECONDS


def test_the_image_runs_as_somebody_without_rights() -> None:
    [user] = re.findall(r"^USER (\d+):\d+$", DOCKERFILE, flags=re.MULTILINE)
    assert int(user) > 0


def test_the_health_check_of_the_image_asks_the_service() -> None:
    """It needs nothing that the image lacks, and asks where the service listens by default."""
    [check] = re.findall(r"^HEALTHCHECK .*?CMD (\[.+\])$", DOCKERFILE.replace("\\\n", " "), flags=re.MULTILINE)
    program, option, code = json.loads(check)
    assert (program, option) == ("python", "-c")
    compile(code, "HEALTHCHECK", "exec")
    [path] = re.findall(r"'GET', '(.+?)'", code)
    [port] = re.findall(r"'127.0.0.1', (\d+)", code)
    assert path in json.loads((ROOT / "openapi.json").read_text())["paths"]
    assert f"EXPOSE {port}\n" in DOCKERFILE
    assert OURS["service"]["command"][-2:] == ["--port", port]


def test_the_image_gets_what_it_is_made_of_and_nothing_else() -> None:
    """A file that is copied but ignored would fail the build; one that is neither would only slow it."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    kept = {line.removeprefix("!") for line in lines if line.startswith("!")}
    copied = {
        "/".join(Path(word).parts[:2]) if word.startswith("deploy/") else word.split("/")[0]
        for sources in re.findall(r"^COPY (?!--)(.+) \S+$", DOCKERFILE, flags=re.MULTILINE)
        for word in sources.split()
    }
    assert "*" in lines
    assert copied == kept
    assert all(Path(ROOT / name).exists() for name in kept)


REQUIREMENTS: Final = re.compile(
    r"^([A-Za-z0-9._-]+)==(\S+?)(?: ;.*?)? \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", re.MULTILINE
)


def locked(name: str) -> dict[str, set[str]]:
    """Return the versions of each package of an image, all of which have hashes."""
    text = (ROOT / "deploy" / "image" / f"{name}.txt").read_text()
    found: dict[str, set[str]] = {}
    for package, version, _ in REQUIREMENTS.findall(text):
        found.setdefault(package, set()).add(version)
    assert REQUIREMENTS.sub("", text) == ""
    return found


@pytest.mark.parametrize("name", ["service", "local"])
def test_an_image_holds_the_versions_that_the_tests_run_with(name: str) -> None:
    pinned = {
        tuple(line.split(" ;")[0].split("==")) for line in (ROOT / "constraints.txt").read_text().splitlines() if line
    }
    assert {(package, version) for package, versions in locked(name).items() for version in versions} <= pinned


def test_the_image_of_the_service_lacks_the_embedded_aws() -> None:
    service, local = locked("service"), locked("local")
    assert {"fastapi", "aioboto3", "prometheus-client"} <= service.keys() < local.keys()
    assert {"moto", "flask", "docker", "cfn-lint"} & service.keys() == set()


def test_the_default_target_is_the_service_and_the_composed_stack_has_the_embedded_aws() -> None:
    targets = re.findall(r"^FROM \S+ AS (\S+)$", DOCKERFILE, flags=re.MULTILINE)
    assert targets[-1] == "service"
    assert {service["build"]["target"] for service in OURS.values()} == {"local"}
    assert "local" in targets
