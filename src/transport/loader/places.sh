# Functions that walk the places of agents, the best first, as agent/start/places.ts does. Need h, the home.
#
# mine PATH TYPE: succeeds if the file or folder belongs to this account and is no symbolic link. TYPE is -d or -f.
mine() {
  [ -L "$1" ] && return 1
  test $2 "$1" && [ -O "$1" ]
}
# home FUNCTION: calls FUNCTION with each root below the home, which is never made.
home() {
  case $XDG_STATE_HOME in /*) $1 "$XDG_STATE_HOME/fleet-health" ;; esac
  case $h in /*) [ -d "$h" ] && $1 "$h/.local/state/fleet-health" ;; esac
}
# temp FUNCTION: calls FUNCTION with each root that every account may write to. Starts id.
temp() {
  u=$(id -u)
  $1 /var/tmp/fleet-health-$u
  $1 /dev/shm/fleet-health-$u
}
