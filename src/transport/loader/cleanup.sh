# Removes the files of agents on a client. Enters only the product's own folders, through folders that the account owns
# and that are no symbolic links, and removes whole folders of collectors; rm follows no link inside them. Removes
# nothing while sealed reports wait, unless $4 is `force`.
#
# $1 marker, $2 this collector, $3 `one` or `all` collectors, $4 `ask` or `force`.
#
# Sets a which collectors, c collector, q the sign, v reports of other collectors, w reports of this collector, x ask or
# force, z scripts of spool lines.
q=fh-$1-cleanup c=$2 a=$3 x=$4 h=$HOME w=0 v=0 z=0 m=
. ./find-machine.sh
. ./places.sh
# Keeps a place from being counted twice.
[ "$XDG_STATE_HOME" = "$h/.local/state" ] && unset XDG_STATE_HOME
wanted() {
  [ $a = all ] || [ "${1##*/}" = $c ]
}
count() {
  mine "$1" -d && mine "$1/$m" -d || return
  for d in "$1/$m"/*; do
    wanted "$d" && mine "$d" -d || continue
    for s in "$d"/*/spool.sh; do
      [ -e "$s" ] && z=$((z+1))
    done
    for s in "$d"/*/*.fhs; do
      [ -f "$s" ] || continue
      if [ "${d##*/}" = $c ]; then
        w=$((w+1))
      else
        v=$((v+1))
      fi
    done
  done
}
drop() {
  k=$(du -sk "$1" 2>/dev/null)
  k=${k%%/*}
  rm -rf "$1" 2>/dev/null
  if [ -d "$1" ]; then
    echo "$q left $1"
  else
    echo "$q removed" ${k:-0} "$1"
  fi
}
# Early versions kept `runtimes` for all collectors, which is removed with the last collector.
clean() {
  mine "$1" -d && mine "$1/$m" -d || return
  o=
  for d in "$1/$m"/*; do
    if wanted "$d" && mine "$d" -d; then
      drop "$d"
    fi
  done
  for d in "$1/$m"/*; do
    case ${d##*/} in runtimes) ;; *) [ -d "$d" ] && o=1 ;; esac
  done
  [ "$o" ] || {
    mine "$1/$m/runtimes" -d && drop "$1/$m/runtimes"
  }
  rmdir "$1/$m" "$1" 2>/dev/null
}
home count
temp count
echo "$q waiting $w $v"
s="fh-spool $c "
[ $a = one ] || s="fh-spool "
# shellcheck disable=SC2046 # a number
echo "$q spool" $(crontab -l 2>/dev/null | grep -v "^#" | grep -cF "$s") $z
[ $x = ask ] && [ $((w+v)) -gt 0 ] || {
  home clean
  temp clean
}
echo "$q end"
