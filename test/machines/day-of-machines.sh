#!/bin/sh
# Runs as root in a guest of prepare-machines.sh: what an administrator does in a day. Each machine gets an edit of /etc
# and a package more. The guest gets a unit that fails, and a container of each kind, whose ids and names are then in
# /root/machines/containers.
set -eu
quietly() { "$@" >/tmp/said 2>&1 || { cat /tmp/said >&2; exit 1; }; }

echo edited >/etc/motd
# An overlay has what is written above it.
for name in overlay busybox i386 rpm pacman; do echo edited >"/machines/$name/etc/motd"; done

mkdir -p /tmp/hello/DEBIAN
printf '%s\n' 'Package: hello-fleet' 'Version: 1.0' 'Architecture: all' 'Maintainer: A <a@example.org>' \
  'Description: a package' >/tmp/hello/DEBIAN/control
quietly dpkg-deb --root-owner-group -b /tmp/hello /tmp/hello.deb
for name in overlay i386; do cp /tmp/hello.deb "/machines/$name/tmp/"; done
quietly dpkg -i /tmp/hello.deb
for name in overlay i386; do quietly chroot "/machines/$name" dpkg -i /tmp/hello.deb; done
quietly chroot /machines/rpm sh -c 'cd /tmp/build && sh /tmp/another-package.sh rpm'
quietly chroot /machines/rpm rpm --import /root/two.key
quietly chroot /machines/pacman sh -c 'cd /tmp/build && sh /tmp/another-package.sh pacman'

printf '%s\n' '[Service]' 'Type=oneshot' 'ExecStart=/bin/false' >/etc/systemd/system/broken.service
systemctl daemon-reload
systemctl start broken 2>/dev/null || :

# Without apparmor_parser a daemon on a kernel with AppArmor starts no confined container.
quietly docker run -d --name dock --network none --security-opt apparmor=unconfined bb /bin/sleep 1d
quietly podman run -d --name pod-root --network none bb /bin/sleep 1d
quietly podman pod create --name family --network none
quietly podman run -d --pod family --name child bb /bin/sleep 1d
for agent in node shell; do
  user="debian-$agent"
  quietly runuser -u "$user" -- env XDG_RUNTIME_DIR="/run/user/$(id -u "$user")" HOME="/home/$user" sh -c '
    cd && podman import -q - bb && podman run -d --name rootless --network none bb /bin/sleep 1d' </root/image.tar
done
# Podman has Quadlet since 4.4.
if [ -d /usr/lib/systemd/system-generators ] && [ -x /usr/lib/systemd/system-generators/podman-system-generator ]; then
  mkdir -p /etc/containers/systemd
  printf '%s\n' '[Container]' 'Image=localhost/bb:latest' 'Exec=/bin/sleep 1d' 'Network=none' \
    >/etc/containers/systemd/quad.container
  systemctl daemon-reload
  systemctl start quad
fi
# Ids and names of what runs.
{
  docker ps --format '{{.ID}} {{.Names}}'
  podman ps --format '{{.ID}} {{.Names}}'
  for agent in node shell; do
    user="debian-$agent"
    runuser -u "$user" -- env XDG_RUNTIME_DIR="/run/user/$(id -u "$user")" HOME="/home/$user" sh -c "
      cd && podman ps --format '{{.ID}} {{.Names}}'"
  done
} >/root/machines/containers
