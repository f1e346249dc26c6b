# The agent for clients without Node. It copies what the probes name (agent/probes/reads.ts) to the collector, which runs
# the probes on this capture (parse-capture.ts has its form). It cannot seal, and keeps only notes of the collector on
# this machine. Runs in dash, bash, BusyBox ash and mksh as /bin/sh. src/transport/loader/loader.ts starts it.
#
# Arguments: $1 marker in octal numbers with dots; $2 seconds until the agent is killed; $3 `t` if timeout(1) kills it,
# `w` if a watchdog of its own does; $4 machine; $5 collector; $6 folder of the client; $7 digest of this text if it was
# uploaded now, else `-`; $8 request; $9 root of the files to read, for tests. pinned.sh has those of a restricted key.
# The braces make one command of the text: a truncated file does nothing.
# shellcheck disable=SC2043 # the build puts the words of a loop in place of @NAMES@ and its like
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
exec 9<&0 8</dev/null </dev/null 2>/dev/null

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
    end $2
  ) >/dev/null &
  w=$!
}

# end PID: kills a process and those that it started, except this one.
end() {
  kill -STOP $1
  read -r self x </proc/self/stat
  for f in /proc/[0-9]*/stat; do
    read -r x <"$f" || continue
    o=${x##*) }
    o=${o#? }
    f=${f%/stat}
    [ "${o%% *}" != $1 ] || [ "${f##*/}" = $self ] || (end ${f##*/})
  done
  kill -9 $1
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

# limited SECONDS COMMAND...: runs the command with a time limit. Its input is descriptor 8, which is empty. Records the
# process first: one that hangs in the kernel cannot be killed.
limited() {
  s=$1
  shift
  "$@" <&8 &
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
read -r begun x </proc/uptime
read -r boot <"$R/proc/sys/kernel/random/boot_id"
case $boot in *[!0-9a-f-]*) boot= ;; esac

# Some date(1) know no milliseconds, or refuse them: the middle of the second is the best guess. The kernel knows the
# time of the boot.
wall=$(date -u +%s.%3N)
case $wall in *.[0-9][0-9][0-9]) ;; *) wall=$(date -u +%s).500 ;; esac
case ${wall%.*} in '' | *[!0-9]*)
  wall=$(grep '^btime' /proc/stat)
  wall=$((${wall#btime } + ${begun%.*})).500
  ;;
esac
wall=${wall%.*}${wall#*.}
IFS=.
# shellcheck disable=SC2086 # split at the point
set -- $up
mono=$1${2}0
while :; do case $mono in 0?*) mono=${mono#0} ;; *) break ;; esac done
mark=
for o in $marker; do mark=$mark\\0$o; done
printf %b "$mark"
IFS=" $tab$nl"
x=null
[ ! "$boot" ] || x=\"$boot\"
x="\"monotonic_ms\":$mono,\"boot_id\":$x,\"reader\":\"shell\"${pinned:+,\"pinned\":\"$pinned\"}"
frame H "{\"v\":1,\"agent\":\"$fh_version\",\"wall_ms\":$wall,$x}"

# ours FOLDER...: true if all folders are this user's, closed to others, and no links.
ours() {
  for x in "$@"; do [ -d "$x" ] && [ ! -L "$x" ] && [ -O "$x" ] || return; done
  # shellcheck disable=SC2012 # for the modes, which find cannot print everywhere
  ls -ld "$@" | {
    o=$#
    while read -r x; do case $x in drwx------*) o=$((o - 1)) ;; esac done
    [ $o = 0 ]
  }
}
# whole FILE: true if the file has the digest of the uploaded text, or this machine has no program to compute digests.
whole() {
  case $(limited 2 sha256sum 8<"$1" | head -c 64) in
  $digest*) ;;
  *) case $(limited 1 sha256sum | head -c 64) in @EMPTY@*) return 1 ;; esac ;;
  esac
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
# shellcheck disable=SC2034 # checks.sh exports it
fh_dir=$C fh_boot=$boot
if [ "$C" ]; then
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
# A BusyBox may lack nice.
low='nice -n 19'
command -v nice >/dev/null || low=
@CHECKS@
@STATE@

# The plan has a line for each question. It is split at line breaks alone, without globs.
plan= s=5
for fh_awk in awk /usr/bin/awk /bin/awk mawk gawk original-awk nawk 'busybox awk'; do
  # shellcheck disable=SC2086 # the words
  plan=$(limited $s $fh_awk "$program" plan | head -c 1048576)
  # Another program may have the name.
  case $nl$plan in *"$nl.") break ;; esac
  plan= fh_awk= s=3
done
case $fh_awk in
awk | '') ;;
*) awk() { (IFS=' ' && exec $fh_awk "$@"); } ;;
esac
units= fh_requested= fh_asks= slow= odd= fstab= stamp= wanted= noFiles= noExcerpts= former=
set -f
IFS=$nl
set --
# shellcheck disable=SC2034 # state.sh has the rest
for x in $plan; do
  o=${x#?}
  case $x in
  u*) units=$units$nl$o ;;
  c*) [ "$pinned" ] || fh_requested=$fh_requested$o$nl ;;
  l*) fh_asks=$fh_asks$o$nl ;;
  f????????????????????????????????) former=$place/$o ;;
  t) [ "$pinned" ] && [ ! "$fh_mayState" ] || stamp=1 ;;
  w) wanted=$stamp ;;
  n) noFiles=1 ;;
  e) noExcerpts=1 ;;
  r*) fstab=$fstab$o$nl ;;
  s*) slow=$slow$o$nl ;;
  q*\\*) odd=$odd$o$nl ;;
  q*) set -- "$@" ".$o" ;;
  esac
