#!/usr/bin/env python3
"""Fuzzes what the OpenAPI document of `br serve` lists, by schemathesis: fuzz.py --bin BUILD [--seconds N] [--seed S] [--examples N]

A workspace of its own, a server on a free port. No answer may have a status of 5xx or one that is not documented, another type of
content or another shape. One round, and further ones with other seeds until the time is over; says the seeds.
"""
import argparse
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROUND, COVERAGE = 45, 450  # seconds that a round takes at most
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


def start(br, ws):
    env = {"PATH": os.environ["PATH"], "HOME": str(ws), "BR_SERVE_CHECK": "1", "ASAN_OPTIONS": "abort_on_error=1"}
    subprocess.run([br, "init", "-q"], cwd=ws, env=env, check=True)
    tenant = subprocess.run([br, "tenant", "create", "-q", "fuzz"], cwd=ws, env=env, check=True, capture_output=True, text=True).stdout.strip()
    subprocess.run([br, "tenant", "set", "-q", "--rate", "1000000", "fuzz"], cwd=ws, env=env, check=True, stdout=subprocess.DEVNULL)
    for name, more in (("QUIVR", ["--kind", "quivr", "--scope", "admin"]), ("BAIYUAN", ["--kind", "baiyuan", "--tenant", tenant])):
        key = subprocess.run([br, "keys", "create", "-q", "fuzz", *more], cwd=ws, env=env, check=True, capture_output=True, text=True).stdout.strip()
        os.environ[f"BR_FUZZ_{name}"] = key
    os.environ["BR_FUZZ_TENANT"] = tenant
    said = open(ws / "serve.err", "w+")
    p = subprocess.Popen([br, "serve", "--listen", "127.0.0.1:0"], cwd=ws, env=env, stderr=said)
    while p.poll() is None:
        for line in open(ws / "serve.err"):
            if line.startswith("listening on ") and line.endswith("\n"):
                return p, line.split()[-1]
        time.sleep(0.02)
    sys.exit(f"no server: {(ws / 'serve.err').read_text()}")


def fuzz(url, seed, phases, args):
    env = {**os.environ, "SCHEMATHESIS_HOOKS": "fuzz_hooks", "PYTHONPATH": str(HERE), "BR_FUZZ_URL": url, "PYTHONDONTWRITEBYTECODE": "1"}
    cmd = [sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()", "run", f"{url}/openapi.json", "--checks", CHECKS,
           "--max-examples", str(args.examples), "--seed", str(seed), "--phases", phases, "--no-shrink", "--no-color", "--warnings", "off",
           "--generation-database", "none", "--suppress-health-check", "all", "--exclude-path-regex", "/events$",  # events have no end
           "--request-timeout", "60", "--continue-on-failure", *args.rest]
    try:
        done = subprocess.run(cmd, env=env, cwd=tempfile.gettempdir(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=2 * COVERAGE)
    except subprocess.TimeoutExpired as e:
        return False, f"schemathesis did not end: {(e.stdout or b'').decode()[-4000:]}"
    # a thread of schemathesis that fell over has left operations untested
    return done.returncode == 0 and "Exception in thread" not in done.stdout and "Tested: 0" not in done.stdout, done.stdout


def rounds_of(args, end):
    """Seeds and phases until the time is over. The coverage phase asks what is on the edges of the schemas, and takes minutes."""
    seed = args.seed if args.seed is not None else random.randrange(1 << 30)
    yield seed, "fuzzing"
    covered = False
    while (left := end - time.monotonic()) > ROUND:
        seed += 1
        yield seed, "fuzzing" if covered or left < COVERAGE else "coverage"
        covered |= left >= COVERAGE


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--bin", default="build/release")
    p.add_argument("--seconds", type=int, default=0)
    p.add_argument("--seed", type=int)
    p.add_argument("--examples", type=int, default=12, help="calls of each operation in a round")
    p.add_argument("rest", nargs="*", help="options of schemathesis")
    args = p.parse_args()
    end, passed, failed = time.monotonic() + args.seconds, 0, 0
    with tempfile.TemporaryDirectory(prefix="br-fuzz-") as d:
        server, url = start(pathlib.Path(args.bin).resolve() / "br", pathlib.Path(d))
        for seed, phases in rounds_of(args, end):
            good, text = fuzz(url, seed, phases, args)
            summary = text[text.find("Test cases:"):].split("\n")[1:2]
            print(f"fuzz-http: seed {seed}, {phases}:{''.join(summary)}", flush=True)
            passed, failed = passed + good, failed + (not good)
            if not good:
                print(text)
                break
        alive = server.poll() is None
        server.terminate()
        ended = server.wait(60)
        if not alive or ended:
            print(f"the server ended with {ended}:\n{(pathlib.Path(d) / 'serve.err').read_text()[-4000:]}")
    print(f"fuzz-http: {passed} passed, {failed} failed")
    return int(bool(failed) or not alive or bool(ended))


sys.exit(main())
