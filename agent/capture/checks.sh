# People's own checks, as agent/checks runs them, and with its rules. Runs beside the probes in a process of its own,
# and writes the members of the report to $K/members. $C/checks is $K, with a folder for each check of the plan
# (checks.awk).

# shellcheck disable=SC2034,SC2154 # agent.sh has the rest
fixed=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
# trusted PATH: sets $bad to the first part of an absolute path that another account than root or this one could change,
# as untrustedPart of agent/checks/trust.ts does; to nothing if there is none. Starts find once.
trusted() {
  bad=$1 left=${1#/} at= up= links=0
  set -- /
  while [ "$left" ]; do
    part=${left%%/*}
    case $left in */*) left=${left#*/} ;; *) left= ;; esac
    case $part in '' | .) continue ;; ..) at=${at%/*} && continue ;; esac
    part=$at/$part
    if [ -L "$part" ]; then
      links=$((links + 1))
      [ $links -le 40 ] || { bad=$part && return; }
      set -- "$@" "$part"
      link=$(readlink "$part") || return
      case $link in /*) at= ;; esac
      left=$link/$left
      continue
    fi
    [ -e "$part" ] || return
    set -- "$@" "$part"
    up=$at at=$part
  done
  x=$(
    find "$@" -prune -type d -perm -1000 -user 0 -o -type l -user 0 -o -type l -user $uid -o -perm -002 -print -o \
      -user 0 -perm -020 -print -o -user 0 -o -user $uid -group $uid -o -perm -020 -print -o -user $uid -o -print
  ) || return
  [ "$x" ] || [ ! -k "${up:-/}" ] || x=$(find "${up:-/}" -prune -perm -020 -o -prune -perm -002)
  bad=${x%%"$nl"*}
}
# confs KIND FOLDER SUFFIX: adds files of a folder to $fh_confs, 100 at most.
confs() {
  kind=$1 folder=${2%/} files=0
  [ -d "$folder" ] || { conf "$1" "$2" && return; }
  for file in "$folder"/*"$3"; do
    [ -e "$file" ] || [ -L "$file" ] || continue
    files=$((files + 1))
    [ $files -gt 100 ] || conf "$kind" "$file"
  done
}
# conf KIND FILE: adds the file to $fh_confs, or the reason why it is refused.
conf() {
  entry=$1$2
  trusted "$2"
  if [ "$bad" ]; then
    entry="r$2${us}untrusted: $bad"
  elif [ ! -f "$2" ] || [ ! -r "$2" ]; then
    entry="r$2${us}cannot be read"
  fi
  fh_confs=$fh_confs$entry$nl
}

# The program of checks of certificates: KIND TARGET SERVERNAME WARNING CRITICAL, as agent/checks/certificates.ts.
# shellcheck disable=SC2016 # the shell that is started expands it
certify='command -v openssl >/dev/null || { echo "openssl is missing" && exit 3; }
show() { openssl x509 -noout -startdate -enddate -subject -issuer -nameopt RFC2253,utf8,-esc_msb; }
if [ $1 = connect ]; then
  y=$(openssl s_client -connect "$2" ${3:+-servername "$3"} </dev/null 2>&1)
  x=$(echo "$y" | show) || {
    y=$(echo "$y" | sed -n "s/.*SSL routines:[^:]*:\([^:]*\).*/: \1/p" | head -n 1)
    echo "cannot read $2$y" && exit 3
  }
fi
echo "warning=$4"
echo "critical=$5"
if [ $1 = connect ]; then echo "$x" && exit; fi
IFS= n=0
for f in $2; do
  n=$((n + 1))
  if [ $n -gt 16 ]; then echo "fault=more than 16 files" && exit; fi
  if [ ! -e "$f" ]; then echo "fault=not there: $f"
  elif [ -f "$f" ] && [ ! -r "$f" ]; then echo "fault=no permission: $f"
  elif [ -f "$f" ] && x=$(show <"$f"); then
    echo "file=$f"
    echo "$x"
  else echo "fault=no certificate: $f"; fi
done'
# The program of checks of *.prom files: AWK-PROGRAM textfile DIR STALE METRICS, as agent/checks/textfiles.ts.
# shellcheck disable=SC2016 # the shell that is started expands it
textfiles='cd "$3" && ls >/dev/null || { echo "cannot read $3" && exit 3; }
now=$(date +%s) n=0 owners=" 0 $(id -u) $(stat -c %u .) "
echo "stale=$4"
for f in *.prom; do
  [ -f "$f" ] || [ -L "$f" ] || continue
  n=$((n + 1)) why= x=$(stat -c "%Y %u" -- "$f")
  if [ -L "$f" ]; then why="a link"
  elif case $owners in *" ${x#* } "*) false ;; esac then why="of another account"
  elif [ ! -r "$f" ]; then why=EACCES
  elif [ $(($(wc -c <"$f"))) -gt 1048576 ]; then why="longer than 1 MiB"; fi
  [ $n -gt 51 ] || echo "$((now - ${x% *})) $f/$why"
