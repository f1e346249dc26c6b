# Pending updates, as agent/inventory/updates.ts has them: the package manager is asked once a day, an hour after the
# first visit at the earliest. The counters have the time of the last request, $C/updates the last answer (updates.awk).

# shellcheck disable=SC2034,SC2154 # agent.sh has the rest
# updates: asks, unless it has asked within a day. Sets $fh_asked to the time of the last question.
updates() {
  fh_manager='' fh_lists=''
  if [ -e "$R/usr/bin/apt-get" ]; then
    for x in "$R"/var/lib/apt/lists/*_Packages*; do [ ! -e "$x" ] || fh_manager=apt-get; done
    set -- "$R/var/lib/apt/lists" "$R/var/lib/apt/lists/partial" "$R/var/lib/apt/periodic/update-success-stamp"
  elif [ -e "$R/usr/bin/zypper" ]; then
    fh_manager=zypper
    set -- "$R/var/cache/zypp/raw"
  elif [ -e "$R/usr/bin/dnf" ] || [ -e "$R/usr/bin/yum" ]; then
    [ -e "$R/usr/bin/dnf" ] && fh_manager=dnf || fh_manager=yum
    set -- "$R/var/cache/dnf" "$R/var/cache/libdnf5" "$R/var/cache/yum"
  elif [ -e "$R/sbin/apk" ]; then
    fh_manager=apk
    set -- "$R/var/cache/apk" "$R/etc/apk/cache"
  fi
  [ "$fh_manager" ] || return
  fh_asked=${wall%???}
  a=
  [ ! "$fh_counters" ] || while read -r x o b || [ "$x" ]; do [ "$x" != updates ] || a=$o; done <"$fh_counters"
  case $a in '' | *[!0-9]*) a=$((fh_asked - 79200)) ;; esac
  if [ "$a" -le "$fh_asked" ] && [ $((fh_asked - a)) -lt 82800 ]; then
    fh_asked=$a
    return
  fi
  fh_lists=$(stat -c %Y "$@")
  : >"$C/pending"
  left=$((seconds - 6))
  [ $left -le 8 ] || left=8
  case $fh_manager in
  apt-get) ask -s -o Debug::NoLocking=true -o APT::Get::Upgrade-Allow-New=true upgrade ;;
  zypper) ask --no-refresh --non-interactive list-patches ;;
  apk) ask --no-network version -l '<' ;;
  *)
    left=$((left / 2))
    ask -C -q check-update && {
      echo @security >>"$C/pending"
      ask -C -q check-update --security
    }
    ;;
  esac
  fh_status=$?
  export fh_manager fh_lists fh_status
  awk "$program" updates >"$C/.new-$$" && [ -s "$C/.new-$$" ] && mv -f "$C/.new-$$" "$C/updates"
  rm -f "$C/pending"
}
# ask ARG...: adds an answer of the package manager to $C/pending. Fails if there is no answer.
ask() {
  [ $left -gt 0 ] || return
  limited $left env ZYPP_READONLY_HACK=1 nice -n 19 $fh_manager "$@" >>"$C/pending"
  s=$?
  case $s,$fh_manager in 100,dnf | 100,yum) s=0 ;; esac
  return $s
}

# pools: asks how full the pools of ZFS are, once a day, as agent/inventory/pools.ts. $C/pools has the time and the
# answer.
pools() {
  case $fh_devices in */proc/spl/*) ;; *) return ;; esac
  a=
  [ ! -f "$C/pools" ] || read -r a <"$C/pools"
  case $a in '' | *[!0-9]*) a=0 ;; esac
  [ "$a" -gt "$fh_wall" ] || [ $((fh_wall - a)) -ge 82800 ] || return
  case $(cat "$R"/proc/spl/kstat/zfs/*/state) in *SUSPENDED*) return ;; esac
  command -v zpool >/dev/null || return
  x=$(limited 3 zpool list -H -o name,capacity,fragmentation) || x=
  { say "$fh_wall$nl$x$nl" >"$C/.new-$$" && mv -f "$C/.new-$$" "$C/pools"; } || rm -f "$C/.new-$$"
}

# names IDS: sets $fh_names to lines of `ID NAME`. Asks Docker or Podman if a container has no known name, and this
# account may ask. An account that may open the socket of Docker is as powerful as root.
names() {
  known=$nl
  [ ! "$fh_counters" ] || while read -r x a b c n || [ "$x" ]; do
    case $x,$n in cg:*,?*) known=$known${x#cg:}$nl fh_names="$fh_names${x#cg:} $n$nl" ;; esac
  done <"$fh_counters"
  o=
  for x in $1; do case $known in *"$nl$x$nl"*) ;; *) o=1 ;; esac; done
  [ "$o" ] && command -v curl >/dev/null || return
  u=$(id -u)
  for x in "$R/run/docker.sock" "$R/run/podman/podman.sock" "$R/run/user/$u/docker.sock" "$R/run/user/$u/podman/podman.sock"; do
    [ -S "$x" ] && [ -r "$x" ] && [ -w "$x" ] || continue
    fh_names=$fh_names$(limited 1 curl -s --unix-socket "$x" http://localhost/containers/json | awk "$program" names)
    return
  done
}
