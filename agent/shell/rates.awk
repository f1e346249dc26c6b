# Shares and rates since the previous visit, from counters of /proc/stat and /proc/net/dev.

# Reads the present counters: into[name, 1..], and CPU and CARD with the names in their order.
function sample(into,  line, f, i, n, at, file) {
  into["at"] = uptime()
  CPUS = CARDS = 0
  file = ROOT "/proc/stat"
  while ((getline line < file) > 0 && line ~ /^cpu/) {
    split(line, f, " "); if (f[1] != "cpu") CPU[++CPUS] = f[1]
    # Old kernels have fewer columns. User and nice include the guest times of the columns after these.
    for (i = 1; i <= 8; i++) into[f[1], i] = f[i + 1] + 0
  }
  close(file)
  file = ROOT "/proc/net/dev"
  while ((getline line < file) > 0) {
    if (!match(line, /.*:/)) continue
    n = substr(line, 1, RLENGTH - 1); sub(/^ +/, "", n); split(substr(line, RLENGTH + 1), f, " ")
    CARD[++CARDS] = n
    for (i = 1; i <= 12; i++) into["net " n, i] = f[i] + 0
  }
  close(file)
  INSIDE = container() !~ /^(wsl)?$/
  if ((n = oomKills()) != "") into["oom", 1] = n
}

# Reads the counters a second time, because there are no earlier ones.
function sampleTwice(now, then,  name) {
  split("", then); quota(now)
  for (name in now) then[name] = now[name]
  delete then["oom", 1]
  system("sleep 1")
  sample(now)
  if (now["at"] > then["at"]) NO_RATES = ""
}

# Returns the CPUs of a container's own quota, 0 without one. Sets now["quota", 1] to its usage in microseconds.
function quota(now,  f, g, dir) {
  dir = "/sys/fs/cgroup/"
  split(firstLine(dir "cpu.max"), f, " ")
  if (f[1] == "") { f[1] = firstLine(dir "cpu/cpu.cfs_quota_us"); f[2] = firstLine(dir "cpu/cpu.cfs_period_us") }
  if (f[1] !~ /^[0-9]/ || !(f[2] > 0) || !(f[1] > 0) || f[1] / f[2] >= CPUS) return 0
  split(firstLine(dir "cpu.stat"), g, " ")
  now["quota", 1] = g[1] == "usage_usec" ? g[2] + 0 : int(firstLine(dir "cpuacct/cpuacct.usage") / 1000)
  return f[1] / f[2]
}

function countersText(now,  i, k, out) {
  out = BOOT " " sprintf("%.2f", now["at"])
  for (i = 0; i <= CPUS; i++) {
    out = out "\n" (i ? CPU[i] : "cpu")
    for (k = 1; k <= 8; k++) out = out sprintf(" %.0f", now[i ? CPU[i] : "cpu", k])
  }
  if (("quota", 1) in now) out = out sprintf("\nquota %.0f", now["quota", 1])
  if (("oom", 1) in now) out = out sprintf("\noom %.0f", now["oom", 1])
  for (i = 1; i <= CARDS; i++) if (CARD[i] in LINK) {
    out = out "\nnet " CARD[i]
    for (k = 1; k <= 12; k++) out = out sprintf(" %.0f", now["net " CARD[i], k])
  }
  return out NOTES (BEFORE == "" ? "" : "\n" BEFORE)
}

# Reads the counters of the previous visit of this boot, or those of the visit before if they are younger than 10 s.
# Sets NO_EVENTS to the reason if the first cannot be used, NO_RATES if neither can, KEPT to the text of the file if
# the next visit still needs it, and BEFORE to the text that is then that of the visit before.
function readCounters(file, into, now,  line, f, i, n, name, isYoung) {
  NO_EVENTS = NO_RATES = "first visit"
  if (file == "" || (getline line < file) <= 0) return
  n = split(line, f, " ")
  if (n != 2 || f[1] != BOOT || now < f[2] || now - f[2] > 86400) { close(file); return }
  isYoung = now - f[2] < 10
  if (isYoung) { NO_EVENTS = NO_RATES = "less than 10 s since the previous visit"; KEPT = line }
  else { NO_EVENTS = NO_RATES = ""; into["at"] = f[2]; BEFORE = "before " f[2] }
  while ((getline line < file) > 0) {
    if (KEPT != "") KEPT = KEPT "\n" line
    n = split(line, f, " "); name = f[1] == "net" ? "net " f[2] : f[1]
    if (name == "before") {
      if (KEPT == "") break
      if (now - f[2] <= 86400) { NO_RATES = ""; into["at"] = f[2]; isYoung = 0 }
      continue
    }
    # Kills are counted since the previous visit alone.
    if (isYoung || KEPT != "" && name == "oom") continue
    if (KEPT == "") BEFORE = BEFORE "\n" line
    if (f[1] == "net") for (i = 1; i <= 12; i++) into[name, i] = f[i + 2]
    else for (i = 1; i <= 8; i++) into[name, i] = f[i + 1]
  }
  close(file)
}

