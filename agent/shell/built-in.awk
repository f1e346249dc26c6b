# The checks of the agent itself, as agent/checks/built-in.ts has them.

# Adds a check. The figures are ASCII, with labels of the caller's own. The age is set for a repeated result. The
# text of a device (`format`) is JSON without quotes.
function check(name, state, text, figures, age, format) {
  gsub("[^A-Za-z0-9_.:/ -]", "_", name); name = substr(name, 1, 128); sub(/ +$/, "", name)
  if (name in CHECK_STATE) return
  CHECK_STATE[name] = state
  if (format == "") { gsub(/\|/, "/", text); text = quoted(text) }
  else text = "\"" text "\""
  if (figures != "" && length(figures) <= 2000) text = substr(text, 1, length(text) - 1) "|" figures "\""
  CHECK[++CHECKS] = name
  CHECK_JSON[name] = "{\"name\":\"" name "\",\"format\":\"" (format == "" ? "nagios" : format) "\",\"exit\":" state ",\"why\":null,\"output\":" text ",\"age_s\":" age + 0 "}"
}
# Keeps numbers for the next visit, which finds them in then[name, 1..8]. The name has no blank.
function note(name, numbers) { NOTES = NOTES "\n" name " " numbers }

# Returns the members of a report: the results of people's own checks, then those of check(), the bad ones first.
function members(file,  own, refused, line, f, isBad, i, n, built) {
  if (file != "") { getline own < file; getline refused < file; getline line < file }
  n = split(line, f, " ")
  for (i = 1; i <= n; i++) if (!(("container:" f[i]) in CHECK_STATE))
    check("container:" f[i], UNSURE ? 3 : 2, "not running" (UNSURE ? ", or without a known name" : ""))
  n = 0
  for (isBad = 1; isBad >= 0; isBad--) for (i = 1; i <= CHECKS; i++)
    if ((CHECK_STATE[CHECK[i]] > 0) == isBad && !index(own, "{\"name\":\"" CHECK[i] "\",") && n++ < 100)
      built = built "," CHECK_JSON[CHECK[i]]
  return file == "" && !n ? "" : ",\"checks\":[" substr(own built, 2) "]" refused
}
