# JSON in plain ASCII, so that every shell and awk counts its characters as its bytes.

# Fills CODE with the code of each byte, and CH with the byte of each code: awk has no ord().
function byteCodes(  i) {
  for (i = 1; i < 256; i++) { CH[i] = sprintf("%c", i); CODE[CH[i]] = i }
}

# Returns a text in quotes, cut to the 255 UTF-16 units of a label. Control and format characters, and bytes that are
# not UTF-8, become U+FFFD.
function quoted(s,  i, n, c, p, k, m, out, units) {
  if (length(s) < 256 && s !~ /[^ -~]|["\\]/) return "\"" s "\""
  n = length(s)
  for (i = 1; i <= n && units < 254; i++) {
    c = substr(s, i, 1); p = CODE[c] + 0; units++
    if (p < 128) {
      if (p < 32 || p == 127) out = out "\\ufffd"
      else if (c == "\"" || c == "\\") out = out "\\" c
      else out = out c
      continue
    }
    k = p >= 240 && p < 245 ? 3 : p >= 224 && p < 240 ? 2 : p >= 194 && p < 224 ? 1 : 0
    p = k == 3 ? p - 240 : k == 2 ? p - 224 : p - 192
    for (m = 1; m <= k; m++) {
      c = CODE[substr(s, i + m, 1)] + 0
      if (c < 128 || c > 191) break
      p = p * 64 + c - 128
    }
    if (k == 0 || m <= k || isIllFormed(p, k)) { out = out "\\ufffd"; continue }
    if (p > 65535 && units == 254) break
    i += k
    if (isFormat(p)) p = 65533
    if (p > 65535) { p -= 65536; units++; out = out utf16(55296 + int(p / 1024)); p = 56320 + p % 1024 }
    out = out utf16(p)
  }
  return "\"" out (i <= n ? "\\u2026" : "") "\""
}
function utf16(p) { return sprintf("\\u%04x", p) }

# True for overlong encodings, surrogates and values beyond Unicode.
function isIllFormed(p, k) {
  return (k == 2 && p < 2048) || (k == 3 && (p < 65536 || p > 1114111)) || (p > 55295 && p < 57344)
}
# True for control and format characters.
function isFormat(p) {
  return p < 160 || p == 173 || (p > 8202 && p < 8208) || (p > 8231 && p < 8239) || (p > 8287 && p < 8304) || p == 65279
}

# Begins a family. Then row() begins each row, label() and number() fill it, and done() ends the family.
function family(name) { FAMILY = name; ROWS = 0; WHYS = 0; split("", COUNT) }
function row() { ROW[++ROWS] = "" }
function put(field, json) { ROW[ROWS] = ROW[ROWS] (ROW[ROWS] == "" ? "" : ",") "\"" field "\":" json }
function label(field, text) { if (text != "") put(field, quoted(text)) }
function lack(field, why) {
  put(field, "null")
  WHY_ROW[++WHYS] = ROWS; WHY_FIELD[WHYS] = field; WHY[WHYS] = why; COUNT[field, why]++
}
# Adds a number with at most this many decimals, without trailing zeros.
function number(field, value, decimals,  f) {
  # Rounds as the agent for node does: printf alone rounds the binary form.
  if (decimals > 0) { f = decimals == 1 ? 10 : 100; value = int(value * f + (value < 0 ? -0.5 : 0.5)) / f }
  value = sprintf("%." decimals "f", value)
  if (value !~ /^-?[0-9]/) { lack(field, "not a number"); return }
  if (decimals > 0) { sub(/0+$/, "", value); sub(/\.$/, "", value) }
  put(field, value == "-0" ? "0" : value)
}
function known(field, value, why, decimals) { if (why != "") lack(field, why); else number(field, value, decimals) }
# Ends a family. Joins the reasons of a field that every row lacks for the same reason.
function done(omitted,  i, data, unknown) {
  for (i = 1; i <= ROWS; i++) data = data (i > 1 ? "," : "") "{" ROW[i] "}"
  for (i = 1; i <= WHYS; i++) {
    if (COUNT[WHY_FIELD[i], WHY[i]] < ROWS) unknown = unknown ",{\"row\":" WHY_ROW[i] - 1 ","
    else if (WHY_ROW[i] < 2) unknown = unknown ",{"
    else continue
    unknown = unknown "\"field\":\"" WHY_FIELD[i] "\",\"reason\":" quoted(WHY[i]) "}"
  }
  add(data, (unknown == "" ? "" : ",\"unknown\":[" substr(unknown, 2) "]") (omitted > 0 ? ",\"omitted\":" omitted : ""))
}

# Ends a family without rows, with the reason.
function nothing(field, why) {
  add("", ",\"unknown\":[{\"field\":\"" field "\",\"reason\":" quoted(why) "}]")
}
function add(data, more) {
  FAMILIES = FAMILIES (FAMILIES == "" ? "" : ",") "{\"name\":\"" FAMILY "\",\"data\":[" data "]" more "}"
}

# Ends a worker report with the families since the last one.
function worker(name, fault, ms) {
  WORKERS = WORKERS (WORKERS == "" ? "" : ",") "{\"name\":\"" name \
    "\",\"duration_ms\":" sprintf("%.0f", ms < 0 ? 0 : ms) \
    ",\"error\":" (fault == "" ? "null" : quoted(fault)) ",\"function_reports\":[" FAMILIES "]}"
  FAMILIES = ""
}
