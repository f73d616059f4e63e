"""The Grafana board and the alerts ask for metrics and labels that a server really has."""

import json
import re
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from stylefacet.server.runtime import Server
from stylefacet.server.settings import Settings
from tests.server.stubs import connect

DEPLOY = Path(__file__).parents[2] / "deploy"
BOARD = json.loads((DEPLOY / "grafana" / "stylefacet.json").read_text())
ALERTS = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yaml").read_text())
# What Prometheus itself adds to a series.
GIVEN_LABELS = {"job", "instance"}


def expressions() -> list[str]:
    queries = [target["expr"] for panel in BOARD["panels"] for target in panel.get("targets", [])]
    variables = [v["query"] for v in BOARD["templating"]["list"] if v["type"] == "query"]
    return queries + variables + [rule["expr"] for rule in ALERTS["groups"][0]["rules"]]


@pytest.fixture(scope="module")
def series(tiny_bundle, tmp_path_factory) -> Iterator[dict[str, set[str]]]:
    """The labels of every series of a server that has answered a call."""
    settings = Settings(tmp_path_factory.mktemp("data"), tiny_bundle.path, address="127.0.0.1:0")
    running = Server(replace(settings, metrics_address="127.0.0.1:0"))
    running.start()
    with connect(running.address) as stubs:
        stubs.upload(1)
    with urllib.request.urlopen(f"http://{running.metrics_address}/metrics") as answer:
        families = list(text_string_to_metric_families(answer.read().decode()))
    yield {s.name: set(s.labels) for family in families for s in family.samples}
    running.stop()


def test_board_and_alerts_ask_for_something():
    assert len([panel for panel in BOARD["panels"] if panel["type"] != "row"]) > 12
    assert len(expressions()) > 25


@pytest.mark.parametrize("expression", expressions())
def test_every_metric_and_label_asked_for_exists(expression, series):
    asked = re.findall(r"\b((?:stylefacet|process)_\w+)(?:\{([^}]*)\})?", expression)
    assert asked
    for name, selector in asked:
        labels = set(re.findall(r'(\w+)\s*(?:=~|!~|!=|=)\s*"', selector))
        grouped = re.findall(r"by \(([^)]*)\)", expression)
        labels |= {label.strip() for group in grouped for label in group.split(",")}
        assert name in series
        assert labels - GIVEN_LABELS <= series[name]


def test_the_guide_names_metrics_and_files_that_exist(series):
    guide = (DEPLOY / "README.md").read_text()
    named = set(re.findall(r"`(stylefacet_\w+)", guide))
    links = set(re.findall(r"\]\(([^)#]+)", guide))

    assert len(named) > 10
    assert len(links) > 8
    # A histogram's own name stands for its series.
    assert {n for n in named if not {n, f"{n}_count"} & series.keys()} == set()
    assert [link for link in links if not (DEPLOY / link).exists()] == []
