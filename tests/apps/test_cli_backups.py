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
