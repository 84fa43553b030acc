"""What is seen to before each start of RabbitMQ."""

from pathlib import Path

from feira.embedded.data_dir import DataDir
from feira.embedded.rabbitmq import COOKIE, TABLES, EmbeddedRabbitMq


def test_a_cookie_that_could_not_be_written_is_removed_and_a_good_one_kept(tmp_path: Path) -> None:
    """Found by a torture: wiped, then started on a full disk, it never started again."""
    rabbitmq = EmbeddedRabbitMq(DataDir(tmp_path / "feira").create(), 5672)
    data = tmp_path / "feira" / "rabbitmq"
    rabbitmq._make_data_dir(data)
    cookie = data / COOKIE
    cookie.touch()
    rabbitmq._make_data_dir(data)
    assert not cookie.exists()
    cookie.write_text("ABCDEFGHIJKLMNOPQRST")
    rabbitmq._make_data_dir(data)
    assert cookie.read_text() == "ABCDEFGHIJKLMNOPQRST"


def test_what_a_first_start_has_left_is_removed_unless_there_is_a_stream(tmp_path: Path) -> None:
    """Its user, and the feature flag of its streams, are made in a first start alone."""
    rabbitmq = EmbeddedRabbitMq(DataDir(tmp_path / "feira").create(), 5672)
    data = tmp_path / "feira" / "rabbitmq"
    rabbitmq._make_data_dir(data)
    node = data / TABLES / "feira@localhost"
    node.mkdir(parents=True)
    (node / "schema.DAT").touch()
    rabbitmq._make_data_dir(data)
    assert not node.exists()
    (node / "stream" / "__feira_ledger_1").mkdir(parents=True)
    (node / "schema.DAT").touch()
    rabbitmq._make_data_dir(data)
    assert (node / "schema.DAT").exists()
