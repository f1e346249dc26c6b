# Checks that are not programs: the lines of conf files that name certificates and textfiles, and the reading of
# textfiles.

# Fills O from words such as `every=5m`, and returns the place of the first other word.
function options(W, at, n, names,  i) {
  split("", O)
  for (; at <= n && W[at] ~ ("^(" names ")="); at++) {
    i = index(W[at], "="); O[substr(W[at], 1, i - 1)] = substr(W[at], i + 1)
  }
  return at
}
function optionSeconds(name, otherwise) { return name in O ? secondsIn(O[name]) : otherwise }
# Prints a check of certificates and returns 1. Returns 0 for any other line.
function certificateLine(place, W, n,  at, C, kind, target) {
  at = options(W, 3, n, "every|timeout|warning|critical|servername|connect|file")
  C[4] = optionSeconds("warning", 1814400); C[5] = optionSeconds("critical", 604800); C[3] = O["servername"]
  if (at <= n || n < 2 || W[2] == "" || C[4] < 0 || C[5] < 0 || C[3] !~ /^([A-Za-z0-9_][A-Za-z0-9_.-]*)?$/) return 0
  kind = "connect" in O ? "connect" : "file"; target = O[kind]
  if (kind == "connect") {
    if ("file" in O || target !~ /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_][A-Za-z0-9_.-]*):[0-9]+$/ || \
      target ~ /:[0-9][0-9][0-9][0-9][0-9][0-9]+$/) return 0
    if (!C[3] && target ~ /^[^[].*[A-Za-z].*:/) { C[3] = target; sub(/:.*/, "", C[3]) }
  } else if (target !~ /^\// || target ~ /[,!]/ || index(target, "[") || index(target, "]") || \
    index(target, "\\") || C[3] != "") return 0
  C[1] = kind; C[2] = target
  return take(place, "certificate:" W[2], optionSeconds("every", 0), optionSeconds("timeout", 10), "certificate", C, 1, 5)
}
# Prints a check of a folder with *.prom files and returns 1. Returns 0 for any other line.
function textfileLine(place, W, n,  at, C) {
  at = options(W, 3, n, "every|timeout|stale|metrics"); C[1] = "textfile"; C[2] = W[2]
  C[3] = optionSeconds("stale", 7200); C[4] = O["metrics"]
  if (at <= n || n < 2 || C[2] !~ /^\// || C[3] < 0 || C[4] !~ /^([A-Za-z0-9_:*]+(,[A-Za-z0-9_:*]+)*)?$/) return 0
  return take(place, "textfile:" C[2], optionSeconds("every", 0), optionSeconds("timeout", 10), "textfile", C, 1, 4)
}
# Prints a check of a server and returns 1. Returns 0 for a line with a command, which is a check of that name.
function serverLine(place, W, n,  kind, i, k, at, has, every, timeout, option, fault, C) {
  serverForms()
  kind = W[1]; every = 0; timeout = 10
  for (i = 3; i <= n; i++) if (index(W[i], NEEDS[kind] "=") == 1) has = 1
  if (!has) return 0
  C[k = 1] = kind
  for (i = 3; i <= n; i++) {
    at = index(W[i], "="); option = substr(W[i], 1, at - 1)
    if (option == "every") { every = secondsIn(substr(W[i], at + 1)); continue }
    if (option == "timeout") { timeout = secondsIn(substr(W[i], at + 1)); continue }
    C[++k] = W[i]
    if (fault != "") continue
    if (!at || !((kind, option) in FORMS)) fault = "a word is no option of it"
    else if (substr(W[i], at + 1) !~ "^(" FORMS[kind, option] ")$") fault = option "= is wrong"
  }
  if (fault == "" && W[2] != "" && take(place, kind ":" W[2], every, timeout, kind, C, 1, k)) return 1
  refuse(place, kind " takes NAME and " NEEDS[kind] "=...: " \
    (fault == "" ? "its name, every= or timeout= is wrong" : fault))
  return 1
}
function serverForms() {
@SERVER_FORMS@
}
# Prints a check of GPUs by nvidia-smi and returns 1. Returns 0 for a line with a command, which is a check of that
# name.
function gpuLine(place, W, n,  C) {
  if (options(W, 2, n, "every|timeout|expected|program") <= n) return 0
  C[1] = "program" in O ? O["program"] : ROOT "/usr/bin/nvidia-smi"; C[3] = "--format=csv,noheader,nounits"
  C[2] = "--query-gpu=name,temperature.gpu,utilization.gpu,memory.used,memory.total"
  if (O["expected"] !~ /^[0-9]?[0-9]?[0-9]?$/ || !take(place, "gpu" (O["expected"] == "" ? "" : ":" O["expected"]), \
    optionSeconds("every", 0), optionSeconds("timeout", 10), "gpu", C, 1, 3)) refuse(place, "gpu takes expected=NUMBER")
  return 1
}

# Prints the samples of the *.prom files that stdin names, as agent/checks/textfiles.ts.
function textfiles(  line, file, n, size) {
  gsub(/\*/, ".*", ARGV[2]); gsub(/,/, "|", ARGV[2]); GLOBS = ARGV[2] == "" ? "^$" : "^(" ARGV[2] ")$"
  # BusyBox does not know the file `-`.
  ARGC = 1
  while ((getline line) > 0) {
    if (n++ == 50) { print "fault=more than 50 files"; break }
    file = substr(line, index(line, " ") + 1); sub(/\/.*$/, "", file)
    print "file=" substr(line, 1, index(line, "/") - 1)
    if (line ~ /\/$/) textfile(file)
    else print "fault=" substr(line, index(line, "/") + 1)
  }
  # More samples would make the output too long.
  for (n = 1; n <= SAMPLES && size < 32768; n++) { print "+" SAMPLE[n]; size += length(SAMPLE[n]) + 2 }
}
function textfile(file,  line, metric, value, fine, ok, at, wrong, number) {
  number = "[-+]?([0-9.]+([eE][-+]?[0-9]+)?|0[xX][^ \t]+|[nN][aA][nN]|[iI][nN][fF]([iI][nN][iI][tT][yY])?)([ \t\r]|$)"
  file = "./" file
  while ((getline line < file) > 0) {
    at++
    if (line !~ /^[ \t\r]*(#|$)/ && line !~ "^[ \t]*[A-Za-z_:][A-Za-z0-9_:]*([ \t]*[{].*[}][ \t]*|[ \t]+)" number && \
      line !~ "^[ \t]*[{][ \t]*\".+\".*[}][ \t]*" number) {
      # The line itself may be a secret.
      if (!wrong++) print "fault=line " at " is no sample"
      continue
    }
    sub(/^[ \t]+/, "", line)
    if (match(line, /^[A-Za-z_:][A-Za-z0-9_:]*/)) metric = substr(line, 1, RLENGTH)
    else if (match(line, /^\{[ \t]*"[^"]+"/)) { metric = substr(line, 1, RLENGTH - 1); sub(/^[^"]*"/, "", metric) }
    else continue
    if (SAMPLES < 2000 && metric ~ GLOBS) SAMPLE[++SAMPLES] = substr(line, 1, 300)
    if (metric == "smartmon_attr_raw_value" && match(line, /[{,][ \t]*name="[A-Za-z0-9_]+"/)) {
      metric = substr(line, RSTART, RLENGTH - 1); sub(/^.*"/, "", metric); metric = "smartmon_" metric "_raw_value"
    }
    if (metric !~ /^smartmon_device_smart_(available|healthy)$/ && metric !~ /^nvme_(critical_warning(_total)?|media_errors_total)$/ && \
      metric !~ /^smartmon_(reallocated_sector_ct|current_pending_sector|offline_uncorrectable)_raw_value$/ && \
      metric !~ /^(smartmon_grown_defects_count_raw_value|nvme_percentage_used_ratio|apt_(upgrades|autoremove)_pending)$/ && \
      metric !~ /^megaraid_(healthy|degraded|failed|battery_backup_healthy|pd_(media_errors|predictive_errors|smart_alerted))$/ && \
      metric !~ /^node_ipmi_(chassis_fault|sensor_state|speed_rpm|temperature_celsius)$/) continue
    value = line; sub(/^[A-Za-z0-9_:]*[ \t]*(\{.*\})?[ \t]*/, "", value); sub(/[ \t\r].*$/, "", value)
    if (metric ~ /celsius$/) ok = value ~ /^[-+]?[0-9.]+([eE]|$)/ && value + 0 < 90
    else ok = metric ~ /available|healthy|rpm/ ? value ~ /^[+]?[0-9.]*[1-9][0-9.]*([eE]|$)/ : value ~ /^[-+]?[0.]+([eE]|$)/
    if (!ok || !(metric in fine)) print substr(line, 1, 300)
    if (ok) fine[metric] = 1
  }
  close(file)
}