done
set +f
IFS=" $tab$nl"
# What the folder of a former name keeps moves, as in agent/spool/visit.ts.
if [ "$former" ] && [ "$C" ] && [ "$former" != "$C" ] && [ -d "$former" ] && ours "$former"; then
  for x in "$former"/*; do
    o=$C/${x##*/}
    case $x in */spool.sh) continue ;; esac
    if [ -e "$o" ] || [ -L "$o" ]; then rm -rf "$x"; else mv -f "$x" "$o"; fi
  done
  rm -f "$former"/.new-*
  rmdir "$former"
fi
# The files that ask for checks, one a line.
K=$C/checks fh_members= asked=
for x in "$R/etc" "$HOME/.config"; do
  x=$x/fleet-health/checks.d
  [ ! -d "$x" ] || asked=$asked$x$nl
done
fh_gpu=
[ ! -e "$R/usr/bin/nvidia-smi" ] || fh_gpu=1 asked=$asked/usr/bin/nvidia-smi$nl
export fh_gpu
# Without awk the request is not read: these are the forms of `"checks":[` in it.
[ "$fh_awk" ] || [ "$pinned" ] || case $fh_request in *ImNoZWNrcyI6W* | *JjaGVja3MiOl* | *iY2hlY2tzIjpb*) fh_requested=1 ;; esac
[ ! "$fh_requested" ] || asked=${asked}config.xml$nl
# Without a record of hanging processes every visit could leave another one.
if [ "$C" ] && [ "$fh_awk" ] && [ "$asked" ] && { [ -d "$K" ] || mkdir "$K"; } && [ ! -L "$K" ]; then
  fh_members=$K/members asked=
  rm -f "$fh_members"
fi

