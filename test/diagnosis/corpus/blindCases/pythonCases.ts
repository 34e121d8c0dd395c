import { type BlindCase, text } from "./BlindCase.ts"

/** Python projects. */
export const pythonCases: ReadonlyArray<BlindCase> = [
  {
    name: "pip-no-matching-version",
    label: "package-missing",
    phase: "build",
    project: "forecast",
    note: "a version of a package that doesn't exist; pip lists all that do",
    dockerfile: text`
      FROM BASE/python:3.11
      WORKDIR /srv
      COPY requirements.txt .
      RUN pip install --no-cache-dir -r requirements.txt
      COPY . .
    `,
    files: { "requirements.txt": "six==1.16.0\nidna==3.7\nnumpy==1.99.0\n" },
    step: { kind: "instruction", number: 4 },
    errorContains: "No matching distribution found for numpy==1.99.0"
  },
  {
    name: "pip-needs-a-compiler",
    label: "dependency-install",
    also: ["command-not-found", "compile-error"],
    phase: "build",
    project: "forecast",
    note: "a source distribution with C code in an image without a compiler",
    dockerfile: text`
      FROM BASE/python:3.11
      RUN pip install --no-cache-dir six==1.16.0 netifaces==0.11.0
    `,
    step: { kind: "instruction", number: 2 },
    errorContains: "gcc' failed: No such file or directory"
  },
  {
    name: "pip-pg-config",
    label: "dependency-install",
    also: ["command-not-found", "file-missing"],
    phase: "build",
    project: "forecast",
    note: "psycopg2 from source wants pg_config; pip's own words follow",
    dockerfile: text`
      FROM BASE/python:3.11
      WORKDIR /srv
      COPY requirements.txt .
      RUN pip install -r requirements.txt
    `,
    files: { "requirements.txt": "psycopg2==2.9.9\n" },
    step: { kind: "instruction", number: 4 },
    errorContains: "pg_config executable not found"
  },
  {
    name: "pip-requirements-missing",
    label: "file-missing",
    phase: "build",
    project: "forecast",
    note: "the requirements lie in another folder than the Dockerfile thinks",
    dockerfile: text`
      FROM BASE/python:3.11
      WORKDIR /srv
      COPY . .
      RUN pip install -U setuptools -r requirements.txt
    `,
    files: { "requirements/base.txt": "six==1.16.0\n", "forecast/__init__.py": "" },
    step: { kind: "instruction", number: 4 },
    errorContains: "No such file or directory: 'requirements.txt'"
  },
  {
    name: "pip-resolution-impossible",
    label: "dependency-conflict",
    phase: "build",
    project: "forecast",
    note: "two pins that exclude each other",
    dockerfile: text`
      FROM BASE/python:3.11
      COPY requirements.txt /tmp/
      RUN pip install --no-cache-dir -r /tmp/requirements.txt
    `,
    files: { "requirements.txt": "botocore==1.29.0\nurllib3==2.2.1\n" },
    step: { kind: "instruction", number: 3 },
    errorContains: "conflict"
  },
  {
    name: "pip-untrusted-index",
    label: "tls-verification",
    also: ["dependency-install"],
    phase: "build",
    project: "forecast",
    note: "an index whose certificate can't be verified: pip warns and ends with «no matching distribution»",
    dockerfile: ({ selfSigned }) =>
      `FROM BASE/python:3.11\nENV PIP_RETRIES=3\nRUN pip install --index-url ${selfSigned}/simple/ httpx==0.27.0\n`,
    step: { kind: "instruction", number: 3 },
    errorContains: "CERTIFICATE_VERIFY_FAILED"
  },
  {
    name: "python-2-print",
    label: "syntax-error",
    phase: "build",
    project: "forecast",
    note: "a script of Python 2's days",
    dockerfile: text`
      FROM BASE/python:3.11
      WORKDIR /srv
      COPY . .
      RUN python3 tools/seed.py --check
    `,
    files: {
      "tools/seed.py": text`
        import sys

        def main(argv):
            for name in argv:
                print "seeding", name

        main(sys.argv[1:])
      `
    },
    step: { kind: "instruction", number: 4 },
    errorContains: "SyntaxError"
  },
  {
    name: "pytest-assertion",
    label: "assertion-failed",
    phase: "test",
    project: "forecast",
    note: "one of many tests fails; a deprecation warning with «error» in it stands after it",
    dockerfile: text`
      FROM BASE/python:3.11
      WORKDIR /srv
      COPY . .
    `,
    files: {
      "forecast.py": text`
        import warnings

        def mean(values):
            warnings.warn("mean() is deprecated: error handling moves to statistics", DeprecationWarning)
            return sum(values) / len(values)

        def season(month):
            return ["winter", "spring", "summer", "autumn"][(month - 1) // 3]
      `,
      "test_forecast.py": text`
        import pytest
        from forecast import mean, season

        @pytest.mark.parametrize("n", range(1, 40))
        def test_mean_of_constant(n):
            assert mean([7] * n) == 7

        def test_december_is_winter():
            assert season(12) == "winter"

        def test_empty_is_refused():
            with pytest.raises(ZeroDivisionError):
                mean([])
      `
    },
    test: { commands: ["python3 -m pytest -v"] },
    step: { kind: "command", index: 0 },
    errorContains: "AssertionError: assert 'autumn' == 'winter'"
  },
  {
    name: "pytest-import-error",
    label: "module-missing",
    phase: "test",
    project: "forecast",
    note: "pytest can't collect the tests, since a dependency was not installed",
    dockerfile: text`
      FROM BASE/python:3.11
      WORKDIR /srv
      COPY . .
    `,
    files: {
      "app/__init__.py": "",
      "app/settings.py": "import yaml\n\nSETTINGS = yaml.safe_load('a: 1')\n",
      "tests/test_settings.py": "from app.settings import SETTINGS\n\ndef test_a():\n    assert SETTINGS['a'] == 1\n",
      "tests/test_math.py": "def test_math():\n    assert 1 + 1 == 2\n"
    },
    test: { commands: ["true", "python3 -m pytest -q tests"] },
    step: { kind: "command", index: 1 },
    errorContains: "No module named 'yaml'"
  },
  {
    name: "python-setting-missing",
    label: "missing-configuration",
    phase: "test",
    project: "forecast",
    note: "unittest: the code wants a variable that the test's env doesn't set",
    dockerfile: text`
      FROM BASE/python:3.11
      WORKDIR /srv
      COPY . .
    `,
    files: {
      "config.py": "import os\n\nDATABASE_URL = os.environ['DATABASE_URL']\n",
      "test_config.py": text`
        import unittest

        class ConfigTest(unittest.TestCase):
            def test_scheme(self):
                import config
                self.assertTrue(config.DATABASE_URL.startswith("postgres://"))

            def test_nothing(self):
                self.assertEqual(1, 1)

        if __name__ == "__main__":
            unittest.main(verbosity=2)
      `
    },
    test: { commands: ["python3 test_config.py"] },
    step: { kind: "command", index: 0 },
    errorContains: "KeyError: 'DATABASE_URL'"
  },
  {
    name: "python-no-database",
    label: "network-unreachable",
    also: ["missing-configuration"],
    phase: "test",
    project: "forecast",
    note: "an integration test without the service that it talks to, in a chained traceback",
    dockerfile: text`
      FROM BASE/python:3.11
      WORKDIR /srv
      COPY . .
    `,
    files: {
      "store.py": text`
        import socket

        class StoreUnavailable(Exception):
            pass

        def connect(host="127.0.0.1", port=6399):
            try:
                return socket.create_connection((host, port), timeout=2)
            except OSError as error:
                raise StoreUnavailable("cannot initialise the store") from error
      `,
      "smoke.py": text`
        import logging
        import store

        logging.basicConfig(level=logging.INFO)
        for attempt in range(1, 4):
            logging.info("connecting to the store, attempt %d", attempt)
            try:
                store.connect()
                break
            except store.StoreUnavailable:
                if attempt == 3:
                    raise
                logging.warning("store not ready, retrying")
      `
    },
    test: { commands: ["python3 smoke.py"] },
    step: { kind: "command", index: 0 },
    errorContains: "Connection refused"
  },
  {
    name: "python-log-not-writable",
    label: "permission-denied",
    phase: "test",
    project: "forecast",
    note: "a program that runs as a user and writes where root may",
    dockerfile: text`
      FROM BASE/python:3.11
      RUN useradd --create-home app
      WORKDIR /srv
      COPY serve.py .
      USER app
      ENTRYPOINT ["python3", "/srv/serve.py"]
    `,
    files: {
      "serve.py": text`
        import logging

        print("starting", flush=True)
        logging.basicConfig(filename="/var/log/forecast.log", level=logging.INFO)
        logging.info("up")
      `
    },
    test: { entry_point: true },
    errorContains: "PermissionError"
  },
  {
    name: "python-killed-for-memory",
    label: "out-of-memory",
    phase: "test",
    project: "forecast",
    note: "the kernel kills the test's process for want of memory in its group: exit code 137, and hardly a word",
    dockerfile: text`
      FROM BASE/python:3.11
      WORKDIR /srv
      COPY . .
    `,
    files: {
      "train.py": text`
        print("loading the training set", flush=True)
        rows = []
        while True:
            rows.append(bytearray(16 * 1024 * 1024))
            print(f"{len(rows) * 16} MB of features", flush=True)
      `
    },
    test: { commands: ["python3 train.py"] },
    before: (surroundings) => Promise.resolve(surroundings.limitMemory(900)),
    step: { kind: "command", index: 0 }
  },
  {
    name: "pip-hash-mismatch",
    label: "dependency-install",
    also: ["dependency-conflict"],
    phase: "build",
    project: "forecast",
    note: "a locked hash that isn't the one of what the index has",
    dockerfile: text`
      FROM BASE/python:3.11
      COPY requirements.lock /tmp/
      RUN pip install --no-cache-dir --require-hashes -r /tmp/requirements.lock
    `,
    files: { "requirements.lock": `six==1.16.0 --hash=sha256:${"1e61c374".repeat(8)}\n` },
    step: { kind: "instruction", number: 3 },
    errorContains: "DO NOT MATCH THE HASHES"
  },
  {
    name: "python-memory-error",
    label: "out-of-memory",
    also: ["crash"],
    phase: "build",
    project: "forecast",
    note: "a limit of the address space: Python's own MemoryError under a long traceback",
    dockerfile: text`
      FROM BASE/python:3.11
      COPY index.py /srv/
      RUN ulimit -v 400000 && python3 /srv/index.py
    `,
    files: {
      "index.py": text`
        def widen(row, depth):
            return widen(row * 2, depth - 1) if depth else row

        print("building the index", flush=True)
        print(len(widen([0] * 1024, 24)))
      `
    },
    step: { kind: "instruction", number: 3 },
    errorContains: "MemoryError"
  },
  {
    name: "python-native-crash",
    label: "crash",
    phase: "test",
    project: "forecast",
    note: "native code crashes inside pytest: the fault handler's words, no summary of pytest's",
    dockerfile: text`
      FROM BASE/python:3.11
      WORKDIR /srv
      COPY . .
    `,
    files: {
      "test_native.py": text`
        import ctypes

        def test_before():
            assert True

        def test_reads_frames():
            assert ctypes.string_at(0) == b"frames"
      `
    },
    test: { commands: ["python3 -m pytest -v test_native.py"] },
    step: { kind: "command", index: 0 },
    errorContains: "Segmentation fault"
  }
]
