# What looks have seen of watched paths, by the rules of agent/state/watched.ts.

# True if a time is not within the day before NOW.
function isOver(since) { return NOW < since || NOW - since >= @DAY@ }

# Reads `=COUNT FIRST NEWEST INODE SIZE TIME PATH`, the notes of earlier looks, `+INODE SIZE TIME PATH`, and the paths to
# watch after a `w`. Prints the new notes after an `n`, the paths to watch after a `w`, restless ones after an `r`.
function looks(  line, p, f, i, n, m, k, changed, before, paths, was, is, count, first, newest, notes) {
  ARGC = 1
  NOW = ENVIRON["fh_now"] + 0
  while ((getline line) > 0) {
    p = line
    if (line ~ /^=/ && n < @MOST_LOOKED@) {
      if (!sub(/^=[^ ]+ [^ ]+ [^ ]+ [^ ]+ [^ ]+ [^ ]+ /, "", p) || p in was) continue
      split(substr(line, 2), f, " ")
      before[++n] = p; was[p] = f[4] " " f[5] " " f[6]
      count[p] = f[1] + 0; first[p] = f[2] + 0; newest[p] = f[3] + 0
    } else if (sub(/^[+][^ ]+ [^ ]+ [^ ]+ /, "", p)) is[p] = substr(line, 2, length(line) - length(p) - 2)
    else if (sub(/^w/, "", p)) paths[++m] = p
  }
  for (i = 1; i <= n; i++) {
    p = before[i]
    if (!(p in is)) is[p] = "- - -"
    if (is[p] != was[p] && count[p] < @RESTLESS@) changed++
  }
  for (i = 1; i <= n; i++) {
    p = before[i]
    if (is[p] == was[p]) { if (isOver(newest[p])) count[p] = first[p] = newest[p] = 0 }
    else {
      if (count[p] < @RESTLESS@) {
        if (isOver(first[p])) count[p] = 0
        if (!count[p]) first[p] = NOW
        if (changed <= @MOST_COUNTED@) count[p]++
      }
      newest[p] = NOW
    }
    if (count[p]) { print "n" count[p], first[p], newest[p], is[p], p; notes++ }
    if (count[p] >= @RESTLESS@) print "r" p
  }
  for (i = 1; i <= m && k < @WATCHES@; i++) {
    p = paths[i]
    if (count[p] >= @RESTLESS@) continue
    print "w" p; k++
    if (!count[p] && p in is && p ~ /^etc/ && notes++ < @MOST_LOOKED@) print "n0", first[p] + 0, newest[p] + 0, is[p], p
  }
}
