"""The published packages that the catalogue is made of: fetched with npm, checked, unpacked.

In: a cache folder. Out: the folder of each unpacked package. npm does the download; the SHA-256 pinned here
makes sure that the same version always means the same bytes.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Package:
    """One package of the npm registry, pinned."""

    name: str
    version: str
    sha256: str

    @property
    def archive(self) -> str:
        """The file name that `npm pack` gives it."""
        return f"{self.name.removeprefix('@').replace('/', '-')}-{self.version}.tgz"


PICTURES = Package(
    "@lobehub/fluent-emoji-3d", "1.1.0", "c1bb7eee7de090205a232518a9ab4adb3df458bfbe8a1f78232991194c8b2e58"
)
ANNOTATIONS = Package(
    "cldr-annotations-full", "48.2.0", "28576e51225deb51e3ddd734b0f824a0079682cb5d8c27faa9f68149317a14d1"
)
DERIVED = Package(
    "cldr-annotations-derived-full", "48.2.0", "4be946ff5815f806ec78b50363d577a769f2fbfb90c6380a44e161a92436996e"
)


class SourceProblem(Exception):
    """A source package is not to be had, or is not what it should be."""


def fetch(package: Package, cache: Path) -> Path:
    """Return the folder of `package`, unpacked under `cache`; download it when it is not there yet.

    Raises:
        SourceProblem: npm is missing or fails, or the archive's checksum is wrong.
    """
    cache.mkdir(parents=True, exist_ok=True)
    archive = cache / package.archive
    if not archive.exists():
        _npm_pack(package, cache)
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != package.sha256:
        raise SourceProblem(f"{archive} has SHA-256 {found}, expected {package.sha256}; delete it and try again")
    folder = cache / package.archive.removesuffix(".tgz")
    if not folder.exists():
        unpacking = folder.with_suffix(".unpacking")
        shutil.rmtree(unpacking, ignore_errors=True)
        with tarfile.open(archive) as tar:
            tar.extractall(unpacking, filter="data")
        (unpacking / "package").rename(folder)
        shutil.rmtree(unpacking)
    return folder


def _npm_pack(package: Package, cache: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise SourceProblem(f"npm is not installed; install Node.js, or put {package.archive} into {cache} yourself")
    command = [npm, "pack", f"{package.name}@{package.version}", "--pack-destination", str(cache)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SourceProblem(f"npm could not fetch {package.name}@{package.version}: {done.stderr.strip()[-500:]}")
