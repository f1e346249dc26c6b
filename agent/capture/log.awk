# New lines of the logs, for both agents: from the journal, else from a file of syslog, else from the kernel's ring.
#
# ENVIRON: fh_asks has lines `PRIORITY EXPRESSION` (0 to 7; the expression may be missing), fh_log the position of the
# previous visit (`journal CURSOR`, `file INODE BYTES NAME` or `ring BOOT SECONDS`). Prints lines `KEY VALUE`, which
# agent/probes/log.ts reads, the next position last. The commands below are constant but for numbers and names of this
# file.

# Fills CH with the byte of each code.
function byteCodes(  i) { for (i = 1; i < 256; i++) CH[i] = sprintf("%c", i) }

function uptime(  line) {
  getline line < (ROOT "/proc/uptime"); close(ROOT "/proc/uptime")
  return line + 0
}

function logs(  how) {
  # journalctl maps files that are larger than the memory of awk.
  UNBOUND = "ulimit -S -v unlimited 2>/dev/null; "
  END_OF_TIME = uptime() + 3; LOG_BYTES = 268435456
  split("emerg alert crit err warning notice info debug", PRIORITY, " ")
  readAsks(ENVIRON["fh_asks"]); split(ENVIRON["fh_log"], POSITION, " ")
  how = findLog()
  if (how == "journal") journal()
  else if (how == "file") logFile()
  else ring()
  matchLines()
  printLog()
  print "next " NEXT_POSITION
}

# mawk backtracks in a line: the time grows with the third power of the length if two parts are repeated.
function readAsks(text,  line, n, i) {
  n = split(text, line, "\n"); LEAST = 3
  for (i = 1; i <= n && LOG_ASKS < 100; i++) if (line[i] ~ /^[0-7]/) {
    LOG_PRIORITY[++LOG_ASKS] = substr(line[i], 1, 1); EXPRESSION[LOG_ASKS] = substr(line[i], 3); MATCHES[LOG_ASKS] = 0
    MATCHED_BYTES[LOG_ASKS] = gsub(/[*+]/, "&", line[i]) > 1 ? 512 : 4096
    if (LOG_PRIORITY[LOG_ASKS] > LEAST) LEAST = LOG_PRIORITY[LOG_ASKS]
  }
}

# Returns the log that this account may read. Sets LOG_NAME, FILE_INODE and FILE_SIZE of a file, OLD_NAME and OLD_SIZE
# of the file that was it at the previous visit, by its inode: `syslog.1`, `messages.0` or `messages-20261129`.
function findLog(  command, line, f, n, how) {
  command = "for x in \"$fh_root\"/var/log/journal/*/system.journal " \
    "\"$fh_root\"/run/log/journal/*/system.journal; do if [ -r \"$x\" ] && " \
    "command -v journalctl >/dev/null && command -v timeout >/dev/null; then " \
    "echo journal; exit; fi; done; for x in syslog messages; do cd \"$fh_root/var/log\" || exit; " \
    "if [ -f $x ] && [ -r $x ]; then echo file $x; ls -Lin $x $x.[0-9] $x-[0-9]*; exit; fi; done 2>/dev/null"
  while ((command | getline line) > 0) {
    n = split(line, f, " ")
    if (f[1] == "journal") how = "journal"
    else if (f[1] == "file") { how = "file"; LOG_NAME = f[2] }
    else if (f[n] == LOG_NAME) { FILE_INODE = f[1]; FILE_SIZE = f[6] }
    else if (f[1] == POSITION[2] && f[n] ~ /^[a-z]+[.-][0-9-]+$/) { OLD_NAME = f[n]; OLD_SIZE = f[6] }
  }
  close(command)
  return how
}

