# The local file systems of /proc/self/mountinfo and the missing ones of /etc/fstab, chosen as in
# agent/probes/{mountinfo,file-systems,fstab}.ts. Network file systems and mounts below one are never asked: a request
# to a dead server does not end.

# The kernel writes blank, tab, newline, backslash and # as three octal digits.
function unescaped(s,  out, d) {
  while (match(s, /\\[0-7][0-7][0-7]/)) {
    d = substr(s, RSTART + 1, 3)
    out = out substr(s, 1, RSTART - 1) CH[substr(d, 1, 1) * 64 + substr(d, 2, 1) * 8 + substr(d, 3, 1)]
    s = substr(s, RSTART + 4)
  }
  return out s
}

function isNetwork(type) {
  return type ~ /^(9p|afs|beegfs|ceph|cifs|coda|gpfs|lustre|ncpfs|nfs4?|orangefs|prl_fs|pvfs2)$/ ||
    type ~ /^(smb3|smbfs|vboxsf|virtiofs|vmhgfs|fuse(\..*)?)$/
}

function scopeOf(type, device, mount) {
  if (type == "autofs") return ""
  if (isNetwork(type))
    return type ~ /^fuse\.(fuse-overlayfs|gvfsd-fuse|lxcfs|portal|snapfuse|squashfuse|squashfuse_ll)$/ &&
      mount != "/" && !(mount in WANTED) ? "" : "network"
  if (mount == "/" || mount in WANTED) return "local"
  if (type ~ /^(cramfs|erofs|iso9660|romfs|squashfs|udf)$/) return ""
  return device !~ /^0:/ || type ~ /^(bcachefs|btrfs|f2fs|jffs2|ubifs|zfs)$/ ? "local" : ""
}

# True if a folder above the mount is in the set. `parent` limits it to mounts of that parent.
function isBelow(mount, set, parent) {
  if (mount == "/") return 0
  while (sub("/[^/]*$", "", mount)) {
    if ((parent (mount == "" ? "/" : mount)) in set) return 1
    if (mount == "") return 0
  }
  return 0
}

