# Receives a Node.js binary, or the rest of one, on stdin.
#
# $1 marker, $2 seconds for the trial, $3 unused, $4 collector, $5 id, $6 digest, $7 KiB of the binary, $8 its copies as
# `codec:bytes`, the best first and `raw` last, $9 number of places to skip, ${10} the text of try-runtime.cjs.
# Statuses: uploadStatus of upload-runtime.ts.
#
# Sets c collector, k number of the place, l bytes of the copy, n bytes of the copy that have arrived, p the folder, q
# codec, r name of the folder, t command that ends the trial, w why there is no place, y KiB of the binary, z places to
# skip.
umask 077
unset NODE_OPTIONS NODE_EXTRA_CA_CERTS NODE_PATH NODE_V8_COVERAGE
h=$HOME m= c=$4 r=runtime-$5 p= w= k=0 z=$9 y=$7 n=0 t=
echo "fh-$1-loader-"
. ./find-machine.sh
. ./places.sh
for e in $8; do
  q=${e%%:*} l=${e#*:}
  [ $q = raw ] && break
  command -v $q >/dev/null 2>&1 && break
done
timeout -s KILL 9 true >/dev/null 2>&1 && t="timeout -s KILL $2"
# private FOLDER: succeeds if the folder belongs to this account and is closed to all others.
private() {
  mine "$1" -d || return 1
  case $(ls -ld "$1") in drwx------*) return 0 ;; esac
  return 1
}
# size FILE: sets n to the bytes of the file. Removes a symbolic link.
size() {
  n=0
  [ -L "$1" ] && rm -f "$1"
  [ -f "$1" ] && n=$(wc -c <"$1")
  n=$((n))
}
# room FOLDER KIB: sets f to the free KiB. Succeeds if df does not report them: a full disk shows later.
room() {
  # shellcheck disable=SC2034 # the other columns
  f=$(df -Pk "$1" 2>/dev/null | {
    read -r a
    read -r a b e f a
    echo "$f"
  })
  [ "$f" -ge 0 ] 2>/dev/null || return 0
  [ "$f" -ge $2 ]
}
try() {
  echo exit >"$1" || return 1
  chmod 700 "$1"
  "$1"
}
# look ROOT: selects the folder in ROOT as the place if it belongs to this account alone, executes files and has room.
look() {
  [ "$p" ] && return
  k=$((k+1))
  [ $k -gt $z ] || return
  for d in "$1" "$1/$m" "$1/$m/$c" "$1/$m/$c/$r"; do
    private "$d" || {
      mkdir -p "$d" 2>/dev/null && private "$d" || {
        w="$w $d cannot be used;"
        return
      }
    }
  done
  try "$d/try" 2>/dev/null || {
    rm -rf "$d"
    w="$w nothing can be written or executed in $1;"
    return
  }
  rm -f "$d/try"
  rm -f "$d/node"
  size "$d/$q.part"
  [ $n -le $l ] || {
    rm -f "$d/$q.part"
    n=0
  }
  room "$d" $(((l-n)/1024+y+1024)) || {
    rmdir "$d" 2>/dev/null
    w="$w no room in $1: $f KiB are free;"
    return
  }
  p=$d
}
home look
temp look
[ "$p" ] || {
  echo "$w" >&2
  exit 91
}

o=$p/$q.part x=$p/new
echo "fh-$1-runtime-$k-$q-$n"
cat >>"$o" || {
  rm -rf "$p"
  exit 93
}
size "$o"
[ $n = $l ] || exit 92
# A whole copy that cannot be unpacked means a full disk.
if [ $q = raw ]; then
  mv -f "$o" "$x"
else
  $q -dc <"$o" >"$x" || {
    $q -dc <"$o" >/dev/null 2>&1
    s=$?
    rm -rf "$p"
    [ $s = 0 ] && exit 93
    exit 88
  }
fi
s=
if command -v sha256sum >/dev/null 2>&1; then
  s=$(sha256sum <"$x")
elif command -v shasum >/dev/null 2>&1; then
  s=$(shasum -a 256 <"$x")
elif command -v openssl >/dev/null 2>&1; then
  s=$(openssl dgst -sha256 <"$x")
fi
case $s in "" | *$6*) ;; *) rm -rf "$p"; exit 88 ;; esac
chmod 700 "$x"
$t "$x" -e "${10}" $6 </dev/null
s=$?
[ $s = 0 ] || {
  rm -rf "$p"
  [ $s = 88 ] && exit 88
  exit 94
}
mv -f "$x" "$p/node" || exit 93
rm -f "$p"/*.part
# sweep ROOT: removes runtimes of other digests, and this runtime from former places.
sweep() {
  for d in "$1" "$1/$m" "$1/$m/$c"; do
    private "$d" || return
  done
  for d in "$d"/runtime-*; do
    [ "$d" = "$p" ] || rm -rf "$d"
  done
}
home sweep
temp sweep
exit 0
