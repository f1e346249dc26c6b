# The agent for clients without node. It cannot seal: its report goes to nobody but the collector, over SSH, and this
# machine keeps counters alone. Written for dash, bash, BusyBox ash and mksh as /bin/sh; src/loader/loader.ts starts it.
#
# $1 marker, as octal numbers with dots; $2 seconds until it is killed; $3 `t` when timeout(1) does that, `w` when a
# watchdog of its own has to; $4 machine; $5 collector; $6 the client's folder; $7 digest of this text when it was brought,
# else `-`; $8 request; $9 the root of what is read, for tests. Under a restricted key: see pinned.sh.
# One group, so that a file that was cut off says nothing at all.
{
marker=$1 seconds=$2 guard=$3 machine=$4 collector=$5 folder=$6 digest=$7 fh_request=$8 R=$9
fh_root=$R fh_version=@VERSION@ fh_pid=$$ place= C= dog=
LC_ALL=C
export LC_ALL fh_request fh_root fh_version fh_pid
unset BLOCK_SIZE DF_BLOCK_SIZE POSIXLY_CORRECT
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
umask 077
cd /
nl='
'
tab='	'
@PINNED@
exec </dev/null 2>/dev/null

# mksh has no printf of its own, and an argument of another program may not be as long as a report.
case $KSH_VERSION in
*MIRBSD*) say() { print -nr -- "$1"; } ;;
*) say() { printf %s "$1"; } ;;
esac

# TYPE TEXT: a frame of src/report/wire.ts. The text is ASCII, so its chars are bytes.
frame() {
  n=${#2}
  printf %b "$1\\0000\\0$((n / 4194304 % 4))$((n / 524288 % 8))$((n / 65536 % 8))\\0$((n / 16384 % 4))$((n / 2048 % 8))$((n / 256 % 8))\\0$((n / 64 % 4))$((n / 8 % 8))$((n % 8))"
  say "$2"
}

# SECONDS PID: kills it after that time; $w is what to kill when it has ended by itself.
watch() {
  (
    z=
    # It may come as the sleep begins, which then knows $! already, and would lose any signal but this.
    trap '[ ! "$z" ] || kill -9 $!; exit' TERM
    z=1
    sleep $1 &
    wait $!
    kill -9 $2
  ) >/dev/null &
  w=$!
}

# PID: sets $began to what tells this process from a later one of that number; nothing where there is none.
look() {
  began=
  read -r x <"/proc/$1/stat" || return
  set -- ${x##*) }
  state=$1
  case $state in [!Z]) began=${20}-$boot ;; esac
}

# SECONDS COMMAND...: runs it, at most so long. Whoever hangs in the kernel outlives that, so it is written down first.
limited() {
  s=$1
  shift
  "$@" &
  p=$!
  [ ! "$C" ] || { look $p && echo "$p $began" >"$C/running"; }
  watch $s $p
  wait $p
  s=$?
  kill $w
  return $s
}

[ ! "$sign" ] || echo "fh-$sign-loader-"
[ $guard = t ] || { watch $seconds $$ && dog=$w; }
read -r up x <"$R/proc/uptime"
read -r boot <"$R/proc/sys/kernel/random/boot_id"
case $boot in *[!0-9a-f-]*) boot= ;; esac
times=$up

IFS=.
# shellcheck disable=SC2046 # split at the points
set -- $(date -u +%s.%3N.%Y-%m-%dT%H:%M:%S)
# Where this date does not know of milliseconds, the middle of the second is nearest.
case $2 in [0-9][0-9][0-9]) ms=$2 ;; *) ms=500 ;; esac
wall=$1$ms fh_datetime=$3.${ms}Z
set -- $up
mono=$1${2}0
while :; do case $mono in 0?*) mono=${mono#0} ;; *) break ;; esac done
x=
for o in $marker; do x=$x\\0$o; done
printf %b "$x"
IFS=" $tab$nl"
frame H "{\"v\":1,\"agent\":\"$fh_version\",\"wall_ms\":$wall,\"monotonic_ms\":$mono,\"boot_id\":$([ "$boot" ] && echo "\"$boot\"" || echo null),\"reader\":\"shell\"${pinned:+,\"pinned\":\"$pinned\"}}"