# Fills D[1..8], D["all"] and D["busy"] with the ticks of a CPU since the previous visit. False if they make no sense:
# another counter than these fell, or more time has passed than there was. Idle and iowait may each decrease, but hardly
# together; a decrease counts as nothing. The hypervisor counts stolen time, which may fall from an absurd number.
function passed(name, now, then, cpus,  i, d, idle, hasFallen) {
  D["all"] = 0
  if (!((name, 1) in then)) return 0
  for (i = 1; i <= 8; i++) {
    d = now[name, i] - then[name, i]
    if (i == 4 || i == 5) idle += d
    else if (i < 8 && d < 0) hasFallen = 1
    D[i] = d > 0 ? d : 0; D["all"] += D[i]
  }
  D["fell"] = d < 0
  D["busy"] = D["all"] - D[4] - D[5]
  return !hasFallen && D["all"] > 0 && idle >= -0.02 * D["all"] && D["all"] <= cpus * 110 * (now["at"] - then["at"] + 0.1)
}

function cpu(now, then,  i, b, why, cap, p) {
  family("cpu"); row()
  why = NO_RATES
  if (why == "" && !(("cpu", 1) in then)) why = "first visit"
  else if (why == "" && !passed("cpu", now, then, CPUS + 1)) why = "the counters went backwards"
  if (why != "") D["all"] = 1
  cap = quota(now); b = why; p = D["busy"] / D["all"]
  if (cap && NO_RATES == "") {
    b = !(("quota", 1) in then) ? "no quota at the previous visit" : \
      now["quota", 1] < then["quota", 1] + 0 ? "the counters went backwards" : ""
    if (b == "") p = (now["quota", 1] - then["quota", 1]) / ((now["at"] - then["at"]) * 1000000 * cap)
    if (p > 1) p = 1
  }
  known("used_percent", 100 * p, b, 2)
  known("user_percent", 100 * (D[1] + D[2]) / D["all"], why, 2)
  known("system_percent", 100 * (D[3] + D[6] + D[7]) / D["all"], why, 2)
  known("iowait_percent", 100 * D[5] / D["all"], why, 2)
  known("steal_percent", 100 * D[8] / D["all"], why == "" && D["fell"] ? "the counters went backwards" : why, 2)
  b = -1
  for (i = 1; i <= CPUS; i++)
    if (passed(CPU[i], now, then, 1) && 100 * D["busy"] / D["all"] > b) b = 100 * D["busy"] / D["all"]
  known("busiest_percent", b, why == "" && b < 0 ? "no CPU was online at both visits" : why, 2)
  known("cpus", CPUS, CPUS ? "" : "no CPU in /proc/stat", 0)
  known("interval_s", now["at"] - then["at"], NO_RATES, 2)
  done(0)
}

# Reports the interfaces that the shell has found to have a device, and bonds of them, with their state and speed.
function network(now, then,  i, k, n, name, why, f, field, column, rate) {
  split("rx_bytes 1 tx_bytes 9 rx_packets 2 tx_packets 10 rx_errors 3 tx_errors 11 rx_drops 4 tx_drops 12", field, " ")
  family("network")
  for (i = 1; i <= CARDS; i++) {
    name = CARD[i]
    if (!(name in LINK) || ++n > 200) continue
    row(); label("interface", name)
    why = NO_RATES != "" ? NO_RATES : !(("net " name, 1) in then) ? "new since the previous visit" : ""
    for (k = 1; k <= 12 && why == ""; k++)
      if (now["net " name, k] < then["net " name, k]) why = "the counters were reset"
    for (k = 1; k <= 16; k += 2) {
      column = field[k + 1]
      rate = why == "" ? (now["net " name, column] - then["net " name, column]) / (now["at"] - then["at"]) : 0
      known(field[k] "_per_s", rate, why, 2)
    }
    split(LINK[name], f, "/")
    if (f[2] == "") f[2] = f[3]
    known("link_up", f[2] == 1 || f[2] == "up", f[2] ~ /^(0|1|up|down)$/ ? "" : "no link state", 0)
    known("speed_bits_per_s", f[4] * 1000000, f[4] > 0 ? "" : "the driver does not tell", 0)
  }
  done(n > 200 ? n - 200 : 0)
}

# Fills LINK from a text of `name/carrier/operstate/speed/1`; the 1 marks physical interfaces. Without any, as in a
# container, uses those with names of network cards.
function readLinks(text,  i, n, link, f, isPhysical) {
  isPhysical = text ~ /\/1( |$)/
  n = split(text, link, " ")
  for (i = 1; i <= n; i++) {
    split(link[i], f, "/")
    if (isPhysical ? f[5] : f[1] ~ /^(eth|en|host|net|tap|venet|wl)/) LINK[f[1]] = link[i]
  }
}