done | awk "$1" textfile "$5"'
# The program of checks of servers: FOLDER SECONDS KIND WORD..., as agent/checks/ask-server.ts.
# shellcheck disable=SC2016,SC2034 # the shell that is started expands it
servers='@SERVERS@'
# finish EXIT WHY BEGAN: writes the end of the check in $d.
finish() { echo "$1$us$2$us$3" >"$d/end"; }
# signal NAME: sends the signal to the process group of the check in $d.
signal() { read -r g x <"$d/pid" && { kill -s $1 -- -$g || kill -s $1 $g; }; }
nap() {
  sleep $1 &
  wait $!
}
# check NUMBER NAME FORMAT EVERY TIMEOUT xWORD...: runs a check, unless another lane has it.
check() {
  d=$K/$1 name=$2 form=$3 limit=$5
  [ ! -e "$d" ] && mkdir "$d" || return
  shift 5
  for x do
    shift
    set -- "$@" "${x#x}"
  done
  [ "$form" != certificate ] || set -- /bin/sh -c "$certify" sh "$@"
  # shellcheck disable=SC2154 # agent.sh has the program
  [ "$form" != textfile ] || set -- /bin/sh -c "$textfiles" sh "$program" "$@"
  case $form in
  http | tcp | dns)
    read -r up x <"/proc/uptime"
    [ $((last - ${up%%.*})) -ge $limit ] || limit=$((last - ${up%%.*}))
    mkdir "$d/ask" || return
    set -- /bin/sh -c "$servers" sh "$d/ask" "$limit" "$@"
    # It ends by itself, and has the time to say why.
    limit=$((limit + 2))
    ;;
  esac
  case $hung in *"$nl$name$nl"*) finish '' 'still hanging' && return ;; esac
  program_=$1
  shift
  case $program_ in
  /*) ;;
  *)
    IFS=:
    for x in $fixed; do [ ! -e "$x/$program_" ] || { program_=$x/$program_ && break; }; done
    IFS=" $tab$nl"
    case $program_ in /*) ;; *) program_=/ && finish '' 'missing command' && return ;; esac
    ;;
  esac
  [ -e "$program_" ] || { finish '' 'missing command' && return; }
  trusted "$program_"
  [ ! "$bad" ] || { echo "${us}untrusted$us$us$program_$us$bad" >"$d/end" && return; }
  [ -f "$program_" ] && [ -x "$program_" ] && [ -s "$program_" ] || { finish '' 'cannot be started' && return; }
  read -r up x <"/proc/uptime"
  [ $((last + 2 - ${up%%.*})) -ge $limit ] || limit=$((last - ${up%%.*}))
  [ $limit -gt 0 ] || { finish '' 'no time left' && return; }
  mkfifo "$d/pipe" && echo "$name" >"$d/name" && echo "$boot" >"$d/boot" || return
  (
    # The file pid says that setsid and nice have begun it: other programs may have these names.
    # shellcheck disable=SC2016 # the shell that is started expands it
    $session $low /bin/sh -c 'd=$1 && shift && read -r x </proc/$$/stat && echo "$x" >"$d/pid" && exec "$@"' fh "$d" \
      env -i PATH=$fixed LC_ALL=C ${HOME+"HOME=$HOME"} "$program_" "$@" >"$d/pipe"
    echo $? >"$d/exit"
    signal KILL
  ) &
  w=$!
  # Writes each byte at once: a head that is killed would lose the bytes in its buffer.
  dd bs=1 count=65537 <"$d/pipe" >"$d/raw" &
  h=$!
  (
    z=
    trap '[ ! "$z" ] || kill -9 $!; exit' TERM
    z=1
    nap $limit
    # Another session holds the output open after the program has ended.
    [ ! -e "$d/exit" ] || { kill -9 $h && exit; }
    : >"$d/late"
    signal TERM
    nap 1
    signal KILL
    nap 1
    kill -9 $w $h
  ) &
  dog=$!
  wait $h
  why=
  [ $(($(wc -c <"$d/raw"))) -le 65536 ] || { why='too long' && signal KILL; }
  wait $w
  kill $dog
  code=
  read -r code <"$d/exit"
  [ "$why" ] || [ ! -e "$d/late" ] || why=timeout
  [ "$why" ] || [ -s "$d/pid" ] || why='cannot be started'
  [ "$why" ] || { [ "$code" ] && { [ $code -le 128 ] || [ $code -gt 192 ]; }; } || why=signal
  kept=4096
  [ "$form" != textfile ] || kept=32768
  head -c $kept "$d/raw" | tr -d '\000\015' >"$d/out"
  [ ! "$why" ] || code=
  finish "$code" "$why" "$up"
}
# hanging: sets $hung to the names of checks that still run, and removes the files of other checks in $K.
hanging() {
  hung=$nl
  for d in "$K"/*/; do
    d=${d%/} name= was= g=
    read -r name <"$d/name" && read -r was <"$d/boot" && read -r x <"$d/pid" || { rm -rf "$d" && continue; }
    g=${x%% *}
    # shellcheck disable=SC2086 # the fields after the name
    set -- ${x##*) }
    was=${20}-$was
    look "$g"
    if [ "$began" ] && [ "$began" = "$was" ]; then hung=$hung$name$nl; else rm -rf "$d"; fi
  done
}
# lane LINE...: runs the checks of the plan that no other lane has. All checks of servers run at once before the lanes.
lane() {
  i=0 pids=
  for line do
    i=$((i + 1))
    case $line in
    k*)
      IFS=$us
      # shellcheck disable=SC2086 # the fields of the line
      set -- ${line#k}
      IFS=" $tab$nl"
      case $2,$asks in
      http,y | tcp,y | dns,y) check $i "$@" & pids="$pids $!" ;;
      http,* | tcp,* | dns,* | *,y) ;;
      *) check $i "$@" ;;
      esac
      ;;
    esac
  done
}
# checks: runs everything, from conf files to $K/members.
checks() {
  set +f
  us=$(printf "\\037")
  IFS=" $tab$nl"
  hanging
  # Folders of hanging checks get names that no check of this visit has.
  for d in "$K"/*/; do
    d=${d%/}
    case ${d##*/} in h*) ;; *) [ ! -d "$d" ] || mv "$d" "$K/h$$-${d##*/}" ;; esac
  done
  uid=$(id -u) fh_confs=
  session=setsid
  command -v setsid >/dev/null || session=
  for x in "$R/etc/fleet-health/checks.d" "$HOME/.config/fleet-health/checks.d"; do
    [ ! -d "$x" ] || confs c "$x" .conf
  done
  export fh_confs fh_requested fh_boot fh_dir
  fh_plan=$(awk "$program" checks) n=
  IFS=$nl
  set -f
  for x in $fh_plan; do
    case $x in
    i*)
      o=${x#i}
      if [ ! -e "$o" ]; then
        fh_confs="${fh_confs}r$o${us}not there$nl"
      else
        set +f
        confs n "$o" .cfg
        set -f
      fi
      n=again
      ;;
    esac
  done
  [ "$n" != again ] || fh_plan=$(awk "$program" checks | grep -v '^i')
  read -r up x <"/proc/uptime"
  last=$((seconds - 6))
  [ $last -le 30 ] || last=30
  last=$((${up%%.*} + last))
  # shellcheck disable=SC2086 # the lines of the plan
  set -- $fh_plan
  IFS=" $tab$nl"
  say "$fh_plan$nl" >"$K/plan"
  asks=y
  lane "$@"
  asks= servers_=$pids
  lane "$@" &
  a=$!
  lane "$@" &
  b=$!
  lane "$@" &
  c=$!
  lane "$@"
  wait $a
  wait $b
  wait $c
  # shellcheck disable=SC2086 # the processes
  [ ! "$servers_" ] || wait $servers_
  set +f
  fh_run=$K fh_keep=$K/keep
  export fh_run fh_keep
  awk "$program" checked >"$K/new" && mv -f "$K/new" "$K/members"
  if [ -s "$fh_keep" ]; then mv -f "$fh_keep" "$C/checks.shell"; else rm -f "$fh_keep" "$C/checks.shell"; fi
  hanging
}
