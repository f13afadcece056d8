"""Where files lie and how they get here: folders, SFTP, any fsspec URL. What is in them is for `formats`."""

from __future__ import annotations

import gzip
import shutil
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import SecretStr

from hrorch_pipelines.stack.systems import System
from hrorch_pipelines.systems.errors import ReadFault
from hrorch_pipelines.systems.rest_auth import fill

_UNFINISHED = (".part", ".partial", ".tmp", ".filepart", ".crdownload", ".swp")
_LOGIN = ("username", "password", "passphrase")


@dataclass(frozen=True)
class Place:
    """An opened folder, here or elsewhere; `root` is the folder's path there."""

    fs: Any
    root: str

    def matching(self, pattern: str) -> list[str]:
        """Paths of finished files that match, sorted by name. One still being written is never among them."""
        found = self.fs.glob(f"{self.root.rstrip('/')}/{pattern}")
        return sorted(path for path in found if _is_finished(PurePosixPath(path).name))

    def fetch(self, path: str, into: Path) -> Path:
        """Copy a file here, `.gz` unpacked. Raises ReadFault when it changes meanwhile or is cut."""
        before = _state(self.fs.info(path))
        target = into / PurePosixPath(path).name
        self.fs.get_file(path, str(target))
        self.fs.invalidate_cache()
        if _state(self.fs.info(path)) != before or target.stat().st_size != before[0]:
            raise ReadFault("changing_file", "the file changed while it was read")
        return _unpacked(target)


@contextmanager
def opened(system: System, folder: Path) -> Iterator[Place]:
    """Open the folder of a system; relative ones start at the stack file's `folder`. Raises ReadFault."""
    import fsspec

    options = _filled(dict(system.connection.options), system.credentials)
    url = fill(system.base_url, system.credentials)
    if "://" not in url:
        yield Place(fsspec.filesystem("file"), (folder / url).as_posix())
        return
    secure_shell = url.startswith(("sftp://", "ssh://"))
    if secure_shell:
        options = _ssh_options(options, system)
    with explained():
        fs, root = fsspec.core.url_to_fs(url, **options)
    try:
        with explained():
            yield Place(fs, root)
    finally:
        if secure_shell:
            fs.client.close()


def _ssh_options(options: dict[str, Any], system: System) -> dict[str, Any]:
    """Login from the credentials; a server whose key is not known is refused unless the stack file says otherwise."""
    seconds = system.connection.timeout.total_seconds()
    login = {name: secret.get_secret_value() for name, secret in system.credentials.items() if name in _LOGIN}
    accept_any = options.pop("accept_any_host_key", False)
    known = Path(options.pop("known_hosts", "~/.ssh/known_hosts")).expanduser()
    waits = {"timeout": seconds, "banner_timeout": seconds, "auth_timeout": seconds}
    keys = {"look_for_keys": False, "allow_agent": False} if "password" in login else {}
    policy = "auto_add" if accept_any else _known_hosts_only(known)
    return {**waits, **keys, **login, **options, "host_key_policy": policy, "skip_instance_cache": True}


def _known_hosts_only(path: Path) -> Any:
    import paramiko

    class KnownHostsOnly(paramiko.MissingHostKeyPolicy):
        def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:
            del client
            if not (path.exists() and paramiko.HostKeys(str(path)).check(hostname, key)):
                raise ReadFault("host_key", f"the server's host key is not in {path.name}")

    return KnownHostsOnly


@contextmanager
def explained() -> Iterator[None]:
    """Errors of the transport as faults; their own texts may hold paths and user names."""
    import paramiko

    try:
        yield
    except paramiko.AuthenticationException:
        raise ReadFault("unauthorized", "the server refused the login") from None
    except FileNotFoundError:
        raise ReadFault("no_file", "the folder or file is not there") from None
    except PermissionError:
        raise ReadFault("unauthorized", "the folder or file may not be read") from None
    except (paramiko.SSHException, OSError, EOFError) as error:
        raise ReadFault("not_reachable", f"the files cannot be reached ({type(error).__name__})") from None
    except (ImportError, ValueError, TypeError) as error:
        raise ReadFault("not_reachable", f"`base_url` or `options` cannot be used ({type(error).__name__})") from None


def _unpacked(path: Path) -> Path:
    if path.suffix != ".gz":
        return path
    plain = path.with_suffix("")
    try:
        with gzip.open(path) as packed, plain.open("wb") as out:
            shutil.copyfileobj(packed, out, 1 << 20)
    except (EOFError, OSError, zlib.error) as error:
        raise ReadFault("cut_file", f"the .gz file is cut or damaged ({type(error).__name__})") from None
    return plain


def _state(info: dict[str, Any]) -> tuple[int, Any]:
    return int(info["size"] or 0), info.get("mtime") or info.get("LastModified") or info.get("ETag")


def _is_finished(name: str) -> bool:
    return not name.endswith(_UNFINISHED) and not name.startswith((".", "~$"))


def _filled(value: Any, credentials: dict[str, SecretStr]) -> Any:
    each: Callable[[Any], Any] = lambda item: _filled(item, credentials)  # noqa: E731
    if isinstance(value, dict):
        return {key: each(item) for key, item in value.items()}
    if isinstance(value, list):
        return [each(item) for item in value]
    return fill(value, credentials) if isinstance(value, str) else value
