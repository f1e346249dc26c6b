#!/bin/sh
# Runs in a guest as root: turns it into many machines, each with an account for Node.js's agent and one for the
# shell's. They are roots in which sshd puts a login: the guest itself, the guest below an overlay in memory and
# read-only, BusyBox alone, and the roots of i386, rpm and pacman, whose files are on the disks vdd and vde.
set -eu
groupadd nodes
groupadd sockets
chgrp nodes /usr/bin/node
chmod 750 /usr/bin/node
touch /etc/default/locale
systemctl mask -q --now systemd-timesyncd
# They take most of an emulated processor, and some fail.
systemctl stop 'prometheus-node-exporter-*.timer' 'prometheus-node-exporter-*.service'
systemctl reset-failed
# What is mounted in one place later, or unmounted, stays there.
mount --make-rprivate /

mkdir -p /machines /etc/ssh/fleet
cp /root/.ssh/authorized_keys /etc/ssh/fleet/keys
# Sessions of PAM would cost each visit seconds here.
printf '%s\n' 'UsePAM no' 'AuthorizedKeysFile .ssh/authorized_keys /etc/ssh/fleet/keys' 'MaxStartups 100' \
  'PerSourcePenalties no' >/etc/ssh/sshd_config.d/fleet.conf
sshd -t 2>/dev/null || sed -i /PerSourcePenalties/d /etc/ssh/sshd_config.d/fleet.conf

# account NAME AGENT GROUPS
account() {
  useradd -m -s /bin/sh -G "$3" "$1-$2"
  usermod -p '*' "$1-$2"
}

# root NAME AGENT..: lets the accounts of the machine NAME log in to /machines/NAME. A root that is not a copy of the
# guest gets the accounts.
root() {
  name=$1
  shift
  for agent; do
    groups=sockets
    [ "$agent" = shell ] || groups=nodes
    account "$name" "$agent" "$groups"
    printf 'Match User %s-%s\n  ChrootDirectory /machines/%s\n' "$name" "$agent" "$name" >>/etc/ssh/sshd_config.d/roots.conf
  done
}

# kernel NAME: the kernel's files in a root.
kernel() {
  for folder in proc sys dev; do
    mkdir -p "/machines/$1/$folder"
    mount --rbind "/$folder" "/machines/$1/$folder"
  done
}

# own NAME: makes a root that was unpacked a machine of its own.
own() {
  dir=/machines/$1
  mount --bind "$dir" "$dir"
  kernel "$1"
  echo "$1" >"$dir/etc/hostname"
  head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$dir/etc/machine-id"
  echo >>"$dir/etc/machine-id"
  for agent in node shell; do
    ! line=$(grep "^$1-$agent:" /etc/passwd) || {
      echo "$line" >>"$dir/etc/passwd"
      mkdir -p "$dir/home"
      cp -a "/home/$1-$agent" "$dir/home/"
    }
  done
  [ ! -x "$dir/usr/bin/node" ] || {
    chgrp "$(getent group nodes | cut -d: -f3)" "$dir/usr/bin/node"
    chmod 750 "$dir/usr/bin/node"
  }
}

account debian node nodes,sockets,systemd-journal
account debian shell sockets,systemd-journal
# Their containers outlive a login.
loginctl enable-linger debian-node debian-shell
root overlay node shell
root readonly node shell
root busybox shell
root i386 node shell
root rpm node shell
root pacman node shell

mkdir -p /machines/memory /machines/overlay /machines/readonly
mkdir -p /machines/busybox/bin /machines/busybox/etc /machines/busybox/tmp
mount -t tmpfs -o mode=755 memory /machines/memory
mkdir /machines/memory/upper /machines/memory/work /machines/memory/lower
mount --bind / /machines/memory/lower
mount -t overlay -o lowerdir=/machines/memory/lower,upperdir=/machines/memory/upper,workdir=/machines/memory/work overlay \
  /machines/overlay
mount --bind / /machines/readonly
mount -o remount,bind,ro /machines/readonly
for name in overlay readonly; do
  kernel $name
  mount --rbind /run /machines/$name/run
  mount -t tmpfs -o mode=1777 tmpfs /machines/$name/tmp
done
mount -t tmpfs -o mode=1777 tmpfs /machines/readonly/var/tmp

cp /bin/busybox /machines/busybox/bin/busybox
chroot /machines/busybox /bin/busybox --install -s /bin
chmod 1777 /machines/busybox/tmp
printf 'root:x:0:0::/root:/bin/sh\n' >/machines/busybox/etc/passwd
printf 'root:x:0:\n' >/machines/busybox/etc/group
own busybox

for name in i386 managers; do
  mkdir "/machines/$name"
  disk=/dev/vdd
  [ "$name" = i386 ] || disk=/dev/vde
  tar -xf "$disk" -C "/machines/$name" --exclude='./dev/*'
done
mkdir -p /machines/managers/tmp
cp /root/machines/install-packages.sh /root/machines/another-package.sh /machines/managers/tmp/
for folder in proc dev; do mount --rbind /$folder /machines/managers/$folder; done
chroot /machines/managers sh /tmp/install-packages.sh
umount -R /machines/managers/proc /machines/managers/dev
# Programs are shared, files that change are not.
mkdir /machines/rpm
cp -al /machines/managers/. /machines/rpm/
rm -rf /machines/rpm/etc /machines/rpm/var /machines/rpm/tmp
cp -a /machines/managers/etc /machines/managers/var /machines/managers/tmp /machines/rpm/
mv /machines/managers /machines/pacman
# A system of rpm or of pacman has no other database.
rm -rf /machines/rpm/var/lib/dpkg /machines/rpm/var/lib/pacman /machines/rpm/usr/bin/dpkg* /machines/rpm/usr/bin/pacman*
rm -rf /machines/pacman/var/lib/dpkg /machines/pacman/var/lib/rpm /machines/pacman/usr/bin/dpkg* /machines/pacman/usr/bin/rpm*
for name in i386 rpm pacman; do own $name; done
# rpm lists each key as a version of one package.
# shellcheck disable=SC2016 # the inner shell expands
chroot /machines/rpm sh -ec '
  export GNUPGHOME=/root/keys
  mkdir -m 700 "$GNUPGHOME"
  for name in one two; do
    gpg -q --batch --passphrase "" --quick-gen-key "$name <$name@example.org>" rsa2048 sign never
    gpg -q --batch --armor --export "$name@example.org" >"/root/$name.key"
  done
  gpgconf --kill all
  rpm --import /root/one.key'

# The containers of Docker and Podman are of an image with BusyBox.
mkdir -p /root/image/bin
cp /bin/busybox /root/image/bin/
ln -s busybox /root/image/bin/sh
ln -s busybox /root/image/bin/sleep
tar -cf /root/image.tar -C /root/image .
mkdir -p /etc/docker /etc/systemd/system/docker.service.d
printf '[Service]\nTimeoutStartSec=10min\n' >/etc/systemd/system/docker.service.d/slow.conf
echo '{"iptables": false, "bridge": "none"}' >/etc/docker/daemon.json
for unit in docker podman; do
  mkdir -p /etc/systemd/system/$unit.socket.d
  printf '[Socket]\nSocketMode=0660\nSocketGroup=sockets\n' >/etc/systemd/system/$unit.socket.d/group.conf
done
systemctl daemon-reload
systemctl restart docker.socket podman.socket
systemctl restart --no-block docker
podman import -q /root/image.tar bb >/dev/null
docker import /root/image.tar bb >/dev/null
systemctl restart ssh
