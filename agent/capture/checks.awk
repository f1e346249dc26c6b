# The checks of people, as agent/checks has them. The shell runs `checks`, which prints the plan from conf files and the
# request, and `checked`, which prints the results. US separates fields. Lines of the plan: `k` a check to run, `o` a
# check whose last result is repeated, `r` a refusal, `i` files to include, `x` a container that must exist.

function checksPlan(  n, i, m, entry, file, f, W, k) {
  US = "\037"; readKept()
  n = split(ENVIRON["fh_confs"], entry, "\n")
  for (i = 1; i <= n; i++) {
    file = substr(entry[i], 2)
    if (entry[i] ~ /^r/) { split(file, f, US); refuse(f[1], f[2]) }
    else if (file != "") readConf(file, entry[i] ~ /^n/)
  }
  n = split(ENVIRON["fh_requested"], entry, "\n")
  for (i = 1; i <= n && i <= 51; i++) if (entry[i] != "") {
    k = split(entry[i], W, US)
    for (m = 5; m <= k; m++) W[m] = substr(W[m], 2)
    take("config.xml", W[1], W[2] == "" ? 0 : amount(W[2]), W[3] == "" ? 10 : amount(W[3]), \
      W[4] == "" ? "nagios" : W[4], W, 5, k)
  }
  if (ENVIRON["fh_gpu"] && !HAS_GPU) gpuLine("", W, 1)
  if (SURPLUS != "") refuse(SURPLUS, "more than 50 checks")
}
function amount(text) { return text ~ /^[0-9]+$/ && length(text) < 8 && text > 0 ? text + 0 : -1 }
function refuse(path, why) { if (REFUSALS++ < 20) print "r" path US why }

function readConf(file, isNrpe,  n, i, line, size, got) {
  while ((got = (getline line < file)) > 0 && size <= 65536) { L[++n] = line; size += length(line) + 1 }
  close(file)
  if (got < 0) { refuse(file, "cannot be read"); return }
  if (size > 65537) { refuse(file, "longer than 64 KiB"); return }
  for (i = 1; i <= n; i++) {
    line = L[i]; sub(/\r$/, "", line)
    if (isNrpe) nrpeLine(file ":" i, line)
    else confLine(file ":" i, line)
  }
}

