#!/bin/sh
# Runs in a guest as root: two accounts, of which only `node` can execute Node, and devices in a state that
# wakes an administrator.
set -eu
for account in node shell; do
  useradd -m -G systemd-journal "$account"
  install -d -m 700 -o "$account" -g "$account" "/home/$account/.ssh"
  install -m 600 -o "$account" -g "$account" /root/.ssh/authorized_keys "/home/$account/.ssh/authorized_keys"
done
chgrp node /usr/bin/node
chmod 750 /usr/bin/node

# Otherwise each login logs a line of priority err.
touch /etc/default/locale

# Debian's collectors write the figures that only root can read: NVMe, apt and the BMC.
mkdir -p /var/lib/prometheus/node-exporter /etc/fleet-health/checks.d
modprobe ipmi_si
modprobe ipmi_devintf
systemctl start prometheus-node-exporter-nvme prometheus-node-exporter-apt prometheus-node-exporter-ipmitool-sensor
systemctl reset-failed
echo 'textfile /var/lib/prometheus/node-exporter timeout=30s metrics=nvme_*,node_ipmi_*' >/etc/fleet-health/checks.d/textfiles.conf

# An array that has lost a disk, a bond that has lost an interface, a btrfs without errors.
mdadm --quiet --create /dev/md0 --level=1 --raid-devices=2 --metadata=1.2 --run /dev/vdb /dev/vdc
mdadm --quiet /dev/md0 -f /dev/vdc
ip link add bond0 type bond mode active-backup miimon 100
for number in 0 1; do
  ip link add "dummy$number" type dummy
  ip link set "dummy$number" master bond0
  ip link set "dummy$number" up
done
ip link set bond0 up
ip link set dummy1 down
mkfs.btrfs -q /dev/nvme0n1
mkdir -p /mnt/btrfs
mount /dev/nvme0n1 /mnt/btrfs

# A file system of 320 MiB with a project quota of 10 MiB, in a thin pool that has 110 MiB for it.
truncate -s 200M /root/volumes
loop=$(losetup --find --show /root/volumes)
vgcreate -q thin "$loop" >/dev/null
lvcreate -q -y --type thin-pool -L 110M -n pool thin >/dev/null 2>&1
lvcreate -q -y -V 320M --thinpool pool -n disk thin >/dev/null 2>&1
mkfs.xfs -q /dev/thin/disk
mkdir -p /mnt/thin
mount -o prjquota /dev/thin/disk /mnt/thin
mkdir /mnt/thin/project
xfs_quota -x -c 'project -s -p /mnt/thin/project 7' -c 'limit -p bhard=10m 7' /mnt/thin >/dev/null
head -c 8000000 /dev/zero >/mnt/thin/project/file

# A timer whose unit hangs. Logins see a time hours later, because waiting would take hours.
cat >/etc/systemd/system/hangs.service <<'EOF'
[Service]
Type=oneshot
ExecStart=/bin/sleep infinity
EOF
cat >/etc/systemd/system/hangs.timer <<'EOF'
[Timer]
OnActiveSec=1s
OnUnitActiveSec=1min
[Install]
WantedBy=timers.target
EOF
mkdir -p /etc/systemd/system/ssh.service.d
cat >/etc/systemd/system/ssh.service.d/later.conf <<'EOF'
[Service]
Type=exec
ExecStart=
ExecStart=/usr/bin/unshare --time --fork --monotonic 10000 --boottime 10000 /usr/sbin/sshd -D
EOF
systemctl daemon-reload
systemctl enable --quiet --now hangs.timer
systemctl restart ssh
