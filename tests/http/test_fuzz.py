"""A short round of tests/http/fuzz.py: what the OpenAPI document promises holds for calls that nobody here thought of."""
import pathlib
import subprocess
import sys

import pytest
from conftest import B, SLOW

HERE = pathlib.Path(__file__).resolve().parent


@pytest.mark.skipif(B.name.endswith("tsan"), reason="takes minutes there; the other tests ask the same code from more threads")
def test_no_answer_is_another_than_documented():
    p = subprocess.run([sys.executable, HERE / "fuzz.py", "--bin", B, "--seed", "7", "--examples", str(8 // SLOW)], capture_output=True, text=True)
    assert p.returncode == 0, p.stdout[-8000:] + p.stderr
