"""Settings: every wrong value is reported at once, by name, and no value is repeated."""

from pathlib import Path

import pytest

from tenant_manager.settings import WrongSettings, from_environment

GOOD = {"DATABASE_URL": "postgresql://tenancy_operator:s3cret@db/app", "CLUSTER_NAME": "prod"}
NAMES = ("DATABASE_URL", "CLUSTER_NAME", "KUBECONFIG", "PGPASSWORD", "PGPASSFILE", "WORKERS", "HTTP_PORT", "LOG_FORMAT")


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))  # no ~/.pgpass


def test_two_settings_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    settings = from_environment()
    assert settings.cluster_name == "prod"
    assert "s3cret" not in repr(settings)


def test_everything_wrong_is_reported_at_once_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"DATABASE_URL": "mysql://u:s3cret@h/d", "WORKERS": "0", "LOG_FORMAT": "xml"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(WrongSettings) as wrong:
        from_environment()
    lines = str(wrong.value).splitlines()
    assert [line.partition(":")[0] for line in lines] == ["DATABASE_URL", "CLUSTER_NAME", "WORKERS", "LOG_FORMAT"]
    assert "is not set" in lines[1]
    assert "s3cret" not in str(wrong.value)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("postgresql://tenancy_operator@db/app", "has no password"),
        ("postgresql://:pw@db/app", "must be a URL"),
        ("postgresql://u:pw@db", "must be a URL"),
        ("postgresql://u:pw@/app", "must be a URL"),
        ("postgresql://u:pw@db:port/app", "must be a URL"),
        ("db.example.com", "must be a URL"),
    ],
)
def test_a_database_url_that_cannot_work_is_refused(monkeypatch: pytest.MonkeyPatch, url: str, says: str) -> None:
    for name, value in (GOOD | {"DATABASE_URL": url}).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(WrongSettings, match=f"DATABASE_URL: {says}"):
        from_environment()


def test_a_password_may_come_from_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (GOOD | {"DATABASE_URL": "postgresql://u@db/app", "PGPASSWORD": "s3cret"}).items():
        monkeypatch.setenv(name, value)
    assert from_environment()


def test_a_file_that_cannot_be_read_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in (GOOD | {"TENANT_CA_FILE": str(tmp_path / "missing.crt")}).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(WrongSettings, match=r"TENANT_CA_FILE: .*missing\.crt cannot be read: No such file"):
        from_environment()
