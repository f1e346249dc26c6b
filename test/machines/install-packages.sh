#!/bin/sh
# Makes packages with rpmbuild and makepkg and installs them, in a root that has both (roots.sh). Each has two files in
# /etc, one of which is changed afterwards. One rpm package is there in two versions, as kernels are.
set -eu
mkdir -p /etc/rpm /tmp/build
# Debian's rpm keeps its database in the home.
echo '%_dbpath /var/lib/rpm' >/etc/rpm/macros
cd /tmp/build

# spec NAME EPOCH VERSION RELEASE ARCHITECTURE: makes a package.
spec() {
  file=/etc/$1-$4
  cat >"$1.spec" <<END
Name: $1
Epoch: $2
Version: $3
Release: $4
Summary: a sample
License: none
%description
A sample.
%install
mkdir -p %{buildroot}$file
echo shipped >%{buildroot}$file/same.conf
echo shipped >%{buildroot}$file/own.conf
%files
%config(noreplace) $file/same.conf
%config(noreplace) $file/own.conf
END
  HOME=/tmp/build rpmbuild --quiet -bb --target "$5" "$1.spec"
}
spec kernel-core 0 5.14.0 362.8.1.el9_3 x86_64
spec kernel-core 0 5.14.0 427.13.1.el9_4 x86_64
spec openssl 1 3.0.7 27.el9 x86_64
spec tzdata 0 2024a 1.el9 noarch
find rpmbuild/RPMS -name '*.rpm' ! -name '*427*' -exec rpm -i --nodeps {} +
# The newer one of the two is the one that was installed last.
sleep 1
find rpmbuild/RPMS -name '*427*' -exec rpm -i --nodeps {} +

cat >PKGBUILD <<'END'
pkgname=gtk-update-icon-cache
pkgver=4.12.4
pkgrel=1
epoch=1
arch=(any)
options=('!strip')
backup=(etc/gtk/same.conf etc/gtk/own.conf)
package() {
  mkdir -p "$pkgdir/etc/gtk"
  echo shipped >"$pkgdir/etc/gtk/same.conf"
  echo shipped >"$pkgdir/etc/gtk/own.conf"
}
END
chown -R nobody .
HOME=/tmp/build setpriv --reuid=nobody --regid=nogroup --clear-groups makepkg --nodeps >makepkg.log 2>&1
sed -i /^CheckSpace/d /etc/pacman.conf
pacman -U --noconfirm --nodeps --nodeps ./*.pkg.tar* >pacman.log 2>&1

for file in /etc/openssl-27.el9/own.conf /etc/gtk/own.conf; do echo changed >$file; done
