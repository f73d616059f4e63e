import json

from click.testing import CliRunner

from stylefacet.cli import main


def test_settings_are_shown_with_their_sources():
    environment = {"STYLEFACET_DATABASE_URL": "postgresql://shop:s3cret@db/shop"}
    words = ["settings", "--json", "--address", "127.0.0.1:1", "--set", "worker-count=3"]
    result = CliRunner(env=environment).invoke(main, words)

    shown = json.loads(result.stdout)
    assert shown["address"] == {"value": "127.0.0.1:1", "source": "command line"}
    assert shown["worker_count"] == {"value": "3", "source": "command line"}
    assert shown["database_url"]["source"] == "environment STYLEFACET_DATABASE_URL"
    assert "s3cret" not in result.output


def test_unknown_setting_is_one_line_that_names_the_nearest():
    result = CliRunner().invoke(main, ["settings", "--set", "worker_cuont=3"])

    assert result.exit_code == 2
    assert "did you mean worker_count?" in result.stderr
    assert result.stderr.count("\n") == 1
