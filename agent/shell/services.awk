# Failed units, the units that rules name, and late timers, from the output of `systemctl show`: blocks of `Name=value`
# lines.

function services(fault,  i, k, n, m, line, id, names, state, isMissing, name, unit, failed, asked, again, since, now, sleeps, T) {
  n = split(ENVIRON["fh_units"] "\n\n", line, "\n"); now = uptime(); since = -1
  # The time since boot continues while a machine sleeps, and the clock of systemd stops.
  sleeps = firstLine("/sys/power/suspend_stats/success") > 0
  for (i = 1; i <= n && fault == ""; i++) {
    if (line[i] ~ /^Id=/) id = substr(line[i], 4)
    if (line[i] ~ /^Names=/) names = substr(line[i], 7)
    if (line[i] ~ /^LoadState=/) isMissing = line[i] == "LoadState=not-found"
    if (line[i] ~ /^ActiveState=/) state = substr(line[i], 13)
    if (line[i] ~ /^NRestarts=[1-9]/) again = 1
    if (line[i] ~ /^InactiveExitTimestampMonotonic=/) since = now - substr(line[i], 32) / 1000000
    if (line[i] ~ /^Timers/) timerLine(T, line[i])
    else if ((k = index(line[i], "=")) > 0) T[substr(line[i], 1, k - 1)] = substr(line[i], k + 1)
    if (line[i] != "" || id == "") continue
    if (!sleeps) lateTimer(T, now)
    split("", T)
    if (state == "failed" && !(id in IS_FAILED)) { IS_FAILED[id] = 1; FAILED[++failed] = id }
    m = split(id " " names, name, " ")
    for (k = 1; k <= m; k++) if (!(name[k] in ACTIVE)) {
      ACTIVE[name[k]] = isMissing && state != "failed" ? "missing" : state
      # A unit that systemd restarts has failed a moment ago.
      RUNS[name[k]] = state ~ /^(active|reloading|refreshing)$/ || \
        (state == "activating" && !again && since >= 0 && since < 120)
    }
    id = names = state = ""; isMissing = again = 0; since = -1
  }
  family("services"); row(); known("failed_units", failed, fault, 0); done(0)
  family("failed_unit")
  for (i = 1; i <= failed && i <= 200; i++) { row(); label("unit", FAILED[i]); number("failed", 1, 0) }
  if (fault != "") nothing("failed", fault)
  else done(failed > 200 ? failed - 200 : 0)
  asked = ASKS["units"] > 200 ? 200 : ASKS["units"]
  if (!asked) return
  family("unit")
  for (i = 1; i <= asked; i++) {
    unit = unitName(ASKED["units", i]); row(); label("unit", ASKED["units", i])
    if (fault == "" && unit in ACTIVE) { label("state", ACTIVE[unit]); number("active", RUNS[unit], 0) }
    else lack("active", fault == "" ? "systemctl did not tell" : fault)
  }
  done(0)
}
