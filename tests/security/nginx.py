"""Debian's Nginx on loopback with the product's own file, which is changed in nothing but names, ports and patience."""

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from core.clock import utc_now
from dashapp.config import ROOT
from dashapp.embedded.children import free_port
from tests.tools import NGINX

NAME = "bolt.example.org"
PRODUCT = ROOT / "deploy" / "nginx" / "bolt.conf"
AROUND = """\
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/bolt.conf;
}}
"""


@dataclass(frozen=True, slots=True)
class Nginx:
    """Where it listens, and the certificate it shows."""

    http: int
    https: int
    certificate: Path


@contextmanager
def running(folder: Path, upstream: int) -> Iterator[Nginx]:
    """Serve what listens on the port `upstream` as bolt.example.org."""
    assert NGINX is not None, "no Nginx found: install Debian's nginx-light"
    certificate = make_certificate(folder)
    ports = Nginx(free_port(), free_port(), certificate)
    (folder / "bolt.conf").write_text(placed(PRODUCT.read_text(encoding="utf-8"), folder, upstream, ports))
    (folder / "nginx.conf").write_text(AROUND.format(folder=folder))
    process = subprocess.Popen([NGINX, "-p", str(folder), "-e", str(folder / "error.log"), "-c", "nginx.conf"])
    try:
        _wait(folder / "nginx.pid", process)
        yield ports
    finally:
        process.terminate()
        process.wait(10)


def placed(text: str, folder: Path, upstream: int, ports: Nginx) -> str:
    """The product's file on free ports of loopback, with patience of one second."""
    text = re.sub(r"^ *listen \[::\].*\n", "", text, flags=re.MULTILINE)
    text = re.sub(r"listen 80\b", f"listen 127.0.0.1:{ports.http}", text)
    text = re.sub(r"listen 443\b", f"listen 127.0.0.1:{ports.https}", text)
    text = text.replace("127.0.0.1:8050", f"127.0.0.1:{upstream}")
    text = re.sub(r"/etc/letsencrypt/live/[^/]+/fullchain.pem", str(folder / "cert.pem"), text)
    text = re.sub(r"/etc/letsencrypt/live/[^/]+/privkey.pem", str(folder / "key.pem"), text)
    return re.sub(r"(client_(?:header|body)_timeout) \d+s", r"\1 1s", text)


def make_certificate(folder: Path) -> Path:
    """A certificate for the name, signed by itself; the path of its file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)]), utc_now()
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    (folder / "cert.pem").write_bytes(made.public_bytes(pem))
    (folder / "key.pem").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    return folder / "cert.pem"


def _wait(pid_file: Path, process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + 10
    while time.monotonic() < end and process.poll() is None:
        if pid_file.exists() and pid_file.read_text().strip():
            return
        time.sleep(0.02)
    raise AssertionError(f"Nginx did not start: {(pid_file.parent / 'error.log').read_text()[-2000:]}")
