# If the client has no usable node of its own: describes the client, and tries the runtimes that upload-runtime.sh has
# uploaded for it. Needs places.sh, m, c the collector, v the names of runtimes.
i=
for f in /lib64/ld*.so.[12] /lib/ld*.so.[12] /etc/alpine-release; do
  [ -e "$f" ] && i="$i $f"
done
echo "fh-$1-platform-$(uname -sm)$i"
uploaded() {
  for d in "$1" "$1/$m" "$1/$m/$c"; do
    mine "$d" -d || return
  done
  for i in $v; do
    p=$d/runtime-$i
    mine "$p" -d && mine "$p/node" -f && go "$p/node"
  done
}
home uploaded
temp uploaded
