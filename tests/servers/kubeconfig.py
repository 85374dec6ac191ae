"""Kubeconfig files, and questions to an API server by one."""

import base64
import json
import os
import subprocess
from pathlib import Path

from .binaries import kubectl


def write_kubeconfig(path: Path, server: str, ca_file: Path, token: str) -> Path:
    """For the holder of this token; readable by us alone."""
    cluster = {"server": server, "certificate-authority": str(ca_file)}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": {"token": token}}],
    }
    write_private(path, json.dumps(content))
    return path


def write_private(path: Path, text: str) -> None:
    """Readable by us alone, from the first moment; never half written."""
    new = path.with_name(f"{path.name}.new")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    new.rename(path)


def run_kubectl(kubeconfig: Path, *arguments: str, text: str | None = None) -> str:
    """What `kubectl ARGUMENTS` prints; `text` is its standard input.

    Raises:
        RuntimeError: with kubectl's own words
    """
    command = [str(kubectl()), f"--kubeconfig={kubeconfig}", *arguments]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip())
    return done.stdout.rstrip("\n")


def read_cluster(kubeconfig: Path, folder: Path) -> tuple[str, Path, str]:
    """Server, CA (written into `folder`) and token (empty if there is none) of a kubeconfig's current context."""
    view = json.loads(run_kubectl(kubeconfig, "config", "view", "--raw", "--minify", "--flatten", "--output=json"))
    cluster = view["clusters"][0]["cluster"]
    ca_file = folder / "ca.crt"
    ca_file.write_bytes(base64.b64decode(cluster["certificate-authority-data"]))
    return cluster["server"], ca_file, view["users"][0]["user"].get("token", "")
