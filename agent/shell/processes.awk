# Counts of processes by state, and of the processes that rules name, from /proc/PID/stat.

function processes(  i, k, n, f, s, line, file, name, why, isFirst) {
  for (i = 2; i < ARGC; i++) {
    file = ARGV[i]; s = ""
    # A name may contain blanks, parentheses and line breaks.
    while ((getline line < file) > 0) s = s line "\n"
    close(file)
    isFirst = isFirst || file ~ /\/proc\/1\/stat$/
    if (!match(s, /.*\) /)) {
      if (file ~ /\/proc\/1\/stat$/) why = "no permission: /proc hides processes of others"
      continue
    }
    n++
    STATE[substr(s, RLENGTH + 1, 1)]++
    if (!ASKS["processes"]) continue
    line = substr(s, index(s, "(") + 1); sub(/\) [^)]*$/, "", line); name = wholeName(line, file)
    for (k = 1; k <= ASKS["processes"]; k++)
      if (matches(ASKED["processes", k], name) || (line != name && matches(ASKED["processes", k], line))) MATCHED[k]++
  }
  if (!isFirst) why = "no permission: /proc shows own processes only"
  family("processes"); row()
  known("total", n, isFirst ? "" : why, 0)
  # This program itself is always running at this moment.
  known("running", STATE["R"] > 1 ? STATE["R"] - 1 : 0, why, 0)
  known("blocked", STATE["D"], why, 0); known("zombies", STATE["Z"], why, 0)
  done(0)
  if (!ASKS["processes"]) return
  family("process_match")
  for (k = 1; k <= ASKS["processes"] && k <= 200; k++) {
    row(); label("match", ASKED["processes", k]); known("count", MATCHED[k], why, 0)
  }
  done(ASKS["processes"] > 200 ? ASKS["processes"] - 200 : 0)
}

# Returns the whole name if the kernel truncated it: the first argument, if it continues the truncated name.
function wholeName(name, file,  line, program) {
  if (length(name) != 15) return name
  sub(/stat$/, "cmdline", file)
  if ((getline line < file) <= 0) line = ""
  close(file)
  match(line, /^[ -~\200-\377]*/); line = substr(line, 1, RLENGTH)
  sub(/.*\//, "", line); sub(/[ :].*/, "", line)
  return index(line, name) == 1 ? line : name
}

# True if a name matches globs, as in agent/probes/name-glob.ts.
function matches(globs, name,  i, n, g, some, hit, excluding) {
  n = split(globs, g, ",")
  for (i = 1; i <= n; i++) {
    sub(/^ +/, "", g[i]); sub(/ +$/, "", g[i])
    if (g[i] ~ /^!/) { excluding = 1; if (glob(substr(g[i], 2), name)) return 0 }
    else if (g[i] != "") { some = 1; if (!hit) hit = glob(g[i], name) }
  }
  return some ? hit : excluding
}
function glob(g, name,  a, i, star, from) {
  a = i = 1
  while (i <= length(name)) {
    if (substr(g, a, 1) == "*") { star = a++; from = i }
    else if (a <= length(g) && (substr(g, a, 1) == "?" || substr(g, a, 1) == substr(name, i, 1))) { a++; i++ }
    else if (star) { a = star + 1; i = ++from }
    else return 0
  }
  while (substr(g, a, 1) == "*") a++
  return a > length(g)
}
