# What a restricted key fixes (src/loader/shell-launcher.sh), as agent/spool/pinned.ts: who holds the key chooses the words of
# the request and which of a few folders counters are in, and nothing else. Then the arguments are: $1 `pinned`; $2 to $5 as
# ever; $6 digest of this text, which the launcher has compared; $7 `-`; $8 whatever was asked for.

# shellcheck disable=SC2034,SC2154 # agent.sh has the rest
pinned= sign=
# STATUS WORDS
no() { echo "fleet-health restricted key $pinned: $2" >&2; exit $1; }
refuse() { no 84 'it runs the agent of this digest and nothing else'; }
# WORD CHARS: $v is what stands between its quotes, if that is made of these characters alone.
pick() {
  case $1 in \'*\') ;; *) refuse ;; esac
  v=${1#?}
  v=${v%?}
  case $v in '' | *[!$2]*) refuse ;; esac
}
# Whether the client has a folder here or may have one made: names can be invented.
mayHaveFolder() {
  [ "$pinned" ] || return 0
  n=0
  for x in "$place"/????????????????????????????????/; do [ ! -d "$x" ] || n=$((n + 1)); done
  [ $n -lt 8 ]
}

if [ "$1" = pinned ]; then
  pinned=$6 digest=- n=0 a= m= f= w=
  [ ${#8} -le 8192 ] || refuse
  case $8 in '/bin/sh -c '*) ;; *) refuse ;; esac
  # Words of runCommand in src/loader/loader.ts: the first after `fh` is its marker; some after the kind are those of
  # the agent's own marker and of the folder; the last is the request.
  set -f
  IFS=' '
  for x in $8; do
    n=$((n + 1))
    [ "$w" != fh ] || a=$x
    [ "$x" != "'visit'" ] || n=0 m= f=
    case $n in 5) m=$x ;; 6) f=$x ;; esac
    w=$x
  done
  set +f
  IFS=" $tab$nl"
  pick "$w" A-Za-z0-9_-
  fh_request=$v
  # `{"v":1,"kind":"visit"` in base64url; the first of them alone; any other version.
  case $fh_request in
  eyJ2IjoxLCJraW5kIjoidmlzaXQi*) ;;
  eyJ2IjoxL*) refuse ;;
  eyJ2Ijo*) no 87 'a request of another version' ;;
  *) refuse ;;
  esac
  pick "$a" A-Za-z0-9_-
  [ ${#v} = 22 ] || refuse
  a=$v
  pick "$m" 0-7.
  [ ${#v} -le 63 ] || refuse
  marker=$v
  pick "$f" 0-9a-f
  [ ${#v} = 32 ] || refuse
  folder=$v sign=$a
fi
