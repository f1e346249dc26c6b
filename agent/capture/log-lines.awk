# Matching and keeping the lines that log.awk reads, and the families of the report with these lines.

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
# Keeps the newest 20 lines. A line that repeats the previous one is counted there.
function keepLine(time, priority, unit, text,  at) {
  text = substr(text, 1, 1020); at = KEPT_LINES % 20
  if (KEPT_LINES && KEPT_TEXT[at] == text && KEPT_UNIT[at] == unit && KEPT_PRIORITY[at] == priority) {
    KEPT_TIMES[at]++; return
  }
  at = ++KEPT_LINES % 20
  KEPT_TIME[at] = time; KEPT_TEXT[at] = text; KEPT_UNIT[at] = unit; KEPT_PRIORITY[at] = priority; KEPT_TIMES[at] = 1
}

function logFamilies(  i, at, size, from) {
  family("log"); row(); label("source", LOG_SOURCE)
  known("errors", ERRORS, LOG_WHY != "" ? LOG_WHY : LACKS_PRIORITY ? LOG_SOURCE " does not say priorities" : "", 0); done(0)
  family("log_match")
  for (i = 1; i <= LOG_ASKS; i++) {
    row(); label("match", EXPRESSION[i]); label("priority", PRIORITY[LOG_PRIORITY[i] + 1])
    known("count", MATCHES[i], LOG_WHY != "" ? LOG_WHY : LACKS_PRIORITY && EXPRESSION[i] == "" ? \
      LOG_SOURCE " does not say priorities" : "", 0)
  }
  done(0)
  from = KEPT_LINES
  while (from > 0 && from > KEPT_LINES - 20) {
    at = from % 20; size += length(KEPT_TEXT[at])
    if (size > 4096) break
    from--
  }
  family("log_line")
  for (i = from + 1; i <= KEPT_LINES; i++) {
    at = i % 20; row()
    if (KEPT_PRIORITY[at] != "") label("priority", PRIORITY[KEPT_PRIORITY[at] + 1])
    label("time", KEPT_TIME[at]); label("unit", KEPT_UNIT[at]); label("text", KEPT_TEXT[at]); number("times", KEPT_TIMES[at], 0)
  }
  done(from)
}
