# Checks of devices whose files the shell has found, as agent/probes has them.

function devices(paths, then,  n, i, path, f) {
  n = split(paths, path, "\n")
  for (i = 1; i < n; i++) {
    split(path[i], f, "/")
    if (path[i] ~ /^\/proc\/net/) bonding(f[5], path[i])
    else if (path[i] ~ /^\/sys\/block/) md(f[4], path[i] "/")
    else if (path[i] ~ /^\/sys\/dev/) ecc(f[7], then)
    else if (path[i] ~ /^\/sys\/fs/) {
      btrfsDevice(f[5], f[7], path[i] "/")
      if (path[i + 1] !~ "^/sys/fs/btrfs/" f[5] "/") btrfs(f[5], then)
    } else zfs(f[6], firstLine(path[i]))
  }
}

function bonding(bond, path,  file, line, slave, n, down, downs, active, isRead, isUp, groups, seen) {
  file = ROOT path
  while ((getline line < file) > 0) {
    if (line ~ /^Slave Interface: /) slave = substr(line, 18)
    if (line ~ /^Currently Active Slave: /) active = substr(line, 25)
    if (isUp && line ~ /^Aggregator ID: / && !(line in seen)) { seen[line]; groups++ }
    if (line ~ /^[ \t]+Partner Mac Address: 00:00:00:00:00:00$/) seen["none"]
    if (line !~ /^MII Status: /) continue
    isRead = 1; line = substr(line, 13)
    if (slave == "") continue
    n++; isUp = line == "up"; if (!isUp) { down++; downs = downs ", " slave " " line }
    slave = ""
  }
  close(file)
  if (!isRead) { check("bond:" bond, 3, "cannot be read"); return }
  if (active == "None") active = n ? "none" : ""
  if (groups > 1) downs = downs ", in " groups " aggregators"
  if (n > down && "none" in seen) downs = downs ", no partner"
  check("bond:" bond, n && down == n ? 2 : downs != "" || active == "none" ? 1 : 0, n - down " of " n + 0 " interfaces up" downs \
    (active == "" ? "" : ", " active " active"), "interfaces=" n + 0 " down=" down + 0)
}

function md(array, dir,  name, state, degraded, action, f, text) {
  name = "md:" array; state = firstLine(dir "array_state")
  if (state == "clear" || firstLine(dir "metadata_version") ~ "^external:[^/]") return
  if (state == "") { check(name, 3, "cannot be read"); return }
  degraded = firstLine(dir "degraded"); action = firstLine(dir "sync_action")
  text = firstLine(dir "level") " " state; sub(/^ /, "", text)
  if (degraded > 0) text = text ", " degraded " of " firstLine(dir "raid_disks") " disks missing"
  if (action != "" && action != "idle") {
    split(firstLine(dir "sync_completed"), f, " / ")
    text = text ", " action (f[2] > 0 ? " " int(100 * f[1] / f[2]) " %" : "")
  }
  check(name, degraded > 0 || state == "inactive" || state == "broken" ? 2 : 0, text, \
    degraded == "" ? "" : "degraded=" degraded " mismatch_cnt=" firstLine(dir "mismatch_cnt"))
}

function ecc(mc, then,  dir, name, ce, ue, more, kind) {
  name = "ecc:" mc; dir = "/sys/devices/system/edac/mc/" mc "/"; ce = firstLine(dir "ce_count"); ue = firstLine(dir "ue_count"); kind = firstLine(dir "mc_name")
  if (ce ~ /^[0-9]/) note(name, ce)
  if (ce !~ /^[0-9]/ || ue !~ /^[0-9]/) { check(name, 3, "cannot be read"); return }
  if ((name, 1) in then) more = ce - then[name, 1]
  check(name, ue > 0 ? 2 : more > 0 ? 1 : 0, (kind == "" ? "" : kind ": ") ue " uncorrected and " ce " corrected errors" \
    (more > 0 ? sprintf(", %.0f corrected since the previous visit", more) : ""), "uncorrected=" ue "c corrected=" ce "c")
}

# Adds a device to BTRFS: the sums of its file system, and the faults of devices.
function btrfsDevice(uuid, id, dir,  file, line, f, bad) {
  BTRFS["devices"]++
  if (firstLine(dir "missing") == 1) { BTRFS["missing"]++; BTRFS["words"] = BTRFS["words"] ", device " id " missing" }
  file = ROOT dir "error_stats"
  while ((getline line < file) > 0) {
    if (line !~ /^[a-z]+_errs [0-9]+$/) continue
    split(line, f, " "); if (!(f[1] in BTRFS)) BTRFS["kind", ++BTRFS["kinds"]] = f[1]
    BTRFS[f[1]] += f[2]; BTRFS["all"] += f[2]; sub(/_errs/, "", f[1])
    if (f[2] > 0) bad = bad " " f[2] " " f[1]
  }
  close(file)
  if (bad != "") BTRFS["words"] = BTRFS["words"] ", device " id ":" bad " errors"
}
function btrfs(uuid, then,  name, title, more, i, kind, figures) {
  name = "btrfs:" uuid; title = firstLine("/sys/fs/btrfs/" uuid "/label"); note(name, sprintf("%.0f", BTRFS["all"]))
  if ((name, 1) in then) more = BTRFS["all"] - then[name, 1]
  for (i = 1; i <= BTRFS["kinds"]; i++) {
    kind = BTRFS["kind", i]; figures = figures sprintf(" %s=%.0fc", kind, BTRFS[kind])
  }
  check(name, BTRFS["missing"] || more > 0 ? 2 : BTRFS["all"] > 0, (title == "" ? "" : title ": ") BTRFS["devices"] \
    (BTRFS["devices"] == 1 ? " device" : " devices") BTRFS["words"] (more > 0 ? sprintf(", %.0f more errors since the previous visit", more) : "") \
    (figures == "" ? ", this kernel tells no errors" : ""), substr(figures, 2))
  split("", BTRFS)
}

function zfs(pool, state) {
  if (!POOLS++) readPools(ENVIRON["fh_dir"] "/pools", ENVIRON["fh_wall"])
  if (state == "") check("zfs:" pool, 3, "cannot be read")
  else check("zfs:" pool, state == "ONLINE" ? 0 : 2, state POOL_TEXT[pool], substr(POOL_FIGURES[pool], 2))
}
# Reads the figures that built-in.sh has kept within a week.
function readPools(file, now,  line, f) {
  if (ENVIRON["fh_dir"] == "" || (getline line < file) <= 0 || line == "" || now < line + 0 || now - line >= 604800) return
  while ((getline line < file) > 0) if (split(line, f, "\t") == 3) {
    sub(/%/, "", f[2]); sub(/%/, "", f[3])
    if (f[2] ~ /^[0-9]+$/) { POOL_TEXT[f[1]] = ", " f[2] " % used"; POOL_FIGURES[f[1]] = " capacity=" f[2] "%" }
    if (f[3] !~ /^[0-9]+$/) continue
    POOL_TEXT[f[1]] = POOL_TEXT[f[1]] ", " f[3] " % fragmented"
    POOL_FIGURES[f[1]] = POOL_FIGURES[f[1]] " fragmentation=" f[3] "%"
  }
}
