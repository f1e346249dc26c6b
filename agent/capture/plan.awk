# The questions for programs, from the request and from the mounts. `u` a unit, `l` a log, `c` a check; `q` a mount to
# ask, `s` one that may hang, `r` a path of /etc/fstab that no mount has; `t` the stamp, `w` the state, `n` without
# files; `f` the folder of a former name; `.` the end. Paths are escaped as in mountinfo.

function plan(request,  i) {
  readRequest(request)
  planMounts(ROOT "/proc/self/mountinfo", ROOT "/etc/fstab")
  for (i = 1; i <= ASKS["units"] && i <= 200; i++) print "u" unitName(ASKED["units", i])
  for (i = 1; i <= ASKS["logs"] && i <= 100; i++) print "l" ASKED["logs", i]
  if (match(request, /"formerFolder":"[0-9a-f]+"/)) print "f" substr(request, RSTART + 16, RLENGTH - 17)
  if (index(request, "\"stamp\":")) print "t"
  if (index(request, "\"state\":")) print "w"
  if (index(request, "\"noFiles\":")) print "n"
  if (index(request, "\"noExcerpts\":")) print "e"
  if (index(request, "\"checks\":")) printRequested(request)
  print "."
}

function planMounts(file, fstab,  line, at, f, g, n, i, mnt, typ, dev, slow, here) {
  while ((getline line < file) > 0) {
    if (!(at = index(line, " - ")) || split(substr(line, 1, at - 1), f, " ") < 6) continue
    split(substr(line, at + 3), g, " ")
    mnt[++n] = f[5]; typ[n] = g[1]; dev[n] = f[3]; here[f[5]] = 1
    if (g[1] ~ /@SLOW@/ && (g[1] !~ /@NOTHING@/ || f[5] == "/" || unescaped(f[5]) in WANTED)) slow[f[5]] = 1
  }
  for (i = 1; i <= n; i++) {
    if (typ[i] == "autofs" || !(mnt[i] in here)) continue
    if (mnt[i] in slow || isBelow(mnt[i], slow)) print "s" mnt[i]
    else if (mnt[i] == "/" || unescaped(mnt[i]) in WANTED || \
      (dev[i] !~ /^0:/ || typ[i] ~ /@WITHOUT@/) && typ[i] !~ /@IMAGES@/ && typ[i] !~ /@NOTHING@/) print "q" mnt[i]
    else continue
    delete here[mnt[i]]; here[mnt[i], 1] = 1
  }
  while ((getline line < fstab) > 0) {
    split(line, f, " ")
    if (f[1] ~ /^#/ || f[2] !~ /^\// || f[3] == "swap" || f[2] in here || (f[2], 1) in here) continue
    if (!isBelow(f[2], slow)) print "r" f[2]
  }
}

# The kernel writes blank, tab, newline, backslash and # as three octal digits.
function unescaped(s,  out, d) {
  while (match(s, /\\[0-7][0-7][0-7]/)) {
    d = substr(s, RSTART + 1, 3)
    out = out substr(s, 1, RSTART - 1) CH[substr(d, 1, 1) * 64 + substr(d, 2, 1) * 8 + substr(d, 3, 1)]
    s = substr(s, RSTART + 4)
  }
  return out s
}

# True if a folder above the path is in the set.
function isBelow(path, set) {
  if (path == "/") return 0
  while (sub("/[^/]*$", "", path)) {
    if ((path == "" ? "/" : path) in set) return 1
    if (path == "") return 0
  }
  return 0
}

# Returns a unit name with its suffix: `nginx` is `nginx.service`, as in systemctl.
function unitName(unit) {
  return unit ~ /^\/|.\.(service|socket|device|mount|automount|swap|target|path|timer|slice|scope)$/ ? unit : \
    unit ".service"
}
