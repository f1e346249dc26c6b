#!/bin/sh
# Installs one package more in a root of install-packages.sh: another-package.sh rpm|pacman, in the folder in which
# that script has built.
set -eu
case $1 in
rpm)
  sed 's/^Name: .*/Name: hello-fleet/' tzdata.spec >hello-fleet.spec
  HOME=/tmp/build rpmbuild --quiet -bb --target noarch hello-fleet.spec
  rpm -i --nodeps rpmbuild/RPMS/noarch/hello-fleet*.rpm
  ;;
pacman)
  mkdir hello
  sed 's/^pkgname=.*/pkgname=hello-fleet/; /^backup=/d; s/gtk/hello/g' PKGBUILD >hello/PKGBUILD
  chown -R nobody hello
  cd hello
  HOME=/tmp/build setpriv --reuid=nobody --regid=nogroup --clear-groups makepkg --nodeps
  pacman -U --noconfirm --nodeps --nodeps ./*.pkg.tar*
  ;;
esac
