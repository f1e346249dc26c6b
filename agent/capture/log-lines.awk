# Matching, keeping and printing the lines that log.awk reads.

# Adds a line. Lines are matched a hundred at a time, because some awks compile an expression whenever it changes.
function newLine(time, priority, unit, text, size) {
  READ += size + 1
  LINE_PRIORITY[++LINES] = priority ~ /^[0-7]$/ ? priority : ""
  LINE_TIME[LINES] = time; LINE_UNIT[LINES] = unit; LINE_TEXT[LINES] = text
  if (LINE_PRIORITY[LINES] == "") LACKS_PRIORITY = 1
  if (LINES < 100) return
  matchLines()
  isLate()
}
function isLate() {
  if (!OUT_OF_TIME && (uptime() >= END_OF_TIME || READ > LOG_BYTES)) {
    OUT_OF_TIME = 1
    LOG_FAULT = "only a part was read: " (READ > LOG_BYTES ? "256 MiB" : "3 s") " are the most for a visit"
  }
  return OUT_OF_TIME
}
function matchLines(  i, k, p, text) {
  for (i = 1; i <= LINES; i++) { p = LINE_PRIORITY[i]; IS_KEPT[i] = p != "" && p <= 3; ERRORS += IS_KEPT[i] }
  for (k = 1; k <= LOG_ASKS; k++) for (i = 1; i <= LINES; i++) {
    p = LINE_PRIORITY[i]
    if (p == "" ? EXPRESSION[k] == "" : p > LOG_PRIORITY[k]) continue
    if (EXPRESSION[k] == "") { MATCHES[k]++; IS_KEPT[i] = 1; continue }
    text = substr(LINE_TEXT[i], 1, MATCHED_BYTES[k])
    if (text ~ EXPRESSION[k]) { MATCHES[k]++; IS_KEPT[i] = 1 }
    # Checks the time after a few long lines, because a line and an expression can be chosen to take long.
    WORK += length(text) * length(text) * length(text)
    if (WORK > 300000000) { WORK = 0; if (isLate()) { k = LOG_ASKS; break } }
  }
  for (i = 1; i <= LINES; i++) if (IS_KEPT[i]) keepLine(LINE_TIME[i], LINE_PRIORITY[i], LINE_UNIT[i], LINE_TEXT[i])
  LINES = 0
}
# Keeps the newest 20 lines. A line that repeats the previous one is counted there, and has its time.
function keepLine(time, priority, unit, text,  at) {
  text = substr(text, 1, 1020); at = KEPT_LINES % 20
  if (KEPT_LINES && KEPT_TEXT[at] == text && KEPT_UNIT[at] == unit && KEPT_PRIORITY[at] == priority) {
    KEPT_TIMES[at]++; KEPT_TIME[at] = time; return
  }
  at = ++KEPT_LINES % 20
  KEPT_TIME[at] = time; KEPT_TEXT[at] = text; KEPT_UNIT[at] = unit; KEPT_PRIORITY[at] = priority; KEPT_TIMES[at] = 1
}

# Prints the source, a fault, the reason why nothing is counted, the counts in the order of fh_asks, and the newest lines
# of 4 KiB in all: `line PRIORITY TIMES TIME UNIT TEXT`, separated by US.
function printLog(  i, at, size, from, US) {
  US = "\037"
  print "source " LOG_SOURCE
  if (LOG_FAULT != "") print "fault " LOG_FAULT
  if (LOG_WHY != "") print "why " LOG_WHY
  if (LACKS_PRIORITY) print "without priorities"
  print "errors " ERRORS + 0
  for (i = 1; i <= LOG_ASKS; i++) print "match " MATCHES[i]
  from = KEPT_LINES
  while (from > 0 && from > KEPT_LINES - 20) {
    at = from % 20; size += length(KEPT_TEXT[at])
    if (size > 4096) break
    from--
  }
  print "omitted " from + 0
  for (i = from + 1; i <= KEPT_LINES; i++) {
    at = i % 20
    print "line " KEPT_PRIORITY[at] US KEPT_TIMES[at] US KEPT_TIME[at] US field(KEPT_UNIT[at]) US field(KEPT_TEXT[at])
  }
}
# Replaces control characters, which separate fields and lines.
function field(text) { gsub(/[\001-\037]/, "\001", text); return text }
