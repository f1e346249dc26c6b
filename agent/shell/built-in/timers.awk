# Systemd timers whose work no longer starts, as agent/probes/timers.ts finds them.

# Evaluates the block of `systemctl show` in T: properties of a timer, with PERIOD of each of its lines.
function lateTimer(T, now,  last, since, period, allowed, age, text) {
  last = spanSeconds(T["LastTriggerUSecMonotonic"])
  if (!last || T["ActiveState"] != "active" || !(T["period"] > 0)) return
  period = T["period"] < 1800 ? 1800 : T["period"]
  allowed = 2 * period + spanSeconds(T["RandomizedDelayUSec"]) + spanSeconds(T["AccuracyUSec"])
  since = T["ActiveEnterTimestampMonotonic"] / 1000000
  if (now - (since > last ? since : last) <= allowed) return
  age = int(now - last)
  text = "last triggered " spanWords(age) " ago, period " spanWords(period) " at most"
  if (T["SubState"] == "running") text = text "; its unit has not ended"
  check("timer:" substr(T["Id"], 1, length(T["Id"]) - 6), 1, text, "age=" age "s;" int(allowed))
}

# Reads a line `TimersCalendar={ OnCalendar=... ;` or `TimersMonotonic={ OnUnitActiveUSec=... ;` into T.
function timerLine(T, line,  period) {
  sub(/ ;.*/, "", line)
  if (sub(/^TimersCalendar=\{ OnCalendar=/, "", line)) period = longestPeriod(line)
  else if (sub(/^TimersMonotonic=\{ OnUnitActiveUSec=/, "", line)) period = spanSeconds(line)
  if (period && (!T["period"] || period < T["period"])) T["period"] = period
}

# Returns the longest time between two elapses of a normalised calendar expression; 0 if it names years.
function longestPeriod(text,  hasDay, f, at) {
  hasDay = sub(/^[A-Z][^ ]* /, "", text)
  if (text !~ /^\*-/) return 0
  text = substr(text, 3); at = match(text, /[-~][^ ]* /)
  if (substr(text, 1, at - 1) != "*") return 31622400
  split(substr(text, at + 1), f, " ")
  if (f[1] != "*") return hasDay ? 31622400 : 2678400
  return hasDay ? 604800 : f[2] ~ /^\*:/ ? 3600 : 86400
}

# Reads a time span of systemd, such as `1d 2h 3min 4.5s`.
function spanSeconds(text,  f, n, i, sum, unit) {
  n = split(text, f, " ")
  for (i = 1; i <= n; i++) {
    unit = f[i]; gsub(/[0-9.]/, "", unit)
    sum += f[i] * (unit == "s" ? 1 : unit == "min" ? 60 : unit == "h" ? 3600 : unit == "d" ? 86400 : unit == "w" ? \
      604800 : unit == "month" ? 2629800 : unit == "y" ? 31557600 : unit == "ms" ? 0.001 : unit == "us" ? 0.000001 : 0)
  }
  return sum
}
function spanWords(s) {
  return s < 7200 ? int(s / 60) " min" : s < 172800 ? int(s / 3600) " h" : int(s / 86400) " d"
}
