# The lists of Docker and Podman.

# Prints a list of containers without what agent/probes/containers.ts does not use: `[`, a line of each container, `]`.
# Prints `[` and `-` in place of anything else. Reads up to each quote, because a list may be long.
function containersList(  part, isText, s, size, key, depth, first, C, out, rest) {
  # BusyBox does not know the file `-`.
  ARGC = 1; RS = "\""
  while ((getline part) > 0) {
    if (isText) {
      # A longer text is none that is used.
      if (size < 1000) s = s part
      size += length(part)
      match(part, /\\*$/)
      if (RLENGTH % 2) { s = s "\""; size++ } else isText = 0
      continue
    }
    if (part ~ /^[ \t\r\n]*:/) key[depth] = s
    else if (s != "") {
      if (depth == 3 && key[2] == "Names") C["Names"] = C["Names"] (C["Names"] == "" ? "" : ",") "\"" s "\""
      if (depth == 2 && key[2] ~ /^(Id|State|Status)$/) C[key[2]] = s
      if (depth == 3 && key[2] == "Labels" && key[3] ~ /^(@LABELS@)$/)
        C["Labels"] = C["Labels"] (C["Labels"] == "" ? "" : ",") "\"" key[3] "\":\"" s "\""
    }
    s = ""; size = 0; rest = part; gsub(/[^][{}]/, "", rest)
    while (rest != "") {
      part = substr(rest, 1, 1); rest = substr(rest, 2)
      if (first == "") first = part
      if (part == "[" || part == "{") key[++depth] = ""
      else if (--depth == 1 && C["Id"] != "") {
        out = out (out == "" ? "" : ",") "{\"Id\":\"" C["Id"] "\",\"Names\":[" C["Names"] "],\"State\":\"" C["State"] \
          "\",\"Status\":\"" C["Status"] "\",\"Labels\":{" C["Labels"] "}}\n"
        split("", C)
      }
    }
    isText = 1
  }
  print first == "[" && depth == 0 ? "[\n" out "]" : "[\n-"
}
