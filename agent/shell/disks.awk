# The figures of mounts: lines `blocks free available size inodes free-inodes mount` of stat, or the lines of df.

function readUsage(text, isInodes,  i, n, line, f, name) {
  n = split(text, line, "\n")
  for (i = 1; i <= n; i++) {
    if (match(line[i], /^[0-9]+ [0-9]+ [0-9]+ [0-9]+ [0-9]+ [0-9]+ /)) {
      USAGE[substr(line[i], RLENGTH + 1 + length(ROOT))] = substr(line[i], 1, RLENGTH)
    } else if (match(line[i], / +[0-9]+ +[0-9]+ +-?[0-9]+ +([0-9]+%|-) +\//)) {
      name = substr(line[i], RSTART + RLENGTH - 1); split(substr(line[i], RSTART, RLENGTH), f, " ")
      # df counts in KiB; free is the size without the used part.
      if (isInodes) INODES[name] = f[1] " " f[1] - f[2]
      else USAGE[name] = sprintf("%.0f %.0f %.0f 1024 ", f[1], f[1] - f[2], f[3] < 0 ? 0 : f[3])
    }
  }
}

# Reports every local file system once, under the mount that names it, and the mounts that rules name.
function disks(fault,  i, k, n, g, file, best, rw, order, groups, parts) {
  readUsage(ENVIRON["fh_usage"], 0); readUsage(ENVIRON["fh_inodes"], 1)
  n = split(ENVIRON["fh_files"], file, "\n")
  for (i = 1; i <= n; i++) file["is", file[i]] = 1
  for (i = 1; i <= MOUNTS; i++) {
    if (PART[i] && ("is", MOUNT[i]) in file) continue
    if (TYPE[i] == "zfs") GROUP[i] = spaceOf(i)
    g = GROUP[i]; if (MODE[i] == "rw") rw[g] = 1
    # A dataset of a ZFS pool reports only its own part.
    if (TYPE[i] == "zfs") parts[g] = parts[g] " " i
    if (!(g in best)) { best[g] = i; order[++groups] = g }
    else if (ROOTED[i] > ROOTED[best[g]]) best[g] = i
    else if (ROOTED[i] == ROOTED[best[g]] && length(MOUNT[i]) < length(MOUNT[best[g]])) best[g] = i
  }
  for (i = 1; i <= groups; i++) {
    g = order[i]; measure(best[g], g in rw ? "rw" : "ro", g in parts ? parts[g] : best[g], fault)
  }
  for (i = 1; i <= MOUNTS; i++) if (MOUNT[i] in WANTED && i != best[GROUP[i]]) measure(i, MODE[i], i, fault)
  for (i = MOUNTS + 1; i <= MOUNTS + ABSENT; i++) {
    measure(i, "missing", "", fault); BAD[SUBJECTS] = 1000; WHY_NOT[SUBJECTS] = "not mounted"
  }
  family("disk")
  for (n = 0; n < 200 && n < SUBJECTS; n++) {
    k = n + 1
    # Keeps the worst ones if there are more than a report may have.
    if (SUBJECTS > 200) { k = 0; for (i = 1; i <= SUBJECTS; i++) if (BAD[i] != "" && (!k || BAD[i] > BAD[k])) k = i }
    diskRow(k); BAD[k] = ""
  }
  done(SUBJECTS - n)
}

# Returns the group of a dataset: those of a pool that share its space, rounded down to their block sizes. A dataset with
# a quota has an available space of its own.
function spaceOf(m,  f, k, g, avail, other) {
  if (split(USAGE[oneLine(MOUNT[m])], f, " ") < 4) return GROUP[m] " 1"
  avail = f[3] * f[4]
  for (k = 1; ((g = GROUP[m] " " k), 1) in SPACE; k++) {
    other = SPACE[g, 1] - avail; if (other < 0) other = -other
    if (other <= (SPACE[g, 2] > f[4] ? SPACE[g, 2] : f[4]) + (SPACE[g, 1] > avail ? SPACE[g, 1] : avail) / 1000) return g
  }
  SPACE[g, 1] = avail; SPACE[g, 2] = f[4]
  return g
}

# Adds a subject with its figures, or the reason why there are none.
function measure(m, mode, parts, fault,  p, i, n, f, used, free, avail, name) {
  SUBJECT[++SUBJECTS] = m; SUBJECT_MODE[SUBJECTS] = mode; BAD[SUBJECTS] = -1; INODES_PERCENT[SUBJECTS] = -1
  n = split(parts, p, " ")
  for (i = 1; i <= n; i++) {
    name = oneLine(MOUNT[p[i]])
    if (!(name in USAGE)) continue
    split(USAGE[name] INODES[name], f, " ")
    used += f[1] > f[2] ? (f[1] - f[2]) * f[4] : 0
    if (f[2] * f[4] > free) free = f[2] * f[4]
    # The available space of some file systems is negative, which appears as a huge number.
    if (f[3] <= f[1] && f[3] * f[4] > avail) avail = f[3] * f[4]
    if (TYPE[m] != "zfs" && f[5] > 0 && f[6] <= f[5]) INODES_PERCENT[SUBJECTS] = 100 * (f[5] - f[6]) / f[5]
  }
  if (used + free == 0) {
    WHY_NOT[SUBJECTS] = HANGS[m] ? "the shell agent asks no network file system" : fault != "" ? fault : \
      oneLine(MOUNT[m]) in USAGE ? "the file system tells no size" : "no answer"
    return
  }
  USED[SUBJECTS] = used; SIZE[SUBJECTS] = used + free; AVAILABLE[SUBJECTS] = avail
  BAD[SUBJECTS] = PERCENT[SUBJECTS] = used + avail > 0 ? 100 * used / (used + avail) : 100
  if (INODES_PERCENT[SUBJECTS] > BAD[SUBJECTS]) BAD[SUBJECTS] = INODES_PERCENT[SUBJECTS]
}

function diskRow(k,  m) {
  m = SUBJECT[k]
  row()
  label("mount", MOUNT[m]); label("fstype", TYPE[m]); label("source", SOURCE[m]); label("scope", SCOPE[m])
  label("mode", SUBJECT_MODE[k])
  known("size_bytes", SIZE[k], WHY_NOT[k], 0); known("used_bytes", USED[k], WHY_NOT[k], 0)
  known("available_bytes", AVAILABLE[k], WHY_NOT[k], 0); known("used_percent", PERCENT[k], WHY_NOT[k], 2)
  known("inodes_percent", INODES_PERCENT[k], \
    WHY_NOT[k] == "" && INODES_PERCENT[k] < 0 ? "no inode count" : WHY_NOT[k], 2)
  known("unresponsive", 0, HANGS[m] || m > MOUNTS ? WHY_NOT[k] : "", 0)
}
