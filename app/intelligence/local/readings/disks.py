"""Every real file system: space and inodes, tmpfs too. A remote one may hang, so each of those is asked on its own."""

import os

import psutil

from app.intelligence.local.machine import Mount

# Made by the kernel, images that are full by nature, and layers over others that are shown themselves.
NOT_REAL = frozenset({
    "proc", "sysfs", "cgroup", "cgroup2", "devpts", "mqueue", "debugfs", "tracefs", "securityfs", "pstore", "bpf",
    "autofs", "configfs", "fusectl", "hugetlbfs", "rpc_pipefs", "binfmt_misc", "nsfs", "efivarfs", "squashfs",
    "iso9660", "udf", "erofs", "ramfs", "selinuxfs", "fuse.gvfsd-fuse", "fuse.portal", "fuse.lxcfs",
})  # fmt: skip
REMOTE = ("nfs", "cifs", "smb", "fuse", "9p", "ceph", "gluster", "lustre", "afs", "ocfs", "gfs")
LOCAL_AT_MOST = 200
REMOTE_AT_MOST = 8


def mounted() -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Path and kind of what is mounted and can be written to: the local ones, and the remote ones."""
    found: dict[str, str] = {}
    for each in psutil.disk_partitions(all=True):
        is_layer = each.fstype == "overlay" and each.mountpoint != "/"
        if each.fstype not in NOT_REAL and not is_layer and "ro" not in each.opts.split(","):
            found[each.mountpoint] = each.fstype
    local = [(path, kind) for path, kind in found.items() if not kind.startswith(REMOTE)]
    remote = [(path, kind) for path, kind in found.items() if kind.startswith(REMOTE)]
    return local[:LOCAL_AT_MOST], remote[:REMOTE_AT_MOST]


def read(mounts: list[tuple[str, str]]) -> tuple[Mount, ...]:
    """How full these are; each file system once, by its shortest path."""
    found: dict[int, Mount] = {}
    for path, kind in sorted(mounts, key=lambda each: len(each[0])):
        try:
            device = os.stat(path).st_dev
            if device not in found and (mount := _read_one(path, kind)) is not None:
                found[device] = mount
        except OSError:
            continue
    return tuple(found.values())


def _read_one(path: str, kind: str) -> Mount | None:
    counts = os.statvfs(path)
    used = counts.f_blocks - counts.f_bfree
    # What only root may take is not free for anybody else.
    usable = used + counts.f_bavail
    if not usable:
        return None
    used_inodes = counts.f_files - counts.f_ffree
    inodes = used_inodes + counts.f_favail
    return Mount(
        path=path,
        kind=kind,
        total_bytes=counts.f_blocks * counts.f_frsize,
        free_bytes=counts.f_bavail * counts.f_frsize,
        used_percent=round(100 * used / usable, 1),
        inodes_percent=round(100 * used_inodes / inodes, 1) if counts.f_files and inodes else None,
    )
