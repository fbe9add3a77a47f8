"""A customer's day, in three languages, on a server without a model and on one with it."""
import pathlib
import shutil
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).parent


@pytest.mark.parametrize("script, by, name", [("customer.py", sys.executable, "serve"), ("customer.py", sys.executable, "modelled"),
                                              ("customer.sh", "sh", "serve"), ("customer.mjs", "node", "serve"), ("customer.mjs", "node", "modelled")])
def test_a_customer(request, script, by, name):
    if not shutil.which(by):
        print(f"skipped: {script}: {by} is not installed", file=sys.stderr)
        pytest.skip(f"{by} is not installed")
    r = subprocess.run([by, HERE / script, request.getfixturevalue(name).url], capture_output=True, text=True, timeout=120)
    assert r.returncode == 0 and r.stdout.endswith("done\n"), r.stdout + r.stderr
