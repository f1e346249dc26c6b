#!/bin/sh
# Makes a fresh machine ready: the packages of the lock file and, unless --packages-only, the servers that the tests
# talk to; with --galera, --machines or --wide those of `npm run galera`, `npm run test:machines` or `npm run
# test:wide`. Says what it could not do; only with CI set is a missing server an error.
set -eu
cd "$(dirname "$0")/.."

if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  npm ci --no-progress
fi
[ "${1:-}" != --packages-only ] || exit 0

galera=no
[ "${1:-}" != --galera ] || galera=yes
machines=no
[ "${1:-}" != --machines ] || machines=yes
wide=no
[ "${1:-}" != --wide ] || wide=yes
need() { # need PROGRAM PACKAGE
  PATH="$PATH:/usr/sbin:/sbin" command -v "$1" >/dev/null 2>&1 || missing="$missing $2"
}
need_file() { # need_file PATH PACKAGE
  [ -e "$1" ] || missing="$missing $2"
}
# Nobody wants the daemons of these packages, so they are unpacked and not installed.
unpack() { # unpack PACKAGE...
  for package; do
    [ ! -d "$unpacked/$package" ] || continue
    (
      umask 022
      mkdir -p "$unpacked" && new=$(mktemp -d "$unpacked/.XXXXXX") && cd "$new" || exit
      apt-get download -qq "$package" >/dev/null 2>&1 && dpkg -x ./*.deb root && mv root "$unpacked/$package"
      rm -rf "$new"
    ) || true
    [ -d "$unpacked/$package" ] || missing="$missing $package"
  done
}
unpacked=/var/tmp/fleet-health-tests/packages
unpack_all() {
  [ "$wide" = no ] || sh test/newer-ssh.sh "$unpacked/openssh-client-13" >/dev/null 2>&1 ||
    missing="$missing openssh-client(Debian 13)"
  [ "$wide" = no ] || unpack nagios-nrpe-server prometheus-node-exporter-collectors smartmontools mdadm chrony tinyproxy-bin
}
need_all() {
  missing=""
  need sshd openssh-server
  need ip iproute2
  need ssh openssh-client
  need dropbear dropbear-bin
  need mariadbd mariadb-server
  need postfix postfix
  need saslpasswd2 "sasl2-bin libsasl2-modules"
  need fish fish
  need zsh zsh
  need tcsh tcsh
  need mksh mksh
  need busybox busybox
  need shellcheck shellcheck
  need mawk mawk
  need gawk gawk
  need xmllint libxml2-utils
  need crontab cron
  need xz xz-utils
  need zstd zstd
  need faketime faketime
  need free procps
  need sudo sudo
  need man man-db
  need_file /etc/ssl/certs/ca-certificates.crt ca-certificates
  need mkfs.xfs xfsprogs
  need mkfs.btrfs btrfs-progs
  [ "$wide" = no ] || {
    need chromium chromium
    need nft nftables
    need original-awk original-awk
    need toybox toybox
    need coreutils rust-coreutils
    need mandoc mandoc
    need java default-jre-headless
    need promtool prometheus
    need rpmbuild rpm
    need amtool prometheus-alertmanager
    need ansible-inventory ansible-core
    need nagios4 nagios4-core
    need prometheus-node-exporter prometheus-node-exporter
    need wapiti wapiti
    need systemd-analyze systemd
    need logrotate logrotate
    need dovecot dovecot-core
    need_file /usr/lib/dovecot/imap dovecot-imapd
    need_file /usr/lib/dovecot/modules/lib90_sieve_plugin.so dovecot-sieve
    need swaks swaks
    need nginx nginx-light
    need_file /usr/sbin/apache2 apache2-bin
    need haproxy haproxy
    need curl curl
    need nc netcat-openbsd
    need wget wget
    need_file /usr/lib/nagios/plugins/check_disk monitoring-plugins-basic
    need_file /usr/lib/nagios/plugins/check_cpu monitoring-plugins-contrib
    need_file /usr/lib/python3/dist-packages/apt python3-apt
  }
  [ "$machines" = no ] || {
    need mmdebstrap mmdebstrap
    # mmdebstrap asks it whether this machine runs i386.
    need arch-test arch-test
    need qemu-system-x86_64 qemu-system-x86
    need socat socat
    need lintian lintian
    need dpkg-deb dpkg
  }
  [ "$galera" = no ] || {
    need rsync rsync
    # A library that the server loads.
    [ -n "$(find /usr/lib /usr/lib64 -maxdepth 2 -name libgalera_smm.so 2>/dev/null)" ] || missing="$missing galera-4"
  }
}
need_all
to_install=$missing
unpack_all
[ -n "$missing" ] || exit 0

sudo=""
if [ "$(id -u)" != 0 ]; then
  if command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then sudo="sudo -n"; else sudo="none"; fi
fi
if [ "$sudo" != none ] && command -v apt-get >/dev/null 2>&1; then
  export DEBIAN_FRONTEND=noninteractive
  echo "installing:$missing"
  missing=$to_install
  # Installed for their programs; the tests start their own copies on ports of their own.
  $sudo apt-get update -qq || true
  # Without a configuration of its own it is not started, and asks nothing.
  echo 'postfix postfix/main_mailer_type select No configuration' | $sudo debconf-set-selections 2>/dev/null || true
  # shellcheck disable=SC2086
  [ -z "$missing" ] || $sudo apt-get install -y -qq --no-install-recommends $missing >/dev/null || true
  need_all
  unpack_all
fi
if [ -n "$missing" ]; then
  echo "not installed, and not to be had here:$missing (the tests that need them are skipped)" >&2
  [ -z "${CI:-}" ] || exit 1
fi