# Reads the journal's entries after the previous visit. The entries of another boot than that of the cursor are sorted
# by the clock, which may have been behind at the boot: those of this boot are read by themselves then.
function journal(  boot, status) {
  LOG_SOURCE = "journal"
  if (POSITION[1] != "journal") { LOG_WHY = "first visit"; endOfJournal(); return }
  NEXT_POSITION = ENVIRON["fh_log"]
  boot = ENVIRON["fh_boot"]; gsub(/-/, "", boot)
  if (NEXT_POSITION ~ /;b=/ && boot ~ /^[0-9a-f]+$/ && NEXT_POSITION !~ (";b=" boot)) LATER = ";b=" boot
  status = entries("--after-cursor=${fh_log#* }")
  if (status == 0 && LATER != "" && !OUT_OF_TIME) { LATER = ""; status = entries("--boot=" boot) }
  if (OUT_OF_TIME) { endOfJournal(); return }
  if (status == 137) LOG_FAULT = "journalctl: no answer within 3 s"
  else if (status != "0") { LOG_FAULT = "journalctl: ended with " status; endOfJournal() }
  if (LOG_FAULT != "" && !READ) LOG_WHY = LOG_FAULT
}
# Reads the entries of a question, and returns the exit status. Old journalctl lack --output-fields.
function entries(question,  command, line, status, from, at) {
  from = READ
  for (at = 2; at && READ == from && !OUT_OF_TIME; at -= status == 1 ? 1 : at) {
    # Each command runs under its own timeout(1): that of BusyBox kills no child of a shell.
    command = UNBOUND "timeout -s KILL 3 journalctl --no-pager -q -o json -p " LEAST \
      (at > 1 ? " --output-fields=MESSAGE,PRIORITY,SYSLOG_IDENTIFIER,_SYSTEMD_UNIT" : "") \
      " \"" question "\" 2>/dev/null; echo \"=$?\""
    while (!OUT_OF_TIME && (command | getline line) > 0) {
      if (substr(line, 1, 1) == "{") entry(line)
      else if (substr(line, 1, 1) == "=") status = substr(line, 2)
    }
    close(command)
  }
  return status
}
# Sets the next position behind the last entry.
function endOfJournal(  command, line) {
  NEXT_POSITION = ""
  command = UNBOUND "timeout -s KILL 3 journalctl --no-pager -q -n 1 -o json 2>/dev/null"
  while ((command | getline line) > 0) if (substr(line, 1, 1) == "{") position(line)
  close(command)
}
function position(line,  cursor) {
  cursor = member(line, "__CURSOR")
  if (cursor ~ /^[A-Za-z0-9=;_-]+$/) NEXT_POSITION = "journal " cursor
}
function entry(line,  unit, text, time) {
  if (LATER != "" && index(member(line, "__CURSOR"), LATER)) return
  position(line)
  unit = member(line, "SYSLOG_IDENTIFIER"); if (unit == "") unit = member(line, "_SYSTEMD_UNIT")
  text = member(line, "MESSAGE")
  if (text == "null") text = "(a message of more than 4 KiB)"
  time = member(line, "__REALTIME_TIMESTAMP")
  newLine(substr(time, 1, length(time) - 6), member(line, "PRIORITY"), unit, text, length(line))
}

