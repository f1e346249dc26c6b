# The containers of Docker and Podman, as agent/probes/containers.ts has them: the shell has found the cgroups and has
# asked for the names by short id.

function containers(paths, names, now, then,  n, i, f, path, id, name) {
  n = split(names, f, "\n")
  for (i = 1; i <= n; i++) NAMED[substr(f[i], 1, 12)] = substr(f[i], 14)
  n = split(paths, path, "\n")
  for (i = 1; i < n && i <= 50; i++) {
    id = path[i]; sub(/.*\//, "", id); sub(/^(docker|libpod)-/, "", id); id = substr(id, 1, 12)
    name = id in NAMED ? NAMED[id] : (("cg:" id, 4) in then) ? then["cg:" id, 4] : ""
    if (name == "" || i == 50) UNSURE = 1
    container_(id, name, path[i] "/", now["at"] - then["at"], ("cg:" id, 1) in then, then)
  }
}

function container_(id, name, dir, elapsed, isKnown, then,  line, kills, usage, used, most, left, share, text, figures) {
  kills = cgroupValue(dir "memory.events", "oom_kill") + 0; usage = cgroupValue(dir "cpu.stat", "usage_usec")
  used = firstLine(dir "memory.current"); most = firstLine(dir "memory.max")
  left = isKnown ? then["cg:" id, 3] - elapsed : 0
  if (isKnown && kills > then["cg:" id, 1]) left = 3600
  if (left < 0) left = 0
  if (isKnown && usage != "" && then["cg:" id, 2] != "-" && usage >= then["cg:" id, 2] + 0)
    share = decimal((usage - then["cg:" id, 2]) / elapsed / 10000)
  text = left > 0 ? "processes killed for want of memory, " kills " since its start" : "running"
  if (used ~ /^[0-9]/) figures = " memory=" used "B;;;0" (most ~ /^[0-9]/ ? ";" most : "")
  if (share != "") figures = figures " cpu=" share "%"
  check("container:" (name == "" ? id : name), left > 0, text, substr(figures " oom_kills=" kills, 2))
  note("cg:" id, kills " " (usage == "" ? "-" : usage) " " sprintf("%.2f", left) " " name)
}

# Returns the value of a line `NAME VALUE`.
function cgroupValue(path, name,  line, f, value) {
  while ((getline line < (ROOT path)) > 0) { split(line, f, " "); if (f[1] == name) value = f[2] }
  close(ROOT path)
  return value
}
# Returns a number with at most two decimals.
function decimal(n) {
  n = sprintf("%.2f", int(n * 100 + 0.5) / 100); sub(/0+$/, "", n); sub(/\.$/, "", n)
  return n
}

# Prints `ID NAME` for each container in an answer of /containers/json.
function printNames(  line, s, id) {
  while ((getline line < "/dev/stdin") > 0) while (match(line, /"Id":"[0-9a-f]+","Names":\["\/[^"]*"/)) {
    s = substr(line, RSTART, RLENGTH); line = substr(line, RSTART + RLENGTH)
    id = substr(s, 7, 12); sub(/.*\["\//, "", s); sub(/"$/, "", s)
    if (s ~ /^[A-Za-z0-9_.-]+$/) print id, s
  }
}
