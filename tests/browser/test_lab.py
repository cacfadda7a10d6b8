"""What a reader without Chromium is told; the browser test itself runs in `make test-browser`."""

import pytest

from browser.lab import find_browser


def test_without_a_browser_it_is_said_how_to_get_one(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        FileNotFoundError, match=r"not find chromium and chromedriver; .* apt-get install chromium"
    ):
        find_browser()
    (tmp_path / "chromium").touch(mode=0o755)
    with pytest.raises(FileNotFoundError, match="not find chromedriver;"):
        find_browser()
    (tmp_path / "chromedriver").touch(mode=0o755)
    assert find_browser() == (str(tmp_path / "chromium"), str(tmp_path / "chromedriver"))
