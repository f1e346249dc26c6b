# The agent for clients without node. It cannot seal, so it sends its report to the collector over SSH and keeps only
# counters on this machine. Runs in dash, bash, BusyBox ash and mksh as /bin/sh. src/loader/loader.ts starts it.
#
# Arguments: $1 marker in octal numbers with dots; $2 seconds until the agent is killed; $3 `t` if timeout(1) kills it,
# `w` if a watchdog of its own does; $4 machine; $5 collector; $6 folder of the client; $7 digest of this text if it was
# uploaded now, else `-`; $8 request; $9 root of the files to read, for tests. pinned.sh has those of a restricted key.
# The braces make one command of the text: a truncated file does nothing.
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

# mksh has no built-in printf, and a report is too long for an argument of another program.
case $KSH_VERSION in
*MIRBSD*) say() { print -nr -- "$1"; } ;;
*) say() { printf %s "$1"; } ;;
esac

# octal NUMBER: sets $o to an escape of printf for the last byte of the number.
octal() { o="\\0$(($1 / 64 % 4))$(($1 / 8 % 8))$(($1 % 8))"; }
# frame TYPE TEXT: writes a frame of src/report/wire.ts. The text is ASCII, so its characters are its bytes.
frame() {
  n=${#2} x=$1\\0000
  for o in $((n / 65536)) $((n / 256)) $n; do octal $o && x=$x$o; done
  printf %b "$x"
  say "$2"
}

# watch SECONDS PID: kills the process after that time. Sets $w to the process to kill if it ends before.
watch() {
  (
    z=
    # The signal may arrive while the sleep starts. The sleep then has its $! already, and only SIGKILL reaches it.
    trap '[ ! "$z" ] || kill -9 $!; exit' TERM
    z=1
    sleep $1 &
    wait $!
    kill -9 $2
  ) >/dev/null &
  w=$!
}

# look PID: sets $began to the start and boot of the process, which distinguish it from a later process with this pid.
# Sets $began to nothing if there is no such process.
look() {
  began=
  read -r x <"/proc/$1/stat" || return
  set -- ${x##*) }
  state=$1
  case $state in [!Z]) began=${20}-$boot ;; esac
}

# limited SECONDS COMMAND...: runs the command with a time limit. Records the process first: one that hangs in the
# kernel cannot be killed.
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
# Some date(1) know no milliseconds: the middle of the second is the best guess.
case $2 in [0-9][0-9][0-9]) ms=$2 ;; *) ms=500 ;; esac
wall=$1$ms fh_datetime=$3.${ms}Z
set -- $up
mono=$1${2}0
while :; do case $mono in 0?*) mono=${mono#0} ;; *) break ;; esac done
x=
for o in $marker; do x=$x\\0$o; done
printf %b "$x"
IFS=" $tab$nl"
x=null
[ ! "$boot" ] || x=\"$boot\"
x="\"monotonic_ms\":$mono,\"boot_id\":$x,\"reader\":\"shell\"${pinned:+,\"pinned\":\"$pinned\"}"
frame H "{\"v\":1,\"agent\":\"$fh_version\",\"wall_ms\":$wall,$x}"

# ours FOLDER...: true if all folders are this user's, closed to others, and no links.
ours() {
  for x in "$@"; do [ -d "$x" ] && [ ! -L "$x" ] && [ -O "$x" ] || return; done
  # shellcheck disable=SC2012 # for the modes, which find cannot print everywhere
  ls -ld "$@" | while read -r x; do case $x in drwx------*) ;; *) exit 1 ;; esac done
}
# whole FILE: true if the file has the digest of the uploaded text, or this machine has no program to compute digests.
whole() {
  case $(sha256sum <"$1" || shasum -a 256 <"$1" || echo $digest) in $digest*) ;; *) return 1 ;; esac
}
# install ROOT: keeps this text in the first writable root, and removes other versions from all roots. Under a
# restricted key keeps no text, and only finds the place for counters.
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
    x=$d/.new-$$
    # shellcheck disable=SC2154 # upload-shell.sh sets fh_agent
    { say "$fh_agent" >"$x" && whole "$x" && mv -f "$x" "$d/$digest.$guard.sh" && place=$d; } || rm -f "$x"
  fi
  for x in "$d"/*.sh; do [ ! -f "$x" ] || [ "$x" = "$place/$digest.$guard.sh" ] || rm -f "$x"; done
}
if [ "$digest" = - ] && [ ! "$pinned" ]; then
  place=${0%/*}
else
  case $XDG_STATE_HOME in /*) install "$XDG_STATE_HOME/fleet-health" ;; esac
  case $HOME in /*) [ ! -d "$HOME" ] || install "$HOME/.local/state/fleet-health" ;; esac
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
    # The collector may have given up the earlier visit a moment ago.
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
@CHECKS@
@BUILT_IN@

# The plan has a line for each mount and unit to ask. It is split at line breaks alone, without globs. A mount with a
# line break in its name has a question of its own.
plan=$(export fh_boot; limited 5 awk "$program" plan)
set -f
IFS=$nl
set --
units= fh_files= fh_places= lines= fh_requested= fh_asks=
for x in $plan; do
  o=${x#?}
  case $x in
  u*) units=$units$nl$o ;;
  c*) [ "$pinned" ] || fh_requested=$fh_requested$o$nl ;;
  l*) fh_asks=$fh_asks$o$nl ;;
  p*) fh_places=$fh_places$o$tab$(readlink -f "$R$o")$nl ;;
  n*)
    a=$R$(printf %b. "$o")
    lines="$lines$nl$(limited 3 stat -f -c '%b %f %a %S %c %d' "${a%.}") $R$x"
    ;;
  f*) if [ -e "$R$o" ] && [ ! -d "$R$o" ]; then fh_files=$fh_files$nl$o; else set -- "$@" "$R$o"; fi ;;
  *) set -- "$@" "$R$o" ;;
  esac
done
K= fh_members=
for x in "$R/etc" "$HOME/.config"; do [ ! -d "$x/fleet-health/checks.d" ] || K=$C/checks; done
fh_gpu=
[ ! -e "$R/usr/bin/nvidia-smi" ] || fh_gpu=1 K=$C/checks
export fh_gpu
[ ! "$fh_requested" ] || K=$C/checks
# Without a record of hanging processes every visit could leave another one.
if [ "$C" ] && [ "$K" ] && { [ -d "$K" ] || mkdir "$K"; } && [ ! -L "$K" ]; then
  fh_members=$K/members
  rm -f "$fh_members"
  checks >/dev/null &
  checking=$!
fi
fh_usage= fh_inodes= fh_disks_fault= s=0
if [ $# != 0 ]; then
  # stat asks these mounts alone. df may look at all mounts, even dead ones.
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
  timers= n= o=
  set +f
  for x in "$R"/etc/systemd/system "$R"/usr/lib/systemd/system "$R"/lib/systemd/system; do
    for a in "$x"/timers.target.wants/*.timer; do
      [ -L "$a" ] || [ -e "$a" ] || continue
      a=${a##*/}
      case $timers$nl in *"$nl$a$nl"*) ;; *) [ ${#n} = 50 ] || timers=$timers$nl$a n=${n}1 ;; esac
    done
  done
  set -f
  [ ! "$timers" ] || for x in SubState ActiveEnterTimestampMonotonic LastTriggerUSecMonotonic TimersMonotonic \
    TimersCalendar RandomizedDelayUSec AccuracyUSec; do o=$o$nl-p$nl$x; done
  fh_units=$(
    limited 2 systemctl show --no-pager --state=failed -p Id -p Names -p LoadState -p ActiveState -p NRestarts \
      -p InactiveExitTimestampMonotonic $o -- '*' $units $timers
  )
  s=$?
  case $s in
  0) ;;
  137) fh_units_fault='systemctl: no answer within 2 s' ;;
  *) fh_units_fault="systemctl: ended with $s" ;;
  esac
