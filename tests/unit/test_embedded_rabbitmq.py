"""What is seen to before each start of RabbitMQ."""

from pathlib import Path

from feira.embedded.data_dir import DataDir
from feira.embedded.rabbitmq import COOKIE, EmbeddedRabbitMq


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
