"""Backups on the command line."""

from pathlib import Path

from fakes import NEWBORN


def test_a_backup_is_made_and_restored(cli, reading, ada: str, tmp_path: Path) -> None:
    cli("observe", "-u", "bob", "I like tea")
    made = reading("backup", str(tmp_path / "saved.db"))
    assert (made["users"], made["observations"]) == (2, 2)
    reading("forget", "-u", "bob", "--everything", "--yes")
    cli("observe", "-u", "ada", "Something new")
    done = cli("restore", str(tmp_path / "saved.db"))
    assert done.exit_code == 2
    assert "--yes" in done.stderr
    done = cli("restore", str(tmp_path / "saved.db"), "--yes")
    assert done.exit_code == 0, done.output
    assert "Forgotten again: 1 users" in done.stdout
    exported = cli("export", "--all").stdout
    assert NEWBORN in exported
    assert "Something new" not in exported
    assert "tea" not in exported


def test_an_empty_folder_needs_no_question_and_warns(cli, ada: str, tmp_path: Path) -> None:
    cli("backup", str(tmp_path / "saved.db"))
    done = cli("restore", str(tmp_path / "saved.db"), "--home", str(tmp_path / "new"))
    assert done.exit_code == 0, done.output
    assert "forget it again" in done.stderr
    assert NEWBORN in cli("export", "--all", "--home", str(tmp_path / "new")).stdout


def test_what_is_no_backup_is_refused_in_one_line(cli, ada: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("hello")
    done = cli("restore", str(tmp_path / "x"), "--yes")
    assert done.exit_code == 2
    assert "no SQLite file" in done.stderr
    assert "Traceback" not in done.output
    assert NEWBORN in cli("export", "--all").stdout


def test_a_store_that_cannot_be_opened_is_said_to_be_moved_away(cli, ada: str, tmp_path: Path) -> None:
    cli("backup", str(tmp_path / "saved.db"))
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "limner.db").write_bytes(b"nonsense" * 4096)
    done = cli("restore", str(tmp_path / "saved.db"), "--home", str(broken))
    assert done.exit_code == 7
    assert "away and restore again" in done.stderr
    (broken / "limner.db").unlink()
    assert cli("restore", str(tmp_path / "saved.db"), "--home", str(broken)).exit_code == 0
    assert NEWBORN in cli("export", "--all", "--home", str(broken)).stdout


def test_a_bad_backup_makes_no_folder(cli, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("hello")
    assert cli("restore", str(tmp_path / "x"), "--home", str(tmp_path / "new")).exit_code == 2
    assert not (tmp_path / "new").exists()