# tell TEXT: prints a line of the capture.
tell() { say "$1$nl"; }
# from NAME SECONDS COMMAND...: prints the output of a program with a time limit, each line with the name, and its status
# as the last line. The output of a program that does not stop is cut, and then has no status.
from() {
  n=$1
  tell "=limit $n $2"
  shift
  {
    limited "$@"
    printf '\n=%s\n' $?
  } | head -c 1048000 | sed "s/^/:$n:/;16000q"
  tell
}
# copy: prints files.
copy() {
  grep -as '' @FILES@
  # Names of pools alone may have colons.
  for x in @POOLS@; do
    case $x in *:*) sed "s,^,$(say "$x" | tr : '\001'):," "$x" ;; esac
  done
  [ "$scopes" ] || return
  IFS=$nl
  set -f
  # shellcheck disable=SC2086 # the files, one a line
  grep -as '' /dev/null $scopes
  set +f
  IFS=" $tab$nl"
}
# scopes: prints the cgroups of containers, and sets $scopes to their files, as agent/probes/containers.ts finds them.
scopes() {
  scopes=
  o=sys/fs/cgroup
  [ -e $o/cgroup.controllers ] || o='@CONTROLLERS@'
  # shellcheck disable=SC2086 # the controllers
  o=$(find $o -maxdepth 10 -type d -name '*????????????????????????????????????????????????????????????????*' |
    grep -E '[-/][0-9a-f]{64}([.]scope)?$' | grep -vE ':|.{250}.{250}.{250}' | sort | head -n @MOST_CGROUPS@)
  IFS=$nl
  set -f
  for x in $o; do
    tell "+$x"
    IFS=" $tab$nl"
    for a in @CGROUP_FILES@; do [ ! -e "$x/$a" ] || scopes=$scopes$x/$a$nl; done
  done
  set +f
  IFS=" $tab$nl"
}
# firsts FILE...: prints the first texts of files whose texts end in a null byte. Some awks read no further by themselves.
firsts() {
  limited 3 awk 'BEGIN {
    RS = "\0"
    for (i = 1; i < ARGC; i++) {
      file = ARGV[i]
      if ((getline line <file) > 0) {
        gsub(/[\001-\037]/, "?", line)
        print "!" file ":" substr(line, 1, 4096)
      }
      close(file)
    }
  }' "$@"
}
# top LINES FILE: prints the first lines of a file whose other lines would cost the kernel time.
top() {
  k=$1
  while [ $k -gt 0 ] && IFS= read -r x; do
    tell "$2:$x"
    k=$((k - 1))
  done <"$2"
}
# plain PATH: sets $p to the path of a mount, which is escaped as in mountinfo.
plain() {
  p=$1
  case $p in *\\*) p=$(printf %b. "$(say "$1" | sed 's/\\/\\0/g')") && p=${p%.} ;; esac
}
# kind PATH: prints whether a mount is there.
kind() {
  plain "$1"
  if [ -d ".$p" ]; then
    tell "=kind .$1 folder"
  elif [ -e ".$p" ]; then
    tell "=kind .$1 file"
  else
    while [ "$p" ] && [ ! -d ".$p" ]; do p=${p%/*}; done
    [ -x ".$p/" ] || tell "=kind .$1 closed"
  fi
}
form='%b %f %a %S %c %d'
# quick MOUNT...: prints the space of mounts. stat asks these mounts alone; df may look at all mounts, even dead ones.
quick() {
  for x; do kind "${x#.}"; done
  u=$(limited 3 stat -f -c "=fs $form %n" "$@")
  s=$?
  # Another stat may ignore a part of the question.
  u=$(say "$u$nl" | grep -E '^=fs ([0-9]+ ){6}')
  if [ ! "$u" ] && [ $s != 137 ]; then
    from df 3 df -kP "$@"
    from dfi 3 df -kPi "$@"
  elif [ $s = 137 ]; then
    tell '=nofs no answer within 3 s'
  fi
  [ ! "$u" ] || tell "$u"
}
# ask NUMBER MOUNT: asks a mount that may hang, in the background. Tells fd 3 its process and its end.
ask() {
  plain "$2"
  stat -f -c "$form" ".$p" >"$C/ask-$1" 2>&1 &
  tell "p $1 $!" >&3
  wait $!
  s=$?
  [ $s != 0 ] || df -kP ".$p" | sed -n 2p >>"$C/ask-$1"
  tell "r $1 $s" >&3
}
# dear: prints the space of the mounts that may hang. All are asked at once, so that a dead one costs itself alone. The
# next visit finds the processes that cannot be killed, and does not ask their mounts again.
dear() {
  was=$nl kept= k=0 n=0
  while read -r x b m; do
    look "$x"
    [ ! "$began" ] || [ "$began" != "$b" ] || kept="$kept$x $b $m$nl" was=$was$m$nl
  done <"$C/hanging"
  mkfifo "$C/fifo-$$" && exec 3<>"$C/fifo-$$" && rm -f "$C/fifo-$$" || return
  set -f
  IFS=$nl
  for x in $slow; do
    case $was in *"$nl$x$nl"*) tell "=hang .$x" && continue ;; esac
    [ $k -lt 256 ] || break
    k=$((k + 1))
    eval "m$k=\$x p$k="
    ask $k "$x" >/dev/null &
  done
  set +f
  IFS=" $tab$nl"
  (
    sleep 2
    tell late >&3
  ) >/dev/null &
  late=$!
  n=$k
  while [ $n -gt 0 ] && read -r x i s <&3; do
    case $x in
    p) eval "p$i=\$s" ;;
    r)
      n=$((n - 1)) o=
      eval "x=\$m$i m$i="
      {
        read -r b
        read -r o
      } <"$C/ask-$i"
      if [ $s = 0 ]; then tell "=fs $b .$x"; else tell "=fail .$x $b"; fi
      [ ! "$o" ] || tell "=df .$x $o"
      ;;
    late) break ;;
    esac
  done
  kill $late
  while [ $k -gt 0 ]; do
    eval "m=\$m$k p=\$p$k"
    k=$((k - 1))
    [ "$m" ] || continue
    tell "=late .$m 2000"
    [ ! "$p" ] || { look $p && kill -9 $p && kept="$kept$p $began $m$nl"; }
  done
  exec 3>&-
  rm -f "$C"/ask-*
  if [ "$kept" ]; then keep "$kept" hanging; else rm -f "$C/hanging"; fi
}
# capture: prints everything.
capture() {
  if [ "$fh_members" ]; then
    checks >/dev/null &
    checking=$!
  fi
  cd "$R/" || return
  tell "=pid $$"
  u='nothing can be kept'
  [ "$fh_awk" ] || { u='awk: its answer is not that of awk' && tell "=nofs $u"; }
  say "$asked" | sed "s/\$/$(printf '\037')$u/; s/^/:checks:r/"
  [ ! "$R" ] || tell "=root $R"
  [ ! "$C" ] || tell "=place $C"
  [ -e proc/sys/kernel/arch ] || tell "=uname $(uname -m)"
  printf '+%s\n' @GLOBS@
  for x in @NAMES@; do [ ! -e "$x" ] || tell "+$x"; done
  for x in @LITERALS@; do [ ! -e "$x" ] || [ -r "$x" ] || tell "-$x"; done
  for x in proc/[0-9]*; do [ -x "$x" ] || [ ! -d "$x" ] || tell "-$x/stat"; done
  scopes
  copy
  # Without counters of this boot that are 10 s old everything is read twice.
  b= s=
  [ ! "$C" ] || read -r b s <"$C/notes"
  case $s in '' | *[!0-9]*) b=- s=0 ;; esac
  [ ! -f "$C/notes" ] || sed 's/^/:notes:/' "$C/notes"
  if [ ! "$R" ] && { [ "$b" != "$boot" ] || [ $((${up%%.*} - s)) -lt 10 ]; }; then
    sleep 1
    tell '=sample'
    copy
  fi
  firsts @FIRSTS@
@HEADS@
  for x in @LINKS@; do
    cd -P "$x" || continue
    o=${PWD##*/}
    cd "$R/" || return
    tell "=link ./$x $o"
  done
  o=$(readlink proc/self/ns/pid)
  [ ! "$o" ] || tell "=link ./proc/self/ns/pid $o"
  # The namespace of process ids outside of containers is the same on every machine. The rest of the environment may be
  # secret.
  [ "$o" = 'pid:[4026531836]' ] || tr '\0' '\n' <proc/1/environ | sed -n 's/^container=/proc\/1\/environ:&/p'
  n=
  for x in @TIMES@; do [ ! -e "$x" ] || { n="$n $x" && tell "+$x"; }; done
  # shellcheck disable=SC2086 # the files
  [ ! "$n" ] || stat -c '=time ./%n %Y' $n
  # The account may be one of systemctl's and chronyc's: the fixed folders are behind those of PATH.
  { [ ! -e run/chrony ] && [ ! -e run/chronyd.pid ]; } || ! command -v chronyc >/dev/null || from chronyc 1 chronyc -n tracking
  if [ -d run/systemd/system ] && command -v systemctl >/dev/null; then
    systemctl_
  fi
  [ $# = 0 ] || quick "$@"
  set -f
  IFS=$nl
  for x in $odd; do
    kind "$x"
    plain "$x"
    tell "=fs $(limited 3 stat -f -c "$form" ".$p") .$x"
  done
  for x in $fstab; do
    plain "$x"
    o=$(limited 3 readlink -f ".$p")
    case $o in /*) tell "=real .$x ${o#"$R"}" ;; esac
  done
  IFS=" $tab$nl"
  set +f
  [ ! "$slow" ] || [ ! "$C" ] || dear
  containers
  [ ! "$C" ] || daily
  [ ! "$fh_asks" ] || logs
  [ ! "$fh_members" ] || {
    wait $checking
    sed 's/^/:checks:/' "$fh_members"
  }
  k=
  while read -r x o n; do [ "$x" != VmRSS: ] || k=$o; done <"/proc/$$/status"
  read -r x <"/proc/$$/stat"
  read -r n <"/proc/self/stat"
  read -r up o <"/proc/uptime"
  tell "=end $begun|$up|$k|$x|$n"
}
# systemctl_: asks for failed units, those that rules name, and the timers that are enabled.
systemctl_() {
  timers= n= o=
  for x in etc/systemd/system usr/lib/systemd/system lib/systemd/system; do
    for a in "$x"/timers.target.wants/*.timer; do
      [ -L "$a" ] || [ -e "$a" ] || continue
      a=${a##*/}
      case $timers$nl in *"$nl$a$nl"*) ;; *) [ ${#n} = 50 ] || timers=$timers$nl$a n=${n}1 ;; esac
    done
  done
  [ ! "$timers" ] || o='@TIMER_PROPERTIES@'
  set -f
  # shellcheck disable=SC2086 # the properties
  set -- show --no-pager --state=failed @UNIT_PROPERTIES@ $o -- @ROOT_SLICE@ '*'
  IFS=$nl
  # shellcheck disable=SC2086 # the units, one a line
  set -- "$@" $units $timers
  IFS=" $tab$nl"
  set +f
  o=$(from systemctl 2 systemctl "$@")
  tell "$o"
  [ ! "$noExcerpts" ] && command -v journalctl >/dev/null || return
  say "$o$nl" | sed -n '/^:systemctl:Id=/h;/^:systemctl:ActiveState=failed$/{g;s/.*:Id=//p;}' | sort -u | head -n 3 |
    while IFS= read -r u; do
      case $u in *:*) continue ;; esac
      limited 2 journalctl @JOURNAL_WORDS@ --unit="$u" | head -c 65536 | head -n 1000 |
        while IFS= read -r x; do tell ":journalctl --unit=$u:$x"; done
      tell ":journalctl --unit=$u:=0"
    done
}
# about WHAT: asks Docker or Podman.
about() { limited 1 curl -sf $g --unix-socket "$d" "http://localhost/containers/$1"; }
# list NAME WHAT: prints what the probe uses of a list, and sets $o to it.
list() {
  o=$(about "$2" | awk "$program" containers)
  say "$o$nl" | sed "s/^/:$1:/"
}
# containers: asks Docker and Podman as agent/probes/containers.ts does. Of the answers only what the probe needs leaves
# the machine: environments and commands may have secrets. An account that may open the socket of Docker is as powerful
# as root.
containers() {
  command -v curl >/dev/null || return
  n=0 k=0 logged=
  for d in run/docker.sock run/podman/podman.sock run/user/*/docker.sock run/user/*/podman/podman.sock; do
    [ -S "$d" ] && [ -r "$d" ] && [ -w "$d" ] && [ $k -lt 8 ] || continue
    # The package podman-docker makes one a link to the other.
    # shellcheck disable=SC3013 # each sh of a client has -ef
    [ "$d" != run/podman/podman.sock ] || [ ! run/docker.sock -ef "$d" ] || continue
    k=$((k + 1)) g=-g young=
    list containers json
    IFS=$nl
    set -f
    for x in $o; do
      case $x in
      *'"Status":"Re'* | *'"Status":"'*sec* | *'"Status":"'*min*) ;;
      *) continue ;;
      esac
      x=${x#*'"Id":"'}
      short "$x"
      [ $n = 10 ] || young=$young,$i n=$((n + 1))
    done
    list paused '@PAUSED@'
    list unhealthy '@UNHEALTHY@'
    bad=$(say "$o" | grep -oE '"Id":"[0-9a-f]{12}')
    g=
    [ ! "$young" ] || for x in $(about "{${young#,}}/json" | grep -oE '"Id":"[0-9a-f]{12}|"RestartCount":[0-9]+'); do
      case $x in
      '"Id"'*) short "${x#??????}" ;;
      *)
        tell ":$i json:$x"
        [ ${x##*:} -lt 4 ] || bad=$bad$nl$i
        ;;
      esac
    done
    [ ! "$scopes" ] || bad=$bad$nl$(grep -ls '^oom_kill [1-9]' $scopes)
    [ "$noExcerpts" ] || for x in $bad; do
      x=${x%/memory.*} x=${x##*/} x=${x%.scope} x=${x##*[-\"]}
      short "$x"
      case $logged in *$i* | ???????????????????????????????????????) continue ;; esac
      a=$(from "$i logs" 1 curl -sf --unix-socket "$d" "http://localhost/containers/$i/logs?stdout=1&stderr=1&tail=5" | tr '\000' '\003')
      case $a in *"=0") ;; *) continue ;; esac
      tell "$a"
      logged=$logged,$i
    done
    set +f
    IFS=" $tab$nl"
  done
}
# short ID: sets $i to the first 12 digits.
short() { i=${1%"${1#????????????}"}; }
# daily: asks the package manager for updates and zpool for its pools once a day, an hour after the first visit at the
# earliest.
daily() {
  a= now=${wall%???}
  read -r a <"$C/asked"
  case $a in '' | *[!0-9]*) a=$((now - 79200)) && keep $a asked ;; esac
  [ "$a" -gt "$now" ] || [ $((now - a)) -ge 82800 ] || return
  keep $now asked
  tell '=daily'
  left=$((seconds - 6))
  [ $left -le 8 ] || left=8
