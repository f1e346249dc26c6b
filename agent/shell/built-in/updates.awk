# Pending updates, as agent/inventory/updates.ts evaluates them. $C/updates has the time of the last request and the
# state, the text, the figures, and a line `SINCE NAME` for each security update.

# Prints $C/updates anew from the answer in $C/pending. Prints nothing if there was never an answer.
function askedUpdates(  dir, now, manager, f, line, n, total, names, name, isSecurity, knows, file, oldest, i, days, text) {
  dir = ENVIRON["fh_dir"] "/"; now = ENVIRON["fh_wall"]; manager = ENVIRON["fh_manager"]; oldest = now
  file = dir "updates"; n = 0
  while ((getline line < file) > 0) {
    n++
    if (n == 2) text = line
    if (n > 3) { split(line, f, " "); SINCE[f[2]] = f[1] }
  }
  close(file)
  if (ENVIRON["fh_status"] != 0) {
    if (text == "") return
    print now, 3; print manager (ENVIRON["fh_status"] == 137 ? ": no answer in time" : ": ended with " ENVIRON["fh_status"])
    print ""
    for (name in SINCE) print SINCE[name], name
    return
  }
  knows = manager != "apk"; names = 0; file = dir "pending"
  while ((getline line < file) > 0) {
    name = ""
    if (manager == "apt-get" && line ~ /^Inst /) {
      total++; split(line, f, " ")
      if (tolower(line) ~ "\\(.*-security[ ,:/]") name = f[2]
    } else if (manager == "zypper") {
      n = split(line, f, / *\| */)
      if (f[6] == "needed") { total++; if (f[3] == "security") name = f[2] }
    } else if (manager == "apk") { if (line ~ /^[^ ]+ +< /) total++ }
    else if (line == "@security") isSecurity = 1
    else if (line ~ /^Obsoleting /) isSecurity = isSecurity ? 3 : 2
    else if (isSecurity != 2 && isSecurity != 3 && isPackage(line)) {
      split(line, f, " ")
      if (isSecurity) { name = f[1]; sub(/\.[^.]*$/, "", name) } else total++
    }
    if (name != "" && !(name in PENDING)) {
      PENDING[name] = 1; names++
      if (!(name in SINCE) || SINCE[name] > now) SINCE[name] = now
      if (SINCE[name] < oldest) oldest = SINCE[name]
    }
  }
  close(file)
  days = int((now - oldest) / 86400); total += 0
  text = total ? total (total == 1 ? " update" : " updates") " pending" : "no updates pending"
  if (knows && total) text = text ", " names " for security"
  if (days > 0) text = text ", the oldest for " days " d"
  n = split(ENVIRON["fh_lists"], f, "\n"); name = 0
  for (i = 1; i <= n; i++) if (f[i] > name) name = f[i] + 0
  if (name && now - name >= 2592000) text = text ", package lists are " int((now - name) / 86400) " d old"
  print now, (days >= 7); print text; print "total=" total (knows ? " security=" names : "")
  n = 0
  for (name in PENDING) if (n++ < 500) print SINCE[name], name
}
function isPackage(line) {
  return line ~ /^[A-Za-z0-9_][^ ]*\.(noarch|[a-z0-9_]*86[a-z0-9_]*|aarch64|armv[a-z0-9_]+|ppc64le|s390x|riscv64|loongarch64)([ \t]|$)/
}

# Repeats the last answer, for a week at most.
function updates(now,  file, head, f, text, figures) {
  if (ENVIRON["fh_asked"] != "") note("updates", ENVIRON["fh_asked"])
  file = ENVIRON["fh_dir"] "/updates"
  if (ENVIRON["fh_dir"] == "" || (getline head < file) <= 0) return
  getline text < file; getline figures < file; close(file)
  if (split(head, f, " ") == 2 && text != "" && now >= f[1] && now - f[1] < 604800)
    check("updates", f[2], text, figures, now - f[1])
}