fi
read -r up x <"$R/proc/uptime"
fh_times="$times ${up%% *}"

fh_logs= log=
if [ "$fh_asks" ]; then
  fh_log= failed= f=$C/log
  [ "$C" ] && [ -f "$f" ] && [ ! -L "$f" ] && [ -O "$f" ] && { read -r fh_log && read -r failed; } <"$f"
  # shellcheck disable=SC3045 # dash and BusyBox know -S; without it awk is bounded by time alone
  r=$(
    export fh_asks fh_log fh_boot
    ulimit -S -v 131072
    ulimit -S -t 5
    limited 8 awk "$program" logs
  )
  s=$?
  fh_logs=${r%%"$nl"*}
  # shellcheck disable=SC2089 # JSON
  case $s,$fh_logs in
  0,'{'*'}') log=${r#*"$nl"} && [ "$log" != "$r" ] || log= ;;
  *)
    # The next visit reads these lines. If they are too much for it as well, the one after it begins at the end.
    why="awk ended with $s"
    if [ ! "$fh_log" ]; then log=
    elif [ "$failed" ]; then log= why="$why; the lines until now are skipped"
    else log=$fh_log${nl}failed; fi
    fh_logs="{\"name\":\"log\",\"duration_ms\":0,\"error\":\"$why\",\"function_reports\":[]}" ;;
  esac
