#!/bin/sh
# mysql-image.sh FOLDER: makes a folder with the newest MySQL of Debian and the libraries that it needs, once (a minute,
# 0.7 GB). MySQL runs from there with the folder's own loader. Nothing is installed on this machine.
set -eu
folder=$1
[ ! -x "$folder/usr/sbin/mysqld" ] || exit 0
command -v mmdebstrap >/dev/null 2>&1 || { echo "the tests on MySQL need mmdebstrap" >&2; exit 1; }
mirror=$(sh "$(dirname "$0")/../mirror.sh")
mkdir -p "$(dirname "$folder")"
part=$folder.$$
trap 'rm -rf "$part"' EXIT
echo "making $folder"
mmdebstrap --quiet --variant=minbase --aptopt='Acquire::Check-Valid-Until "false"' --include=mysql-server sid "$part" \
  "deb $mirror sid main"
rm -rf "$folder"
mv "$part" "$folder"
