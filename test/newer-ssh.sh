#!/bin/sh
# Unpacks the ssh of Debian 13 with its libraries: newer-ssh.sh FOLDER makes FOLDER/ssh once, a script that runs it.
# Installs nothing. The packages come from the mirror that apt is set up with.
set -eu
folder=$1
[ ! -x "$folder/ssh" ] || exit 0
umask 022
mkdir -p "$(dirname "$folder")"
new=$(mktemp -d "$folder.XXXXXX")
trap 'rm -rf "$new"' EXIT
mirror=$(sh "$(dirname "$0")/mirror.sh")
mkdir -p "$new/lists/partial" "$new/cache/archives/partial" "$new/root"
: >"$new/status"
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
echo "deb [signed-by=$keyring] $mirror trixie main" >"$new/sources.list"
apt() {
  apt-get -qq -o Dir::Etc::sourcelist="$new/sources.list" -o Dir::Etc::sourceparts=- -o Dir::State::lists="$new/lists" \
    -o Dir::State::status="$new/status" -o Dir::Cache="$new/cache" -o APT::Sandbox::User=root \
    -o Debug::NoLocking=true -o APT::Install-Recommends=false "$@"
}
apt update
# An empty list of installed packages: the libraries come along.
apt --yes --download-only install openssh-client
for package in "$new"/cache/archives/*.deb; do
  case ${package##*/} in
  libpam* | libdebconf* | libdb5* | libsystemd* | libsemanage* | libsepol*) ;;
  openssh-client_* | lib* | zlib1g_*) dpkg -x "$package" "$new/root" ;;
  esac
done
loader=$(cd "$new/root" && find usr/lib -name 'ld-linux-*.so.*' | head -n 1)
libraries=$(cd "$new/root" && dirname "$(find usr/lib -name libcrypto.so.3 | head -n 1)")
cat >"$new/root/ssh" <<END
#!/bin/sh
exec "$folder/$loader" --library-path "$folder/$libraries" "$folder/usr/bin/ssh" "\$@"
END
chmod 755 "$new/root" "$new/root/ssh"
mv "$new/root" "$folder"
"$folder/ssh" -V
