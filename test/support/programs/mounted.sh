# Functions for real-mounts.test.ts; $1 the folder, $2 node, $3 odd-fuse.mjs.
cd "$1"
node=$2 fuse=$3 images=0

image() { # NAME SIZE TYPE [OPTIONS]
  images=$((images + 1))
  mkdir -p "$1"
  truncate -s "$2" "image$images"
  case $3 in ext4) mkfs.ext4 -qF "image$images" ;; *) "mkfs.$3" -q "image$images" ;; esac
  mount -o "loop${4:+,$4}" "image$images" "$1"
}

odd_fuse() { # NAME BSIZE FRSIZE BLOCKS FREE
  mkdir "$1"
  mkfifo "$1.said"
  "$node" "$fuse" "$PWD/$1" "$2" "$3" "$4" "$5" >"$1.said" &
  read -r _ <"$1.said"
}
