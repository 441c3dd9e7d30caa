"""Carrying out a Dockerfile without a container engine: each stage in a root of its own.

This machine's /usr, read-only, stands in for the base image, with Python and uv as commands and
compilers that refuse. RUN steps run unchanged, at their own absolute paths and without a network:
what they install comes from uv's cache. Debian's packages are not fetched; the call is only noted.
The context is taken for a checkout that only its owner may read. Takes root and namespaces.
"""

import shutil
import string
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from tests.support.dockerfile import Instruction, Stage, ignored

APT_CALLS = Path("var/log/apt-get.calls")
"""Where the stand-in of apt-get notes its arguments, below a root."""

CACHE_MOUNT = "type=cache,target=/root/.cache/uv"
"""The one thing that a RUN step may mount."""

_Ignore = Callable[[str, list[str]], set[str]]

_PYTHON = Path(sys.base_prefix)
_BASE = "base"
_PATH = f"/{_BASE}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_EMPTY = ("dev", "etc/profile.d", "home", "opt", "proc", "root/.cache/uv", "tmp", "usr", "var/log")
_TOPS = ("bin", "lib", "lib64", "sbin")
_ETC = ("alternatives", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "login.defs", "profile")
_ACCOUNTS = {
    "passwd": "root:x:0:0:root:/root:/bin/bash\n",
    "group": "root:x:0:\n",
    "shadow": "root:*:19000:0:99999:7:::\n",
    "gshadow": "root:*::\n",
}
_COMPILERS = ("c++", "cc", "clang", "g++", "gcc", "nvcc")

_ALONE = (
    *("unshare", "--mount", "--propagation", "private", "--net"),
    *("--pid", "--fork", "--kill-child"),
)
_ENTER = """
set -eu
root=$1 cache=$2 python=$3 writable=$4; shift 4
show() { mount --bind "$1" "$root$1"; mount -o remount,bind,ro "$root$1"; }
ip link set lo up
mount --bind "$root" "$root"
show /usr
[ -z "$python" ] || show "$python"
for top in /bin /lib /lib64 /sbin; do
    [ -L "$root$top" ] || [ ! -d "$root$top" ] || show "$top"
done
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
mount --bind "$cache" "$root/root/.cache/uv"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
[ "$writable" = yes ] || mount -o remount,bind,ro "$root"
exec chroot "$@"
"""


