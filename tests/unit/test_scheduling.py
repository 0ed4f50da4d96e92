"""How tests are given to processes (`tests/support/scheduling.py`)."""

import subprocess
import sys
from pathlib import Path

ONE = """
import os

def test_before():
    pass

def test_dies():
    os._exit(1)

def test_after():
    pass
"""

OPTIONS = (
    "-n 2 --dist loadfile -p tests.support.scheduling -p no:kmock -p no:schemathesis -p no:randomly -p no:cacheprovider"
)


def test_a_test_in_which_a_process_dies_has_failed_and_all_others_are_run_once(tmp_path: Path) -> None:
    (tmp_path / "test_one.py").write_text(ONE)
    (tmp_path / "pytest.ini").write_text(f"[pytest]\naddopts = {OPTIONS}\n")
    places = ["--rootdir", str(tmp_path), "--basetemp", str(tmp_path / "temporary"), str(tmp_path)]
    command = [sys.executable, "-m", "pytest", *places]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=250)
    assert "1 failed, 2 passed" in ran.stdout, ran.stdout + ran.stderr
    assert "test_one.py::test_dies" in ran.stdout
    assert ran.returncode == 1