# FOLDER...: whether all of them are ours alone, and no links.
ours() {
  for x in "$@"; do [ -d "$x" ] && [ ! -L "$x" ] && [ -O "$x" ] || return; done
  # shellcheck disable=SC2012 # for the modes, which find cannot print everywhere
  ls -ld "$@" | while read -r x; do case $x in drwx------*) ;; *) exit 1 ;; esac done
}
# FILE: whether it is what was sent, as far as this machine can tell.
whole() {
  case $(sha256sum <"$1" || shasum -a 256 <"$1" || echo $digest) in $digest*) ;; *) return 1 ;; esac
}
# ROOT: keeps this text in the first root that takes it, and removes those of other versions from all of them. Of a
# restricted key no text is kept there: then it is only found out where counters can be.
install() {
  [ ! -L "$1" ] || return
  d=$1/$machine/$collector
  [ "$place" ] || { [ -e "$1" ] && [ ! -O "$1" ]; } || mkdir -p "$d"
  ours "$1" "$1/$machine" "$d" || return
  if [ "$pinned" ]; then
    [ "$place" ] || [ ! -w "$d" ] || place=$d
    return
  fi
  if [ ! "$place" ]; then
    # shellcheck disable=SC2154 # upload-shell.sh sets fh_agent
    { say "$fh_agent" >"$d/.new-$$" && whole "$d/.new-$$" && mv -f "$d/.new-$$" "$d/$digest.$guard.sh" && place=$d; } || rm -f "$d/.new-$$"
  fi
  for x in "$d"/*.sh; do [ ! -f "$x" ] || [ "$x" = "$place/$digest.$guard.sh" ] || rm -f "$x"; done
}
if [ "$digest" = - ] && [ ! "$pinned" ]; then
  place=${0%/*}
else
  case $XDG_STATE_HOME in /*) install "$XDG_STATE_HOME/fleet-health" ;; esac
  case $HOME in /*) install "$HOME/.local/state/fleet-health" ;; esac
  u=$(id -u)
  install /var/tmp/fleet-health-$u
  install /dev/shm/fleet-health-$u
  unset fh_agent
fi
if [ "$place" ]; then
  C=$place/$folder
  [ -d "$C" ] || mayHaveFolder || C=
  [ ! "$C" ] || [ -d "$C" ] || mkdir "$C"
  [ -d "$C" ] && [ ! -L "$C" ] && [ -O "$C" ] || C=
fi
fh_dir=$C fh_boot=$boot fh_counters=
if [ "$C" ]; then
  f=$C/counters.shell
  [ -f "$f" ] && [ ! -L "$f" ] && [ -O "$f" ] && fh_counters=$f
  if [ -f "$C/running" ]; then
    read -r o b <"$C/running"
    look "$o"
    # An earlier visit may have been given up a moment ago.
    [ ! "$began" ] || [ "$began" != "$b" ] || { sleep 1 && look "$o"; }
    if [ "$began" ] && [ "$began" = "$b" ]; then
      frame F "{\"code\":\"agent-stuck\",\"message\":\"process $o of an earlier visit has not ended (state $state)\"}"
      frame E '{"left":0,"place":null,"spool_error":null}'
      [ ! "$dog" ] || kill $dog
      exit 0
    fi
  fi
fi

program='@PROGRAM@'

# Mounts and units to ask about; splitting at line breaks alone, and without globs. A mount with a line break in its name
# is asked by itself.
plan=$(export fh_boot; limited 5 awk "$program" plan)
set -f
IFS=$nl
set --
units= fh_files= fh_places= lines=
for x in $plan; do
  o=${x#?}
  case $x in
  u*) units=$units$nl$o ;;
  p*) fh_places=$fh_places$o$tab$(readlink -f "$R$o")$nl ;;
  n*)
    a=$R$(printf %b. "$o")
    lines="$lines$nl$(limited 3 stat -f -c '%b %f %a %S %c %d' "${a%.}") $R$x"
    ;;
  f*) if [ -e "$R$o" ] && [ ! -d "$R$o" ]; then fh_files=$fh_files$nl$o; else set -- "$@" "$R$o"; fi ;;
  *) set -- "$@" "$R$o" ;;
  esac
done
fh_usage= fh_inodes= fh_disks_fault= s=0
if [ $# != 0 ]; then
  # It asks about these alone, while df may look at every mount there is, dead ones included.
  fh_usage=$(limited 3 stat -f -c '%b %f %a %S %c %d %n' "$@")
  s=$?
  if [ ! "$fh_usage" ] && [ $s != 137 ]; then
    fh_usage=$(limited 3 df -kP "$@")
    s=$?
    [ $s = 137 ] || fh_inodes=$(limited 3 df -kPi "$@")
  fi
fi
[ $s != 137 ] || fh_disks_fault='no answer within 3 s'
fh_usage=$fh_usage$lines
read -r up x <"$R/proc/uptime"
times="$times ${up%% *}"

fh_units= fh_units_fault=
if [ ! -d "$R/run/systemd/system" ]; then
  fh_units_fault='no systemd'
elif ! command -v systemctl >/dev/null; then
  fh_units_fault='no systemctl'
else
  fh_units=$(limited 2 systemctl show --no-pager --state=failed -p Id -p Names -p LoadState -p ActiveState -p NRestarts -p InactiveExitTimestampMonotonic -- '*' $units)
  s=$?
  case $s in 0) ;; 137) fh_units_fault='systemctl: no answer within 2 s' ;; *) fh_units_fault="systemctl: ended with $s" ;; esac
fi
read -r up x <"$R/proc/uptime"
fh_times="$times ${up%% *}"
set +f
IFS=" $tab$nl"

fh_links=
for x in "$R"/sys/class/net/*; do
  a= b= c= o=
  read -r a <"$x/carrier"
  read -r b <"$x/operstate"
  read -r c <"$x/speed"
  { [ -e "$x/device" ] || [ -e "$x/bonding" ]; } && o=1
  fh_links="$fh_links ${x##*/}/$a/$b/$c/$o"
