/** Exit status of the program below if it left a line of the key as it was. */
export const lineLeftStatus = 3;

/**
 * Rewrites authorized_keys, whose path is ENVIRON["file"], in awk on the client. stdin has the options that are to hold
 * and, in its second line, the public key. Each line of the key gets these options and keeps its own others. A line of
 * the key that sshd would not understand is left alone and named on stderr; lines of other keys stay as they are.
 */
export const mergeKeyLines = String.raw`
# The length of the options at the start of a line, as sshd finds it; -1: a quote is open at its end.
function optionsLength(s,  i, c, quoted) {
  for (i = 1; i <= length(s); i++) {
    c = substr(s, i, 1)
    if (c == "\\" && substr(s, i + 1, 1) == "\"") i++
    else if (c == "\"") quoted = !quoted
    else if (!quoted && (c == " " || c == "\t")) break
  }
  return quoted ? -1 : i - 1
}
# True for NAME and NAME="VALUE", with no quote in VALUE but behind a backslash.
function isOption(s,  i) {
  if (s ~ /^[A-Za-z0-9-]+$/) return 1
  if (s !~ /^[A-Za-z0-9-]+="/) return 0
  for (i = index(s, "=") + 2; i < length(s); i++) {
    if (substr(s, i, 2) == "\\\"") i++
    else if (substr(s, i, 1) == "\"") return 0
  }
  return i == length(s) && substr(s, i, 1) == "\""
}
# Adds one option of a line to kept, unless what is to hold says it already.
function keep(word,  name) {
  if (!isOption(word)) return 0
  name = tolower(word)
  sub(/=.*/, "", name)
  if (name == "cert-authority") return 0
  if (name == "restrict" || name == "command" || (name == "from" && index("," ours, ",from=\""))) return 1
  if (index("," ours ",", "," word ",") == 0 && index("," kept ",", "," word ",") == 0) kept = kept "," word
  return 1
}
function keepAll(options,  i, c, quoted, word) {
  kept = ""
  for (i = 1; i <= length(options); i++) {
    c = substr(options, i, 1)
    if (c == "," && !quoted) {
      if (!keep(word)) return 0
      word = ""
      continue
    }
    if (c == "\\" && substr(options, i + 1, 1) == "\"") { word = word c; i++; c = "\"" }
    else if (c == "\"") quoted = !quoted
    word = word c
  }
  return keep(word)
}
# A line as sshd reads its key: from base64 it drops all white space but what ends a word.
function flat(text) {
  gsub(/[\r\v\f]/, "", text)
  return text
}
function leave(text) {
  print text
  left = 1
  print "fleet-health: line " number " of " file " has this key and cannot be understood, so it is left as it is" | "cat >&2"
}
function put(text) {
  if (!(text in done)) print text
  done[text] = placed = 1
}
function merge(text,  s, words, size) {
  s = text
  sub(/^[ \t]+/, "", s)
  if (s ~ /^#/) { print text; return }
  split(s, words, /[ \t]+/)
  if (words[1] == type && flat(words[2]) == key) { put(ours " " line); return }
  size = optionsLength(s)
  if (size < 0) { leave(text); return }
  split(substr(s, size + 1), words, /[ \t]+/)
  if (words[2] != type || flat(words[3]) != key) print text
  else if (keepAll(substr(s, 1, size))) put(ours kept " " line)
  else leave(text)
}
BEGIN {
  file = ENVIRON["file"]
  if ((getline ours) <= 0 || (getline line) <= 0) exit 1
  split(line, words, / /)
  type = words[1]
  key = words[2]
  while ((got = (getline text < file)) > 0) {
    number++
    if (index(flat(text), key) == 0) print text
    else merge(text)
  }
  if (got < 0 && ENVIRON["exists"] != "") exit 1
  if (!placed) print ours " " line
  close("cat >&2")
  exit (left ? ${lineLeftStatus} : 0)
}
`;