@dataclass(kw_only=True, slots=True)
class Image:
    """A stage as far as it was carried out: its root, and how a container of it would start."""

    root: Path
    cache: Path
    environment: dict[str, str] = field(default_factory=dict)
    user: str = "0:0"
    folder: str = "/"

    def inside(self, path: str) -> Path:
        """Where an absolute path, or one from its working folder, is on this machine."""
        return self.root / PurePosixPath(self.folder, path).relative_to("/")

    def run(
        self,
        *command: str,
        user: str | None = None,
        folder: str | None = None,
        writable: bool = True,
        **variables: str,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command inside, as `docker run` would, or `apptainer exec` when not writable.

        /tmp is empty each time. All processes end with the command.
        """
        environment = self.environment | variables
        python = "" if _PYTHON.is_relative_to("/usr") else str(_PYTHON)
        places = [str(self.root), str(self.cache), python, "yes" if writable else "no"]
        chroot = [f"--userspec={user or self.user}", "--groups=", str(self.root)]
        settings = [f"{name}={value}" for name, value in environment.items()]
        within = ["env", "-i", f"--chdir={folder or self.folder}", *settings, *command]
        return subprocess.run(
            [*_ALONE, "sh", "-c", _ENTER, "enter", *places, *chroot, *within],
            capture_output=True, text=True, check=False,
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Workshop:
    """Where stages are carried out, and with what.

    Attributes:
        folder: Where the roots are made.
        context: The folder that an engine would be sent.
        patterns: What of it would not be sent.
        scripts: The folder of scripts of an environment that holds uv.
        cache: The folder of uv's cache.
        overrides: Variables that are not what the Dockerfile says.
    """

    folder: Path
    context: Path
    patterns: Sequence[str]
    scripts: Path
    cache: Path
    overrides: Mapping[str, str]

    def carry_out(self, stages: Sequence[Stage]) -> Image:
        """Carry out the stages of a Dockerfile; the last one's image.

        Raises:
            RuntimeError: When a step fails, with what it wrote.
        """
        images: dict[str, Image] = {}
        for number, stage in enumerate(stages):
            image = self._base_image(self.folder / str(number))
            for step in stage.steps:
                self._take(step, image, images)
            images[stage.name] = image
        return image

    def _base_image(self, root: Path) -> Image:
        for name in (*_EMPTY, str(_PYTHON)):
            (root / name.lstrip("/")).mkdir(parents=True, exist_ok=True)
        for top in _TOPS:
            _mirror(Path("/", top), root / top)
        _write_etc(root / "etc")
        image = Image(root=root, cache=self.cache, environment={"PATH": _PATH, **self.overrides})
        python = _PYTHON / "bin" / f"python3.{sys.version_info.minor}"
        _must(image.run(str(python), "-m", "venv", f"/{_BASE}"), "the base image")
        self._add_commands(root / _BASE)
        return image

    def _add_commands(self, base: Path) -> None:
        """What the steps call: uv as installed here, a noting apt-get, refusing compilers."""
        (packages,) = base.glob("lib/python3*/site-packages")
        shutil.copy(self.scripts / "uv", base / "bin" / "uv")
        for part in self.scripts.parent.glob("lib/python3*/site-packages/uv*"):
            shutil.copytree(part, packages / part.name)
        _script(base / "bin" / "apt-get", f'echo "$@" >> /{APT_CALLS}')
        for name in _COMPILERS:
            _script(base / "bin" / name, "echo no compiler in a slim image >&2; exit 1")

    def _take(self, step: Instruction, image: Image, images: Mapping[str, Image]) -> None:
        match step.keyword:
            case "ARG" | "ENV":
                self._set(step, image)
            case "COPY":
                self._copy(step, image, images)
            case "RUN":
                _run(step, image)
            case "WORKDIR":
                image.folder = step.text
                image.inside(step.text).mkdir(parents=True, exist_ok=True)
            case "USER":
                image.user = step.text

    def _set(self, step: Instruction, image: Image) -> None:
        for name, value in step.pairs.items():
            expanded = string.Template(value).safe_substitute(image.environment)
            image.environment[name] = self.overrides.get(name, expanded)

    def _copy(self, step: Instruction, image: Image, images: Mapping[str, Image]) -> None:
        *sources, target = step.words
        stage = step.flags.get("from")
        for source in sources:
            if stage:
                _copy_tree(images[stage].inside(source), image.inside(target))
            elif (self.context / source).is_dir():
                _copy_tree(self.context / source, image.inside(target), self._not_sent)
                _make_private(image.inside(target))
            else:
                copied = shutil.copy2(self.context / source, image.inside(target))
                _make_private(Path(copied))

    def _not_sent(self, folder: str, names: list[str]) -> set[str]:
        place = Path(folder).relative_to(self.context)
        return {name for name in names if ignored((place / name).as_posix(), self.patterns)}


def _run(step: Instruction, image: Image) -> None:
    mount = step.flags.get("mount", CACHE_MOUNT)
    if mount != CACHE_MOUNT:
        raise RuntimeError(f"line {step.line}: only {CACHE_MOUNT} can be mounted, not {mount}")
    _must(image.run("/bin/sh", "-c", step.text, HOME="/root"), f"line {step.line}")


def _copy_tree(origin: Path, target: Path, ignore: _Ignore | None = None) -> None:
    shutil.copytree(origin, target, symlinks=True, dirs_exist_ok=True, ignore=ignore)


def _make_private(top: Path) -> None:
    for path in (top, *top.rglob("*")):
        path.chmod(path.stat().st_mode & 0o700)


def _mirror(place: Path, copy: Path) -> None:
    if place.is_symlink():
        copy.symlink_to(place.readlink())
    elif place.is_dir():
        copy.mkdir()


def _write_etc(etc: Path) -> None:
    for name in _ETC:
        own = Path("/etc", name)
        if own.is_dir():
            shutil.copytree(own, etc / name, symlinks=True)
        elif own.exists():
            shutil.copy(own, etc / name)
    for name, text in _ACCOUNTS.items():
        (etc / name).write_text(text, encoding="utf-8")


def _script(path: Path, line: str) -> None:
    path.write_text(f"#!/bin/sh\n{line}\n", encoding="utf-8")
    path.chmod(0o755)


def _must(done: subprocess.CompletedProcess[str], where: str) -> None:
    if done.returncode != 0:
        raise RuntimeError(f"{where} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