function confLine(place, line,  n, at, every, timeout, form, W, i) {
  if (line ~ /^[ \t]*(#|$)/) return
  n = splitWords(line, W)
  if (n > 0 && W[1] == "include-nrpe") {
    if (n == 2 && W[2] ~ /^\//) print "i" W[2]
    else refuse(place, "include-nrpe takes one absolute path")
    return
  }
  if (n > 0 && W[1] == "certificate") {
    if (!certificateLine(place, W, n)) refuse(place, "certificate takes NAME and connect=HOST:PORT or file=PATH")
    return
  }
  if (n > 0 && W[1] == "textfile") {
    if (!textfileLine(place, W, n)) refuse(place, "textfile takes an absolute path")
    return
  }
  if (n == 2 && W[1] == "container" && W[2] ~ /^[A-Za-z0-9_.-]+$/ && length(W[2]) < 256) {
    if (EXPECTED++ < 50) print "x" W[2]
    return
  }
  if (n > 0 && W[1] == "gpu" && gpuLine(place, W, n)) return
  if (n > 0 && W[1] ~ /^(http|tcp|dns)$/ && serverLine(place, W, n)) return
  at = options(W, 2, n, "every|timeout|format"); form = "format" in O ? O["format"] : "nagios"
  take(place, n > 0 ? W[1] : "", optionSeconds("every", 0), optionSeconds("timeout", 10), \
    isMade(form) ? "" : form, W, at, n)
}
# True for the formats that only lines of their own kinds have.
function isMade(form) { return form ~ /^(certificate|textfile|gpu|http|tcp|dns)$/ }
function secondsIn(text,  unit) {
  if (text !~ /^[0-9]+[smhd]?$/) return -1
  unit = substr(text, length(text))
  unit = unit == "d" ? 86400 : unit == "h" ? 3600 : unit == "m" ? 60 : 1
  sub(/[smhd]$/, "", text)
  return length(text) < 8 && text * unit > 0 ? text * unit : -1
}

function nrpeLine(place, line,  head, n, W) {
  if (!match(line, /^[ \t]*command\[[^]]*\][ \t]*=/)) return
  head = substr(line, 1, RLENGTH); line = substr(line, RLENGTH + 1)
  sub(/^[ \t]*command\[/, "", head); sub(/\][ \t]*=$/, "", head)
  if (head == "") return
  if (line ~ /\$ARG[0-9]+\$/) { refuse(place, "takes arguments"); return }
  n = splitWords(line, W)
  if (n < 0 || NEEDS_SHELL || (n > 0 && W[1] ~ /^[A-Za-z_][A-Za-z0-9_]*=/)) refuse(place, "needs a shell")
  else take(place, head, 0, 10, "nagios", W, 1, n)
}

# Fills W with the words of a line, and returns their number; -1 for a quote without its end and control characters.
function splitWords(line, W,  i, n, c, size, quote, word, has, next_) {
  NEEDS_SHELL = 0; n = 0; quote = word = ""; has = 0; size = length(line)
  if (line ~ /[\001-\010\012-\037\177]/) return -1
  for (i = 1; i <= size; i++) {
    c = substr(line, i, 1)
    if (quote == "" && (c == " " || c == "\t")) {
      if (has) W[++n] = word
      word = ""; has = 0
      continue
    }
    has = 1
    if (c == quote) { quote = ""; continue }
    if (quote == "" && (c == "\047" || c == "\"")) { quote = c; continue }
    next_ = substr(line, i + 1, 1)
    if (c == "\\" && quote != "\047" && (quote == "" || next_ == "" || index("\"\\$`", next_))) {
      if (next_ == "") return -1
      word = word next_; i++
      continue
    }
    if (quote == "" && index("|&;<>()$`*?[~#", c) || quote == "\"" && index("$`", c)) NEEDS_SHELL = 1
    word = word c
  }
  if (quote != "") return -1
  if (has) W[++n] = word
  return n
}

# Prints a check with the words from..n of W as its command, if it is within its bounds.
function take(place, name, every, timeout, form, W, from, n,  i, line) {
  if (name !~ "^[A-Za-z0-9_.:/-]([A-Za-z0-9_.:/ -]*[A-Za-z0-9_.:/-])?$" || length(name) > 128 || \
    form !~ /^(nagios|checkmk|prom|certificate|textfile|gpu|http|tcp|dns)$/ || from > n || n - from > 99 || \
    every < 0 || every > 604800 || timeout < 1 || \
    timeout > 30 || W[from] == "" || (W[from] ~ /\// && W[from] !~ /^\//)) {
    if (!isMade(form))
      refuse(place, place == "config.xml" ? "not a check with NAME and COMMAND" : "not a line of NAME and COMMAND")
    return 0
  }
  # A check of config.xml yields to the own check of the client with that name.
  if (name in TAKEN) { if (place != "config.xml") refuse(place, "a name that another check has"); return 1 }
  if (TAKES == 50) { if (SURPLUS == "") SURPLUS = place; return 1 }
  TAKEN[name] = 1; TAKES++; if (name ~ /^gpu(:[0-9]+)?$/) HAS_GPU = 1
  line = name US form US every US timeout
  for (i = from; i <= n; i++) line = line US "x" W[i]
  i = every > 0 && line in KEPT_AGE && KEPT_AGE[line] >= 0 && KEPT_AGE[line] < every * 0.9
  print (i ? "o" : "k") line
  return 1
}

# Reads the results of earlier visits: check, boot, time since boot and result, split by RS_.
function readKept(  line, f, file) {
  RS_ = "\036"; file = ENVIRON["fh_dir"] "/checks.shell"
  if (ENVIRON["fh_dir"] == "") return
  while ((getline line < file) > 0) {
    if (split(line, f, RS_) < 5 || f[2] != ENVIRON["fh_boot"]) continue
    KEPT_AGE[f[1]] = int(uptime() - f[3] + 0.5); KEPT_LINE[f[1]] = line
    KEPT_RESULT[f[1]] = substr(line, length(f[1] f[2] f[3]) + 4)
  }
  close(file)
}

# Prints what agent/capture/collect-capture.ts reads: `r` a refusal, `c` a check with its format, age and result, `x` a
# container that must exist. Writes the results to keep to the file fh_keep.
function checksResult(  n, i, line, f, age, result, one) {
  US = "\037"; readKept()
  i = ENVIRON["fh_run"] "/plan"
  while ((getline one < i) > 0) line[++n] = one
  close(i)
  printf "" > ENVIRON["fh_keep"]
  # An empty line says that checks have run, if there were none.
  print ""
  for (i = 1; i <= n; i++) if (line[i] ~ /^[rx]/) print line[i]
  for (i = 1; i <= n; i++) {
    one = substr(line[i], 2); age = 0
    if (line[i] !~ /^[ko]/) continue
    split(one, f, US)
    if (line[i] ~ /^o/) { age = KEPT_AGE[one]; result = KEPT_RESULT[one]; print KEPT_LINE[one] > ENVIRON["fh_keep"] }
    else {
      result = resultIn(ENVIRON["fh_run"] "/" i "/")
      if (END_RAN && f[3] > 0 && (f[2] == "gpu" || !isMade(f[2]) || index(result, "0" RS_ RS_) == 1))
        print one RS_ ENVIRON["fh_boot"] RS_ END_RAN RS_ result > ENVIRON["fh_keep"]
      if (END_BAD != "") print "r" END_PROGRAM US "untrusted: " END_BAD
    }
    print "c" f[1] US f[2] US age US result
  }
}

# Returns the result in the folder of a check: exit status, reason and the lines of output, split by RS_. `end` has the
# exit status or nothing, the reason or nothing, the time since boot when the check began or nothing, an untrusted
# program and its part that others could change.
function resultIn(dir,  line, f, file, text) {
  END_RAN = END_BAD = END_PROGRAM = ""; file = dir "end"
  if ((getline line < file) <= 0) line = US "no time left"
  close(file)
  split(line, f, US); END_RAN = f[3]; END_PROGRAM = f[4]; END_BAD = f[5]
  text = f[1] RS_ f[2]; file = dir "out"
  while ((getline line < file) > 0) { gsub(RS_, "?", line); text = text RS_ line }
  close(file)
  return text
}

# Prints the checks of a request for the plan: lines `c` with name, every, timeout, format and words.
function printRequested(json,  depth, s, key, isOurs, fields, words, isWord) {
  gsub(/[\001-\037\177]/, "", json)
  while (json != "") {
    if (match(json, /^"([^"\\]|\\.)*"/)) {
      s = substr(json, 2, RLENGTH - 2); json = substr(json, RLENGTH + 1); s = plain(s)
      if (depth == 4 && isOurs) words = words "\037x" s
      else if (json ~ /^:/) { key = s; if (depth == 1) isOurs = s == "checks" }
      else if (depth == 3 && isOurs) fields[key] = s
      continue
    }
    if (match(json, /^[0-9]+/)) {
      if (depth == 3 && isOurs) fields[key] = substr(json, 1, RLENGTH)
      json = substr(json, RLENGTH + 1)
      continue
    }
    s = substr(json, 1, 1); json = substr(json, 2)
    if (s == "{" || s == "[") depth++
    if (s == "{" && depth == 3 && isOurs) { split("", fields); words = "" }
    if (s == "}" && depth == 3 && isOurs)
      print "c" fields["name"] "\037" fields["everySeconds"] "\037" fields["timeoutSeconds"] "\037" \
        fields["format"] words
    if (s == "}" || s == "]") depth--
  }
}
