# Checks of devices whose files the shell has found, as agent/probes has them.

function devices(paths, now, then,  n, i, path, f) {
  n = split(paths, path, "\n")
  for (i = 1; i < n; i++) {
    split(path[i], f, "/")
    if (path[i] ~ /^\/proc\/net/) bonding(f[5], path[i])
    else if (path[i] ~ /^\/sys\/block/) md(f[4], path[i] "/")
  }
}

function bonding(bond, path,  file, line, slave, n, down, downs, active, isRead) {
  file = ROOT path
  while ((getline line < file) > 0) {
    if (line ~ /^Slave Interface: /) slave = substr(line, 18)
    if (line ~ /^Currently Active Slave: /) active = substr(line, 25)
    if (line !~ /^MII Status: /) continue
    isRead = 1; line = substr(line, 13)
    if (slave == "") continue
    n++; if (line != "up") { down++; downs = downs ", " slave " " line }
    slave = ""
  }
  close(file)
  if (!isRead) { check("bond:" bond, 3, "cannot be read"); return }
  if (active == "None") active = n ? "none" : ""
  check("bond:" bond, n && down == n ? 2 : down || active == "none" ? 1 : 0, n - down " of " n + 0 " interfaces up" downs \
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
