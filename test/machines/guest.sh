#!/bin/sh
# A whole Debian machine under QEMU without KVM: its own kernel, systemd as PID 1, an NVMe disk, an IPMI BMC and two
# spare disks.
#
#   guest.sh image CACHE              makes the image CACHE/guest-SUITE once for these packages (minutes, 1.5 GB; as root)
#   guest.sh start CACHE FOLDER PORT [FILE..]
#                                     starts a guest from a copy of it; sshd listens on 127.0.0.1:PORT. Its disks vdd and
#                                     following are the files, which it can only read. Prints the process id at once;
#                                     the guest answers after about a minute
#   guest.sh monitor FOLDER COMMAND   one command of QEMU's monitor: stop, cont, system_reset, 'set_link net0 off'
#
# SUITE: Debian's suite, trixie by default. FOLDER has the guest's disks, console and log; the caller removes it.
set -eu
suite=${SUITE:-trixie}
verb=$1
shift

image() {
  cache=$1
  packages=linux-image-amd64,systemd-sysv,udev,dbus,kmod,openssh-server,iproute2,procps,systemd-timesyncd,nodejs,openssl
  packages=$packages,mdadm,btrfs-progs,smartmontools,nvme-cli,ipmitool,jq,moreutils,gawk,python3-apt
  packages=$packages,prometheus-node-exporter-collectors,monitoring-plugins-basic
  packages=$packages,lvm2,thin-provisioning-tools,xfsprogs
  packages=$packages,podman,crun,catatonit,uidmap,fuse-overlayfs,dbus-user-session,docker.io,busybox-static
  # Debian 12's docker.io has the command itself.
  [ "$suite" = bookworm ] || packages=$packages,docker-cli
  [ "$packages" != "$(cat "$cache/guest-$suite/packages" 2>/dev/null)" ] || exit 0
  for tool in mmdebstrap mkfs.ext4 ssh-keygen; do
    command -v "$tool" >/dev/null 2>&1 || { echo "guests need $tool" >&2; exit 1; }
  done
  mkdir -p "$cache"
  part=$(mktemp -d "$cache/.guest.XXXXXX")
  trap 'rm -rf "$part"' EXIT
  mirror=$(sh "$(dirname "$0")/../mirror.sh")
  echo "making $cache/guest-$suite"
  mmdebstrap --quiet --variant=minbase --aptopt='Acquire::Check-Valid-Until "false"' --include="$packages" "$suite" \
    "$part/root" "deb $mirror $suite main"
  root=$part/root
  ssh-keygen -q -t ed25519 -N '' -C guest -f "$part/key"
  install -d -m 700 "$root/root/.ssh"
  cp "$part/key.pub" "$root/root/.ssh/authorized_keys"
  echo guest >"$root/etc/hostname"
  printf '[Match]\nName=en*\n[Network]\nDHCP=yes\n' >"$root/etc/systemd/network/10-lan.network"
  # The journal outlives a boot, and no periodic job disturbs a test.
  mkdir -p "$root/var/log/journal"
  chroot "$root" systemctl enable -q systemd-networkd ssh
  chroot "$root" systemctl mask -q apt-daily.timer apt-daily-upgrade.timer man-db.timer e2scrub_all.timer
  cp "$root"/boot/vmlinuz-* "$part/kernel"
  cp "$root"/boot/initrd.img-* "$part/initrd"
  truncate -s 6G "$part/disk"
  PATH=$PATH:/usr/sbin:/sbin mkfs.ext4 -q -d "$root" "$part/disk"
  echo "$packages" >"$part/packages"
  rm -rf "$root" "$cache/guest-$suite"
  mv "$part" "$cache/guest-$suite"
}

start() {
  image=$1/guest-$suite folder=$2 port=$3
  shift 3
  more=
  for file; do more="$more -drive file=$file,if=virtio,format=raw,readonly=on"; done
  mkdir -p "$folder"
  [ -f "$folder/disk" ] || {
    cp --sparse=always "$image/disk" "$folder/disk"
    for disk in nvme spare1 spare2; do truncate -s 300M "$folder/$disk"; done
  }
  # shellcheck disable=SC2086 # words
  setsid qemu-system-x86_64 -accel tcg -machine q35 -cpu max -smp 1 -m 1536 -display none -no-reboot \
    -serial "file:$folder/console" -qmp "unix:$folder/monitor,server,nowait" \
    -kernel "$image/kernel" -initrd "$image/initrd" -append 'root=/dev/vda rw console=ttyS0 quiet' \
    -drive "file=$folder/disk,if=virtio,format=raw" \
    -drive "file=$folder/nvme,if=none,id=n,format=raw" -device nvme,drive=n,serial=fleet0001 \
    -drive "file=$folder/spare1,if=virtio,format=raw" -drive "file=$folder/spare2,if=virtio,format=raw" $more \
    -device ipmi-bmc-sim,id=bmc -device isa-ipmi-kcs,bmc=bmc \
    -netdev "user,id=net0,restrict=on,hostfwd=tcp:127.0.0.1:$port-:22" -device virtio-net-pci,netdev=net0 \
    >"$folder/qemu.log" 2>&1 </dev/null &
  echo $!
}

monitor() {
  folder=$1
  shift
  printf '{"execute":"qmp_capabilities"}{"execute":"human-monitor-command","arguments":{"command-line":"%s"}}\n' "$*" |
    socat -t 2 - "UNIX-CONNECT:$folder/monitor"
}

case $verb in
image | start | monitor) "$verb" "$@" ;;
*) echo "guest.sh: there is no $verb" >&2; exit 2 ;;
esac