# Reads the mounts that /etc/fstab demands: PROMISED, PROMISE[1..PROMISES] with the type and source of each. `places`
# has lines `path<tab>path without links` for those that `plan` found missing.
function readFstab(file, places,  line, text, f, n, i, mount) {
  n = split(places, line, "\n")
  for (i = 1; i <= n; i++) {
    split(line[i], f, "\t"); PLACE[f[1]] = substr(f[2], 1 + length(ROOT)); PROMISED[PLACE[f[1]]] = 1
  }
  while ((getline text < file) > 0) {
    split(text, f, " ")
    if (f[1] ~ /^#/ || f[2] !~ /^\// || f[3] == "swap") continue
    if ("," f[4] "," ~ /,(noauto|nofail|x-systemd\.automount),/) continue
    mount = unescaped(f[2]); gsub(/\/\/*/, "/", mount); if (mount != "/") sub(/\/$/, "", mount)
    if (mount in PROMISE_TYPE) continue
    PROMISED[mount] = 1; PROMISE[++PROMISES] = mount
    PROMISE_TYPE[mount] = f[3]; PROMISE_SOURCE[mount] = unescaped(f[1])
  }
  close(file)
}

# Fills MOUNT, TYPE, SOURCE, SCOPE, MODE, GROUP, ROOTED, PART and HANGS for each reported mount, 1 to MOUNTS, and after
# them for the missing ones.
function readMounts(file,  line, f, g, n, i, at, steps, buried, id, up, place, dev, mnt, typ, src, mode, part, over, \
    waits, there, isContainer) {
  while ((getline line < file) > 0) {
    if (!(at = index(line, " - "))) continue
    split(substr(line, 1, at - 1), f, " "); split(substr(line, at + 3), g, " ")
    if (f[6] == "" || g[1] == "") continue
    id[++n] = f[1]; up[n] = f[2]; dev[n] = f[3]; part[n] = f[4] != "/"; mnt[n] = unescaped(f[5]); typ[n] = g[1]
    src[n] = unescaped(g[2]); place[f[1]] = n; mode[n] = isReadOnly(f[6]) || isReadOnly(g[3]) ? "ro" : "rw"
    if (f[1] != f[2]) over[f[2] " " mnt[n]] = 1
  }
  close(file)
  for (i = 1; i <= n; i++)
    if (isNetwork(typ[i]) && scopeOf(typ[i], dev[i], mnt[i]) != "" || typ[i] == "fuseblk") waits[mnt[i]] = 1
  for (i = 1; i <= n; i++) {
    if ((id[i] " " mnt[i]) in over) continue
    if (!(mnt[i] in PROMISED) && mnt[i] != "/sys" && scopeOf(typ[i], dev[i], mnt[i]) == "") continue
    buried = 0; at = i
    for (steps = 0; at && steps <= n && !buried; steps++) {
      buried = id[at] != up[at] && isBelow(mnt[at], over, up[at] " ")
      at = id[at] == up[at] ? 0 : place[up[at]]
    }
    if (buried) continue
    there[mnt[i]] = 1; if (mnt[i] == "/sys" && mode[i] == "ro") isContainer = 1
    if (scopeOf(typ[i], dev[i], mnt[i]) == "") continue
    MOUNT[++MOUNTS] = mnt[i]; TYPE[MOUNTS] = typ[i]; SOURCE[MOUNTS] = src[i]; MODE[MOUNTS] = mode[i]
    SCOPE[MOUNTS] = scopeOf(typ[i], dev[i], mnt[i]); ROOTED[MOUNTS] = mnt[i] == "/" ? 2 : !part[i]
    PART[MOUNTS] = part[i] && mnt[i] != "/" && !(mnt[i] in WANTED)
    HANGS[MOUNTS] = mnt[i] in waits || isBelow(mnt[i], waits, "")
    split(src[i], f, "/"); GROUP[MOUNTS] = typ[i] == "zfs" ? "zfs " f[1] : dev[i]
  }
  n = MOUNTS
  for (i = 1; i <= PROMISES; i++) {
    at = PROMISE[i]
    if (at in there || PLACE[at] in there || isBelow(at, waits, "")) continue
    if (isContainer && PROMISE_SOURCE[at] ~ /^(\/dev\/|(PART)?(UUID|LABEL)=)/) continue
    MOUNT[++n] = at; TYPE[n] = PROMISE_TYPE[at]; SOURCE[n] = PROMISE_SOURCE[at]
    SCOPE[n] = isNetwork(TYPE[n]) ? "network" : "local"
    ABSENT++
  }
}

# True if the options are read-only. Since Linux 6.12 ext4 keeps `rw` after an error that ended writing, and adds the
# state.
function isReadOnly(options) { return options ~ /^ro(,|$)|,(emergency_ro|shutdown)(,|$)/ }

# Prints a line for each mount and unit that the shell has to ask: `m` a mount, `f` a mount that may be a file, `n` a
# mount with a line break in its name, `p` a missing mount whose path may have links, `u` a unit.
function printPlan(  i) {
  for (i = 1; i <= MOUNTS && i <= 1000; i++)
    if (!HANGS[i]) print (MOUNT[i] ~ /\n/ ? "" : PART[i] ? "f" : "m") oneLine(MOUNT[i])
  for (i = MOUNTS + 1; i <= MOUNTS + ABSENT; i++) if (MOUNT[i] !~ /\n/) print "p" MOUNT[i]
  for (i = 1; i <= ASKS["units"] && i <= 200; i++) print "u" unitName(ASKED["units", i])
  for (i = 1; i <= ASKS["logs"] && i <= 100; i++) print "l" ASKED["logs", i]
}

# Returns the key of a mount's figures: its name, or the argument of printf %b for a name with a line break.
function oneLine(name,  i, c, out) {
  if (name !~ /\n/) return name
  for (i = 1; i <= length(name); i++) { c = substr(name, i, 1); out = out (c == "\\" ? "\\\\" : c == "\n" ? "\\n" : c) }
  return "n" out
}

# Returns a unit name with its suffix: `nginx` is `nginx.service`, as in systemctl.
function unitName(unit) {
  return unit ~ /^\/|.\.(service|socket|device|mount|automount|swap|target|path|timer|slice|scope)$/ ? unit : \
    unit ".service"
}
