# The state of the machine (agent/state) and its stamp. Secrets stay here: only those digests are printed that a file
# may have which every account may read.

# shellcheck disable=SC2034,SC2043,SC2154 # agent.sh has the rest; the build puts the words in place of @WATCHED@

# stamp: sets $stamp to a sum of inode, size and time of the watched paths. The times of ls are too coarse for it.
stamp() {
  set -f
  IFS=$nl
  # shellcheck disable=SC2046 # the paths, one a line
  stamp=$(cd "$R/" && stat -c '%i %s %Y' $(cat "$C/watch") | limited 2 sha256sum 8<&0 | head -c 65)
  # Without a digest the state is looked at once a day.
  stamp=${stamp%% *}
  case ${#stamp},$stamp in 64,*[!0-9a-f]*) stamp=- ;; 64,*) ;; *) stamp=- ;; esac
  # Of watched paths another stat may say nothing.
  case $stamp in @EMPTY@*) [ ! -s "$C/watch" ] || stamp=- ;; esac
  IFS=" $tab$nl"
  set +f
}
# watched: prints the paths that may be watched: the fixed ones, and the newest folders and files of /etc.
watched() {
  for x in @WATCHED@; do tell "$x"; done
  find etc -xdev \( -type d -o -type f \) -print | grep -vE '@LEFT_OUT@' | tr '\n' '\0' | xargs -0 ls -dt | head -n @WATCHED_MORE@
}
# watchPaths: notes the paths to watch, and prints the restless ones.
watchPaths() {
  export fh_now="${wall%???}"
  o=$(watched)
  set -f
  IFS=$nl
  # shellcheck disable=SC2046,SC2086 # the paths, one a line
  o=$({
    sed 's/^/=/' "$C/looks"
    stat -c '+%i %s %Y %n' $o $(sed 's/^\([^ ]* \)\{6\}//' "$C/looks")
    say "$o$nl" | sed 's/^/w/'
  } | awk "$program" looks)
  IFS=" $tab$nl"
  set +f
  keep "$(say "$o$nl" | sed -n 's/^w//p')" watch
  keep "$(say "$o$nl" | sed -n 's/^n//p')$nl" looks
  say "$o$nl" | sed -n 's,^r,=restless /,p'
}
# knows NAME...: sets $known to those of md5, sha1 and sha256 whose programs know the digest of nothing. Another program
# may have such a name.
knows() {
  known=' ' o=
  read -r o <proc/sys/crypto/fips_enabled
  for x; do
    command -v ${x}sum >/dev/null || continue
    n=$(limited 2 ${x}sum | head -c 64)
    case $n in
    @EMPTIES@) known="$known$x " ;;
    # Such a kernel may refuse md5.
    *) [ "$x$o" = md51 ] || tell "=sums $x" ;;
    esac
  done
}
# sums NAME: prints the digests of the files of the standard input, one a line. The last one is that of nothing: the list
# has come to its end.
sums() {
  case $known in *" $1 "*) tell "=sums $1" ;; *) return ;; esac
  { cat && tell /dev/null; } | tr '\n' '\0' | limited 8 xargs -0 ${1}sum 8<&0 | sed "s/^/:$1:/"
}
# open FOLDER...: prints the files that every account may read.
open() { find "$@" -xdev -type d ! -perm -001 -prune -o -type f -perm -004 -size -513 -print; }
# stateOf: prints the state of the machine.
stateOf() {
  cd "$R/" || return
  tell "=pid $$"
  tell '=state'
  [ ! "$R" ] || tell "=root $R"
  [ ! "$C" ] || tell "=place $C"
  grep -ahs '' @UDP@ | sed 's/^/:udp:/'
  for x in @DATABASES@; do [ ! -e "$x" ] || tell "+$x"; done
  a=
  if [ -e var/lib/dpkg/status ]; then
    a=md5
    top 1 var/lib/dpkg/status
    ! command -v dpkg-query >/dev/null || from dpkg-query 8 dpkg-query @DPKG@
  fi
  o=
  for x in @RPM_DATABASES@; do [ ! -e "$x" ] || o=$x; done
  if [ "$o" ] && command -v rpm >/dev/null; then
    a=md5
    # rpm ends well after headers that it could not read, and only complains.
    o=$(from rpm 8 sh -c 'exec rpm "$@" 2>&1' rpm @RPM@)
    tell "$o"
    case $o in
    *=137) ;;
    *)
      from 'rpm fleet-health' 2 rpm @RPM_WORD@
      from 'rpm --dump' 8 rpm @RPM_FILES@
      ;;
    esac
  fi
  for x in @APK@; do
    [ ! -e "$x" ] || a="$a sha1"
    awk '/^F:/ { f = /^F:etc/ } /^[PVA]:|^$/ || f && /^[FRZ]:/ { print FILENAME ":" $0 }' "$x"
  done
  if [ -e var/lib/pacman/local ]; then
    a="md5 $a"
    for x in var/lib/pacman/local/*-*-*/desc; do [ ! -e "$x" ] || tell "+$x"; done
    # The epoch of a version is before a colon.
    awk '/^%/ { b = /BACKUP/ } b && /\t/ { n = FILENAME; gsub(/:/, "\001", n); print n ":" $0 }' var/lib/pacman/local/*/files
  fi
  find etc @UNITS_BESIDE@ -xdev \( -type f -o -type d -o -type l \) @UNWALKED@ \
    -exec stat -c '=entry %f %s %Y ./%n' {} +
  for n in @UNITS@; do
    for x in "$n"/*; do [ ! -L "$x" ] || { o=$(readlink "$x") && tell "=link ./$x ${o##*/}"; }; done
  done
  # shellcheck disable=SC2086 # the words
  knows ${a:-md5} sha256
  [ "$noFiles" ] || {
    o=$(open etc | grep -vE '@LEFT_OUT@')
    for x in ${a:-md5}; do tell "$o" | sums $x; done
    grep -qE '@FSTAB_SECRET@' etc/fstab && o=$(say "$o" | grep -vx etc/fstab)
    say "$o" | tr '\n' '\0' | xargs -0 grep -LE "@SECRET@" | sums sha256
  }
  tell proc/cmdline | sums sha256
  [ "$known" = "${known% sha256 }" ] || open @UNITS@ | while IFS= read -r x; do
    o=$(sed -e :a -e '/\\$/{' -e N -e 's/\\\n/ /' -e ba -e '}' -e "s/^\([ $tab]*Environment[ $tab]*=\).*/\1/" \
      -e "s/^\([ $tab]*SetCredential[A-Za-z]*[ $tab]*=\).*/\1/" -e 's,//[^/:@ ]*:[^/@ ]*@,//,g' "$x")
    n=$(say "$o" | sha256sum)
    tell ":unit:${n%% *}  $x"
  done
  # Neither passwords nor comments of accounts.
  sed 's/^\([^:]*\):[^:]*:\([^:]*:[^:]*\):[^:]*:/etc\/passwd:\1::\2::/' etc/passwd
  sed 's/^\([^:]*\):[^:]*:/etc\/group:\1::/' etc/group
  sed 's/^/proc\/self\/mountinfo:/; s,//[^/@ ]*@,//,g; s/pass[a-z]*=[^, ]*//g' proc/self/mountinfo
  grep -as '' @SOCKETS@ etc/os-release usr/lib/os-release proc/sys/kernel/osrelease proc/sys/kernel/random/boot_id \
    proc/uptime
  [ ! "$C" ] || watchPaths
  read -r up o <"/proc/uptime"
  read -r x <"/proc/$$/stat"
  tell "=end $begun|$up|0|$x|"
}
