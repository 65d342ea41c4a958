#!/bin/sh
# Boots a systemd of its own in namespaces, over a copy-on-write view of this machine's files: nothing that happens in there
# is seen outside. Runs inside `unshare --mount --pid --fork --cgroup --uts --ipc`; see systemd-box.ts.
# Usage: systemd-box.sh FOLDER CHECKOUT PREPARE. PREPARE is a script that is given the root of the box before it boots.
set -e
folder=$1 checkout=$2 prepare=$3
mount --make-rprivate /
mount -t tmpfs tmpfs "$folder/files"
mkdir "$folder/files/upper" "$folder/files/work" "$folder/files/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$folder/files/upper,workdir=$folder/files/work" "$folder/files/root"
root=$folder/files/root
mount -t proc proc "$root/proc"
# The settings of the kernel are this machine's too.
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,bind,ro "$root/proc/sys"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for device in null zero full random urandom tty; do cp -a "/dev/$device" "$root/dev/$device"; done
mkdir "$root/dev/shm" "$root/dev/pts" "$root/dev/mqueue" "$root/dev/hugepages"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/sys/fs/cgroup"
mkdir "$root/sys/fs/cgroup/systemd" "$root/sys/fs/cgroup/unified"
mount -t cgroup -o none,name=systemd cgroup "$root/sys/fs/cgroup/systemd"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup/unified"
mkdir -p "$root/opt/voteplane" "$root/run/shared"
mount --bind "$checkout" "$root/opt/voteplane"
mount --bind "$folder/shared" "$root/run/shared"
# Of what this machine would start nothing starts in the box.
rm -rf "$root/etc/systemd/system" "$root"/lib/systemd/system/*.wants "$root"/usr/lib/systemd/system/*.wants
mkdir -p "$root/etc/systemd/system"
printf '[Unit]\nDefaultDependencies=no\nWants=multi-user.target\n' > "$root/etc/systemd/system/box.target"
for target in multi-user sysinit basic network-online; do
  printf '[Unit]\nDefaultDependencies=no\n' > "$root/etc/systemd/system/$target.target"
done
sh "$prepare" "$root"
mount --make-rshared "$root"
export container=box
exec chroot "$root" /lib/systemd/systemd --system --unit=box.target --log-target=null --show-status=no
