# The bounds of a restricted key (src/transport/loader/shell-launcher.sh), as in agent/spool/pinned.ts: the holder chooses the
# words of the request and one of a few folders for counters, and nothing else. The arguments are then: $1 `pinned`; $2
# to $5 as in agent.sh; $6 digest of this text, which the launcher has compared; $7 `s` if the state may be read, else `-`;
# $8 the command of the
# collector.

# shellcheck disable=SC2034,SC2154 # agent.sh has the rest
pinned= sign= fh_mayState=
# no STATUS WORDS: ends with the status and the reason.
no() { echo "fleet-health restricted key $pinned: $2" >&2; exit $1; }
refuse() { no 84 'it runs the agent of this digest and nothing else'; }
# pick WORD CHARS: sets $v to the text between the word's quotes. Refuses a text with other characters.
pick() {
  case $1 in \'*\') ;; *) refuse ;; esac
  v=${1#?}
  v=${v%?}
  case $v in '' | *[!$2]*) refuse ;; esac
}
# True if the client has a folder here or may get one. The holder of a key can invent names.
mayHaveFolder() {
  [ "$pinned" ] || return 0
  n=0
  for x in "$place"/????????????????????????????????/; do [ ! -d "$x" ] || n=$((n + 1)); done
  [ $n -lt 8 ]
}

if [ "$1" = pinned ]; then
  [ "$7" != s ] || fh_mayState=1
  pinned=$6 digest=- n=0 a= m= f= w=
  [ ${#8} -le 8192 ] || refuse
  case $8 in '/bin/sh -c '*) ;; *) refuse ;; esac
  # The words of runCommand in src/transport/loader/loader.ts: the marker follows `fh`, the agent's own marker and the folder
  # follow the kind, and the request is the last word.
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
  # In base64url: `{"v":1,"kind":"visit"`, then `{"v":1` with another kind, then any other version.
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
