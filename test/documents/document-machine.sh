#!/bin/sh
# Makes a machine of its own for a page of the documents and stays its first process: the files of this machine under an
# overlay in memory, with accounts, network, processes and services that end with it.
# document-machine.sh FOLDER PROJECT systemd|none ADDRESS...
# PROJECT is a folder of this machine that is /srv/project there, read-only.
# Starts in namespaces of its own (unshare --mount --net --uts --ipc --pid --fork --cgroup).
set -eu
dir=$1 project=$2 init=$3
shift 3
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs "$dir"
mkdir "$dir/upper" "$dir/work" "$dir/root"
mount -t overlay -o "lowerdir=/,upperdir=$dir/upper,workdir=$dir/work" overlay "$dir/root"
root=$dir/root
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
for place in tmp run dev/shm home; do
  mount -t tmpfs -o mode=755 tmpfs "$root/$place"
done
mkdir -p "$root/srv/project"
mount --bind -o ro "$project" "$root/srv/project"
chmod 1777 "$root/tmp" "$root/dev/shm"
ip link set lo up
for address; do ip address add "$address/32" dev lo; done
hostname collector
echo collector >"$root/etc/hostname"
# Other tests kill the processes of their own accounts by number, whatever the namespace.
sed -i 's/^UID_MIN.*/UID_MIN 40000/' "$root/etc/login.defs"
if [ "$init" = systemd ]; then
  mkdir -p "$root/sys/fs/cgroup"
  mount -t tmpfs -o mode=755 tmpfs "$root/sys/fs/cgroup" && mkdir "$root/sys/fs/cgroup/unified" || true
  mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
  # Services of this machine stay off.
  rm -rf "$root"/etc/systemd/system/*.wants
  : >"$root/etc/machine-id"
  exec chroot "$root" env -i container=chroot PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd \
    --log-target=journal --show-status=no
fi
exec chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin sleep infinity
