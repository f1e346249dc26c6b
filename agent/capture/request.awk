# Reads the options of probes from the request (src/report/agent-request.ts).

function bytesOf(base64,  i, n, k, v, out, digits) {
  digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
  n = length(base64)
  for (i = 1; i <= n; i += 4) {
    v = 0
    for (k = 0; k < 4; k++) v = v * 64 + (i + k <= n ? index(digits, substr(base64, i + k, 1)) - 1 : 0)
    out = out CH[int(v / 65536)]
    if (i + 2 <= n) out = out CH[int(v / 256) % 256]
    if (i + 3 <= n) out = out CH[v % 256]
  }
  return out
}

# Fills ASKED["units", 1..] and ASKS["units"], their number: the lists of texts at depth three.
function readRequest(json,  depth, s, key) {
  # JSON texts hold no control characters. A line break would begin another line of the plan.
  gsub(/[\001-\037\177]/, "", json)
  while (json != "") {
    if (match(json, /^"([^"\\]|\\.)*"/)) {
      s = substr(json, 2, RLENGTH - 2); json = substr(json, RLENGTH + 1); s = plain(s)
      if (depth == 3) { ASKED[key, ++ASKS[key]] = s; if (key == "mounts") WANTED[s] = 1 }
      else if (json ~ /^:/) key = s
      continue
    }
    s = substr(json, 1, 1); json = substr(json, 2)
    if (s == "{" || s == "[") depth++
    if (s == "}" || s == "]") depth--
  }
}

function plain(s,  out) {
  while (match(s, /\\./)) { out = out substr(s, 1, RSTART - 1) substr(s, RSTART + 1, 1); s = substr(s, RSTART + 2) }
  return out s
}