@MANAGERS@
  for x in @POOLS@; do [ -e "$x" ] || return; done
  case $(cat @POOLS@) in *SUSPENDED*) return ;; esac
  ! command -v zpool >/dev/null || { from zpool 3 zpool @POOL_WORDS@ && from 'zpool @STATUS_WORD@' 3 zpool @STATUS_WORDS@; }
}
# manager PROGRAM INDEX...: true if the package manager and one of its package lists are there.
manager() {
  [ -e "$1" ] || return
  tell "+$1"
  shift
  anyOf "$@"
}
# anyOf PATH...: prints the last one of the paths that exist. False if none does.
anyOf() {
  k=
  for x; do [ ! -e "$x" ] || k=$x; done
  [ "$k" ] && tell "+$k"
}
# lists PATH...: prints the times of package lists.
lists() { stat -c '=time ./%n %Y' "$@"; }
# packages NAME ARG...: asks a package manager at the lowest priority.
packages() {
  x=$1
  shift
  [ $left -le 0 ] || from "$x" $left env ZYPP_READONLY_HACK=1 $low "${x%% *}" "$@"
}
# logs: prints what log.awk prints, and keeps the position for the next visit.
logs() {
  fh_log= failed= f=$C/log log=
  [ "$C" ] && [ -f "$f" ] && [ ! -L "$f" ] && [ -O "$f" ] && { read -r fh_log && read -r failed; } <"$f"
  # shellcheck disable=SC3045 # dash and BusyBox know -S; without it awk is bounded by time alone
  r=$(
    export fh_asks fh_log fh_boot
    ulimit -S -v 131072
    ulimit -S -t 5
    limited 8 awk "$program" logs
  )
  s=$?
  case $s,$r in
  0,*"${nl}next "*) log=${r##*"${nl}next "} ;;
  *)
    # The next visit reads these lines. If they are too much for it as well, the one after it begins at the end.
    why="awk ended with $s"
    if [ ! "$fh_log" ]; then log=
    elif [ "$failed" ]; then log= why="$why; the lines until now are skipped"
    else log=$fh_log${nl}failed; fi
    r="fault $why" ;;
  esac
  say "$r$nl" | sed 's/^/:log:/'
  [ ! "$C" ] || keep "$log$nl" log
}
# keep TEXT NAME: writes a file of this client's folder.
keep() { { say "$1" >"$C/.new-$$" && mv -f "$C/.new-$$" "$C/$2"; } || rm -f "$C/.new-$$"; }

printf U
a=capture
[ ! "$wanted" ] || a=stateOf
# Another program of this name would cost the whole capture. The output of gzip begins with its magic number.
case $(limited 2 gzip -c | head -c 2) in "$(printf '\037\213')"*) $a "$@" | gzip -c ;; *) $a "$@" ;; esac
printf %b "$mark"
[ ! "$fh_members" ] || { rm -f "$fh_members" "$K/plan" && rmdir "$K"; }
x='no folder of this machine can be used'
[ ! "$C" ] || x='the shell agent keeps no report'
[ ! "$stamp" ] || stamp
frame E "{\"left\":0,\"place\":null,\"spool_error\":\"$x\"${stamp:+,\"stamp\":\"$stamp\"}}"
# The collector answers with notes for the next visit.
if [ "$C" ]; then
  for x in "$C"/.new-*; do [ ! -f "$x" ] || rm -f "$x"; done
  head -c 262144 <&9 >"$C/.new-$$" && [ -s "$C/.new-$$" ] && mv -f "$C/.new-$$" "$C/notes" || rm -f "$C/.new-$$"
fi
[ ! "$dog" ] || kill $dog
exit 0
}