fi
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
fh_devices=
# device KIND FOLDER PATTERN...: adds a device and its files.
device() {
  fh_devices=$fh_devices$1$tab${2#"$R"}$nl d=$2
  shift 2
  # shellcheck disable=SC2086 # the patterns are expanded
  for x; do for o in "$d"$x; do [ ! -e "$o" ] || fh_devices=$fh_devices$tab${o#"$d"}$nl; done; done
}
for f in "$R"/proc/net/bonding/*; do [ ! -e "$f" ] || device bond "$f" ''; done
for f in "$R"/sys/block/*; do
  [ ! -e "$f/md" ] || device md "$f" /md/array_state /md/metadata_version /md/level /md/raid_disks /md/degraded \
    /md/sync_action /md/sync_completed /md/mismatch_cnt /md/uuid '/md/dev-*/state'
done
for f in "$R"/sys/devices/system/edac/mc/*; do
  [ ! -e "$f/ce_count" ] || device ecc "$f" /ce_count /ue_count /mc_name
done
for f in "$R"/sys/fs/btrfs/*; do
  [ ! -e "$f/devinfo" ] || device btrfs "$f" /label '/devinfo/*/missing' '/devinfo/*/error_stats'
done
for f in "$R"/proc/spl/kstat/zfs/*; do [ ! -e "$f/state" ] || device zfs "$f" /state; done
for f in "$R"/sys/fs/ext4/*; do
  [ ! -e "$f/errors_count" ] || device ext4 "$f" /errors_count /last_error_time /last_error_func
done
fh_scopes= fh_names= a=
x=$R/sys/fs/cgroup
[ ! -e "$x/cgroup.controllers" ] || for x in "$x"/system.slice/docker-*.scope "$x"/machine.slice/libpod-*.scope \
  "$x"/docker/* "$x"/user.slice/user-*.slice/user@*.service/user.slice/docker-*.scope \
  "$x"/user.slice/user-*.slice/user@*.service/user.slice/libpod-*.scope; do
  o=${x##*/}
  o=${o#docker-}
  o=${o#libpod-}
  o=${o%.scope}
  case $o in *[!0-9a-f]*) continue ;; esac
  [ ${#o} = 64 ] || continue
  fh_scopes=$fh_scopes${x#"$R"}$nl a=$a${o%"${o#????????????}"}$nl
done
[ ! "$fh_scopes" ] || names "$a"
fh_container=
if [ -e "$R/.dockerenv" ]; then
  fh_container=docker
elif [ -e "$R/run/.containerenv" ]; then
  fh_container=podman
elif [ -e "$R/proc/vz" ] && [ ! -e "$R/proc/bc" ]; then
  fh_container=openvz
fi
# The namespace of process ids outside of containers is the same on every machine.
fh_inside=
o=$(readlink "$R/proc/self/ns/pid")
if [ "$o" != 'pid:[4026531836]' ]; then
  fh_inside=$(tr '\0' '\n' <"$R/proc/1/environ" | sed -n 's/^container=//p')
  [ "$fh_inside" ] || ! grep -q ' /proc/[^ ]* .* - fuse\.lxcfs ' "$R/proc/self/mountinfo" || fh_inside=lxc
  [ "$fh_inside" ] || [ ! "$o" ] || fh_inside=container-other
fi
fh_reboot=
for x in run/reboot-required var/run/reboot-required run/reboot-needed; do [ ! -e "$R/$x" ] || fh_reboot=1; done
# The kernel was replaced if its folder of modules is missing, other folders exist, and modules are loaded.
read -r k <"$R/proc/sys/kernel/osrelease"
set -- "$R"/lib/modules/*
[ -e "$1" ] && [ ! -e "$R/lib/modules/$k" ] && read -r x <"$R/proc/modules" && fh_reboot=1
fh_clock=
if { [ -e "$R/run/chrony" ] || [ -e "$R/run/chronyd.pid" ]; } && command -v chronyc >/dev/null; then
  o=$(limited 1 chronyc -n tracking) && case $o in
  *'Leap status'*'Not synchronised'*) fh_clock=0 ;;
  *'Leap status'*) fh_clock=1 ;;
  esac
fi
x=$R/run/systemd/timesync
if [ "$fh_clock" ]; then
  :
elif [ -e "$x/synchronized" ]; then
  # A find without -mmin prints nothing.
  o=$(find "$x/synchronized" -mmin -180) && fh_clock=${o:+1} && fh_clock=${fh_clock:-0}
elif [ -d "$x" ]; then
  fh_clock=0
else
  for x in chrony/drift chrony/chrony.drift ntp/ntp.drift ntpsec/ntp.drift; do
    [ ! -e "$R/var/lib/$x" ] || [ ! "$(find "$R/var/lib/$x" -mmin -180)" ] || fh_clock=1
  done
fi
fh_machine=$(uname -m)
export fh_datetime fh_dir fh_boot fh_counters fh_usage fh_inodes fh_files fh_places fh_disks_fault fh_units
[ ! "$fh_members" ] || wait $checking
fh_wall=${wall%???} fh_asked=
export fh_wall fh_asked
[ ! "$C" ] || updates
[ ! "$C" ] || pools
export fh_scopes fh_names
# shellcheck disable=SC2090 # JSON in fh_logs
export fh_members fh_devices fh_logs fh_units_fault fh_times fh_links fh_sensors fh_container fh_reboot fh_machine
export fh_clock fh_inside

# mawk gives up when a process ends while its file is read.
for x in 1 2 3; do
  r=$(limited $((seconds / 2)) awk "$program" report "$R"/proc/[0-9]*/stat)
  s=$?
  [ $s = 2 ] || break
done
report=${r%%"$nl"*}
r=${r#*"$nl"}
end=${r%%"$nl"*}
# shellcheck disable=SC1083 # two objects of JSON
case $s,$report,$end in
0,{*},{*})
  if [ "$C" ]; then
    for x in "$C"/.new-*; do [ ! -f "$x" ] || rm -f "$x"; done
    { say "${r#*"$nl"}" >"$C/.new-$$" && mv -f "$C/.new-$$" "$C/counters.shell"; } || rm -f "$C/.new-$$"
    if [ "$log" ]; then
      { say "$log$nl" >"$C/.new-$$" && mv -f "$C/.new-$$" "$C/log"; } || rm -f "$C/.new-$$"
    else
      [ ! "$fh_asks" ] || rm -f "$C/log"
    fi
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
[ ! "$fh_members" ] || { rm -f "$fh_members" "$K/plan" && rmdir "$K"; }
frame E "$end"
[ ! "$dog" ] || kill $dog
exit 0
}
