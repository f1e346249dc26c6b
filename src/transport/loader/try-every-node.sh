# Tries each node of this machine until one says its version; `start NODE` sets v to what it writes to descriptor 3,
# `=` and its exit status. Needs n, a configured path or `-`, and h, the home. Quotes stand only around paths that may hold
# blanks: launcher.sh loses them, hence the `set -f`.
#
# A program says nothing if it is no node, too old, a shim without a node behind it, or cannot be started.
exec 4>&1
run() {
  start "$1"
  case $v in v*) exit ${v##*=} ;; esac
}
# go NODE...: runs a node from the configuration, or from the PATH of all other commands of the account.
go() {
  for p do
    set -f
    [ -f "$p" ] && [ -x "$p" ] && run "$p"
  done
  set +f
}
# found FOLDER...: runs a node in a usual place, only if root or this account owns the file and every folder above, and
# nobody else can write to them. Runs the resolved path, whose links nobody can exchange meanwhile. The path has to end
# in a name of node: a program with many names, such as /snap/bin/node, would not know which name was meant.
#
# find prints a file or folder that another account can write to. Folders such as /tmp are safe, because nobody replaces
# files of another account there; so is a folder that the group with the account's own number can write to.
found() {
  for f do
    set -f
    f=$f/bin/node
    [ -x "$f" ] || continue
    u=$(id -u) q=$(readlink -f "$f") w=$f
    p=$q
    case ${q##*/} in node*) w= ;; esac
    while [ ${#w} = 0 ]; do
      w=$(find "${p:-/}" -prune -type d -perm -1000 -user 0 -o -perm -002 -print -o -user 0 -perm -020 -print -o -user 0 -o -user $u -group $u -o -perm -020 -print -o -user $u -o -print) || w=${p:-/}
      [ ${#p} = 0 ] && break
      p=${p%/*}
    done
    [ ${#w} = 0 ] && run "$q" || {
      echo untrusted "$f":
      ls -ld "$w"
    } >&2
  done
  set +f
}
case $n in /*) go "$n" ;; esac
command -v node >/dev/null && run node
found /usr/local /opt/homebrew "$h"/.nvm/versions/node/v[2-9][0-9].* "$h"/.nvm/versions/node/v1[89].* "$h"/.local/share/fnm/node-versions/*/installation "$h"/.fnm/node-versions/*/installation "$h"/.volta/tools/image/node/* /opt/* /usr/local/* /usr/local/lib/nodejs/*
go /snap/bin/node
