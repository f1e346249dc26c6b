# The files of devices, as agent/probes/devices.ts has them. The list has a line `KIND TAB FOLDER` for each device, and
# behind it a line `TAB FILE` for each of its files.

function devices(list,  n, i, l, f, dir, name, file, line, text) {
  n = split(list, l, "\n")
  for (i = 1; i <= n; i++) {
    if (l[i] !~ /^\t/) {
      if (name != "") check(name, 0, text, "", 0, "device")
      split(l[i], f, "\t"); dir = f[2]; name = dir; text = ""; sub(/.*\//, f[1] ":", name)
      if (f[1] == "zfs") text = shares(ENVIRON["fh_dir"] "/pools", substr(name, 5))
      continue
    }
    file = substr(l[i], 2)
    while ((getline line < (ROOT dir file)) > 0)
      if (file == "" ? line ~ /^(Slave Interface|MII Status|Currently Active Slave|Aggregator ID|[ \t]+Partner Mac Address):/ : line != "") {
        gsub(/^[ \t]+|[ \t]+$/, "", line); text = added(text, file "=" line)
      }
    close(ROOT dir file)
  }
}
function added(text, line) {
  line = quoted(line)
  return length(text) > 30000 ? text : text (text == "" ? "" : "\\n") substr(line, 2, length(line) - 2)
}
# Returns the time of the last answer of `zpool list`, and its figures of a pool.
function shares(file, pool,  line, text) {
  if (ENVIRON["fh_dir"] == "" || (getline line < file) <= 0) return ""
  text = added("", "/zpool=" line)
  while ((getline line < file) > 0) if (index(line, pool "\t") == 1) {
    sub(/^[^\t]*\t/, "", line); gsub(/\t/, "|", line); text = added(text, "/zpool=" line)
  }
  close(file)
  return text
}