done
fh_sensors=
for x in "$R"/sys/class/hwmon/*/temp*_input; do
  [ -e "$x" ] || continue
  d=${x%/*} o=${x##*/}
  o=${o%_input} a=${d##*/} b=$a c=
  read -r a <"$d/name"
  read -r o <"${x%input}label"
  read -r c <"$x"
  cd -P "$d/device" && b=${PWD##*/}
  cd /
  fh_sensors=$fh_sensors$a$tab$b$tab$o$tab$c$nl
done
[ "$fh_sensors" ] || for x in "$R"/sys/class/thermal/thermal_zone*; do
  [ -e "$x" ] || continue
  a=${x##*/} c=
  read -r a <"$x/type"
  read -r c <"$x/temp"
  fh_sensors=${fh_sensors}thermal$tab${x##*/}$tab$a$tab$c$nl
done
fh_container=
if [ -e "$R/.dockerenv" ]; then
  fh_container=docker
elif [ -e "$R/run/.containerenv" ]; then
  fh_container=podman
elif [ -e "$R/proc/vz" ] && [ ! -e "$R/proc/bc" ]; then
  fh_container=openvz
fi
fh_reboot=
for x in run/reboot-required var/run/reboot-required run/reboot-needed; do [ ! -e "$R/$x" ] || fh_reboot=1; done
# Modules that are loaded came from a folder; where it is gone while others are there, the kernel was replaced.
read -r k <"$R/proc/sys/kernel/osrelease"
set -- "$R"/lib/modules/*
[ -e "$1" ] && [ ! -e "$R/lib/modules/$k" ] && read -r x <"$R/proc/modules" && fh_reboot=1
fh_machine=$(uname -m)
export fh_datetime fh_dir fh_boot fh_counters fh_usage fh_inodes fh_files fh_places fh_disks_fault fh_units fh_units_fault fh_times
export fh_links fh_sensors fh_container fh_reboot fh_machine

r=$(limited $((seconds / 2)) awk "$program" report "$R"/proc/[0-9]*/stat)
s=$?
report=${r%%"$nl"*}
r=${r#*"$nl"}
end=${r%%"$nl"*}
# shellcheck disable=SC1083 # two objects of JSON
case $s,$report,$end in
0,{*},{*})
  if [ "$C" ]; then
    for x in "$C"/.new-*; do [ ! -f "$x" ] || rm -f "$x"; done
    { say "${r#*"$nl"}" >"$C/.new-$$" && mv -f "$C/.new-$$" "$C/counters.shell"; } || rm -f "$C/.new-$$"
  fi
  frame U "$report"
  ;;
137,*)
  frame F '{"code":"agent-timeout","message":"the probes did not end in time"}'
  end='{"left":0,"place":null,"spool_error":null}'
  ;;
*)
  frame F "{\"code\":\"agent-failed\",\"message\":\"awk made no report (status $s)\"}"
  end='{"left":0,"place":null,"spool_error":null}'
  ;;
esac
frame E "$end"
[ ! "$dog" ] || kill $dog
exit 0
}