# Returns a member of a JSON object as text. Keys hold no quotes, and a quote in a text has a backslash before it. Old
# journalctl write a blank beside `:` and `[`.
function member(line, key,  at, s, n, k, out, part) {
  if (!match(line, "\"" key "\" ?: ?")) return ""
  s = substr(line, RSTART + RLENGTH)
  # An array holds a field that stands twice, or the bytes of a text that is not UTF-8.
  sub(/^\[ ?"/, "\"", s)
  if (s ~ /^\[/) {
    n = split(substr(s, 2, index(s, "]") - 2), BYTE, ",")
    for (k = 1; k <= n && k <= 4096; k++) out = out (BYTE[k] > 0 ? CH[BYTE[k] + 0] : " ")
    return out
  }
  if (s !~ /^"/) return s ~ /^null/ ? "null" : ""
  s = substr(s, 2)
  while ((at = index(s, "\"")) > 0) {
    part = substr(s, 1, at - 1); s = substr(s, at + 1); out = out part
    for (k = length(part); k > 0 && substr(part, k, 1) == "\\"; k--);
    if ((length(part) - k) % 2 == 0) break
    out = out "\""
  }
  return fromJson(out)
}
# Control characters become blanks.
function fromJson(s,  c, out, at) {
  while ((at = index(s, "\\")) > 0) {
    c = substr(s, at + 1, 1); out = out substr(s, 1, at - 1) (c ~ /[bfnrtu]/ ? " " : c)
    s = substr(s, at + (c == "u" ? 6 : 2))
  }
  return out s
}

function logFile(  from, size, rest, command) {
  LOG_SOURCE = "/var/log/" LOG_NAME; NEXT_POSITION = "file " FILE_INODE " " FILE_SIZE " " LOG_NAME
  if (FILE_INODE FILE_SIZE !~ /^[0-9]+$/) {
    LOG_FAULT = LOG_WHY = "ls: its answer is not that of ls"; NEXT_POSITION = ENVIRON["fh_log"]; return
  }
  if (POSITION[1] != "file" || POSITION[4] != LOG_NAME) { LOG_WHY = "first visit"; return }
  from = POSITION[3]; size = FILE_SIZE
  if (FILE_INODE != POSITION[2]) {
    from = 0
    if (OLD_NAME != "" && OLD_SIZE >= POSITION[3]) rest = OLD_SIZE - POSITION[3]
    else LOG_FAULT = "the rest of " LOG_SOURCE " before its rotation was not found"
  } else if (size < from) {
    from = 0
    LOG_FAULT = "the rest of " LOG_SOURCE " before it was cut was not found"
  }
  if (size - from + rest > LOG_BYTES) {
    rest = 0
    if (size - from > LOG_BYTES) from = size - LOG_BYTES
    LOG_FAULT = "only the newest 256 MiB of " LOG_SOURCE " were read"
  }
  if (rest > 0) readFile(OLD_NAME, POSITION[3], rest, 0)
  if (size > from) readFile(LOG_NAME, from, size - from, 1)
}
# Reads this many bytes of a file. The end of the newest file may be a line that is being written.
function readFile(name, from, bytes, isNewest,  command, line, read) {
  # A loss of power leaves bytes of 0, at which some awks end a line.
  command = sprintf("tail -c +%.0f \"$fh_root/var/log/%s\" | head -c %.0f | tr \"\\000\" \" \"", from + 1, name, bytes)
  while (!OUT_OF_TIME && (command | getline line) > 0) {
    read += length(line) + 1
    if (read > bytes && isNewest && length(line) < 4096) {
      NEXT_POSITION = sprintf("file %s %.0f %s", FILE_INODE, FILE_SIZE - length(line), LOG_NAME)
      break
    }
    syslogLine(line)
  }
  close(command)
  if (!read) LOG_FAULT = LOG_WHY = "tail: no answer"
}
# Reads a line of rsyslog (old and new times, with and without <PRI>, or of RFC 5424) or of BusyBox.
function syslogLine(line,  size, time, priority, unit, isNew) {
  size = length(line); priority = ""; gsub(/^ +|\r$/, "", line); line = substr(line, 1, 4096)
  if (match(line, /^<[0-9]+>/)) { priority = substr(line, 2, RLENGTH - 2) % 8; line = substr(line, RLENGTH + 1) }
  # The version, and behind the host: APP-NAME PROCID MSGID, structured data and the text.
  isNew = sub(/^1 /, "", line)
  if (match(line, /^([A-Z][a-z][a-z] +[0-9]+ [0-9:]+|[0-9]+-[0-9]+-[0-9]+T[^ ]*) [^ ]+ /)) {
    time = substr(line, 1, RLENGTH); sub(/ [^ ]+ $/, "", time); line = substr(line, RLENGTH + 1)
    if (match(line, /^[a-z0-9]+\.(emerg|alert|crit|err|warn|notice|info|debug)[a-z]* /)) {
      priority = numberOf(substr(line, index(line, ".") + 1, RLENGTH)); line = substr(line, RLENGTH + 1)
    }
    if (isNew ? match(line, /^[^ ]+ [^ ]+ [^ ]+ (-|(\[[^]]*\])+)( |$)/) : match(line, /^[^ :[]+(\[[0-9]+\])?: ?/)) {
      unit = substr(line, 1, RLENGTH); sub(/(\[[0-9]+\])?: ?$| .*$/, "", unit); line = substr(line, RLENGTH + 1)
    }
  }
  newLine(time, priority, unit, line, size)
}
function numberOf(name,  i) {
  for (i = 1; i <= 8; i++) if (substr(name, 1, 3) == substr(PRIORITY[i], 1, 3)) return i - 1
  return ""
}

function ring(  command, line, status, last, at, f, booted, lines) {
  LOG_SOURCE = "kernel ring"; last = -1
  # A namespace of process ids that is not the first one: a container. WSL has such namespaces and a kernel of its own.
  command = "case $(readlink /proc/self/ns/pid 2>/dev/null)$(cat /proc/sys/kernel/osrelease) in" \
    " pid:?4026531836?* | [!p]* | *[Mm]icrosoft*) dmesg -r 2>/dev/null; echo \"=$?\" ;; *) echo =host ;; esac"
  if (POSITION[1] != "ring") LOG_WHY = "first visit"
  while ((getline line < (ROOT "/proc/stat")) > 0) if (line ~ /^btime/) booted = substr(line, 7)
  while (!OUT_OF_TIME && (command | getline line) > 0) {
    if (substr(line, 1, 1) == "=") status = substr(line, 2)
    else lines++
    if (!match(line, /^<[0-9]+>\[ *[0-9.]+\] /)) continue
    at = substr(line, index(line, "[") + 1) + 0
    if (at > last) last = at
    if (LOG_WHY != "" || (POSITION[2] == bootName() && at <= POSITION[3])) continue
    split(line, f, /[<>]/); newLine(booted ? sprintf("%.0f", booted + at) : "", f[2] % 8, "kernel", substr(line, RLENGTH + 1), length(line))
  }
  close(command)
  if (lines && last < 0) LOG_FAULT = LOG_WHY = "dmesg: its lines have no times"
  else if (OUT_OF_TIME || status == "0") NEXT_POSITION = sprintf("ring %s %.6f", bootName(), last)
  else LOG_FAULT = LOG_WHY = "no permission: journal, /var/log/syslog, /var/log/messages, dmesg" (status == "host" ? " of the host" : "")
}
function bootName() { return ENVIRON["fh_boot"] == "" ? "-" : ENVIRON["fh_boot"] }
